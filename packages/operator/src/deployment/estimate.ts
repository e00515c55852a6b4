import { concat, Contract, dataLength, dataSlice, toBeHex, toQuantity } from "ethers";

import { decodeRevert } from "@turingfog/sdk/ethers";
import type { Connection, RpcProvider } from "../connection.js";
import { CREATE2_DEPLOYER, CREATE2_DEPLOYER_CODE, hasCreate2Deployer } from "./create2.js";
import { missingSteps } from "./completeDeployment.js";
import { TRANSACTION_GAS_LIMIT } from "../sending/keySender.js";
import type { Call } from "../sending/sender.js";
import { CREATION, type DeploymentStep, type DeploymentPlan } from "./deploymentPlan.js";

/** Estimate of a step that is not done yet. */
export interface StepEstimate {
  step: DeploymentStep;
  gas: bigint;
  /**
   * Whether the gas is only an upper bound, the most that a transaction may take, because the node cannot try the step.
   */
  isBound: boolean;
  /**
   * Upper bound, in wei at the current price, of what an OP Stack chain takes for the transaction's data on L1; 0
   * elsewhere.
   */
  l1Fee: bigint;
}

/** Code and nonces that a node assumes while it tries a call. */
type Assumed = Record<string, { code: string; nonce: string }>;

/**
 * Lets the node try every step of a plan that is not done yet, the last one included, as if the steps before it were
 * done.
 * @param minDelay the governor's delay in seconds
 * @throws RevertError if a contract would refuse, so that the deployment would fail
 */
export async function estimateSteps(
  plan: DeploymentPlan,
  minDelay: bigint,
  connection: Connection,
  from?: string,
): Promise<StepEstimate[]> {
  const { provider } = connection;
  const missing = await missingSteps(plan, provider);

  const estimates: StepEstimate[] = [];
  for (const step of missing) {
    const assumed = await assumedFor(step, missing, minDelay, provider);
    const gas = await gasOf(provider, step.call, from, assumed);
    const l1Fee = await l1FeeOf(step.call, connection);
    estimates.push({ step, gas: gas ?? TRANSACTION_GAS_LIMIT, isBound: gas === undefined, l1Fee });
  }
  return estimates;
}

/** Returns the code that a step will find on the chain after the steps before it. */
async function assumedFor(
  step: DeploymentStep,
  missing: DeploymentStep[],
  minDelay: bigint,
  provider: RpcProvider,
): Promise<Assumed> {
  const assume = (code: string) => ({ code, nonce: "0x1" });
  if (step.name !== CREATION) {
    return (await hasCreate2Deployer(provider)) ? {} : { [CREATE2_DEPLOYER]: assume(CREATE2_DEPLOYER_CODE) };
  }
  const assumed: Assumed = {};
  for (const { name, address, call } of missing) {
    // the creation code follows the salt, and returns the code that it creates
    if (name === "genesis") assumed[address] = assume(await provider.call({ data: dataSlice(call.data, 32) }));
    if (name === "timelock") assumed[address] = assume(answering(minDelay));
  }
  return assumed;
}

/** Returns code that answers every call with a number. The system asks its governor for nothing but the delay. */
function answering(value: bigint): string {
  // PUSH32 value, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN
  return concat(["0x7f", toBeHex(value, 32), "0x60005260206000f3"]);
}

/**
 * Returns the gas of a call; undefined if the node cannot estimate it.
 * @throws RevertError
 */
async function gasOf(
  provider: RpcProvider,
  { to, data }: Call,
  from: string | undefined,
  assumed: Assumed,
): Promise<bigint | undefined> {
  const request = { from, to, data };
  const assumptions = Object.keys(assumed).length === 0 ? [] : [assumed];
  const tryCall = (method: string, gas: bigint) =>
    provider.send(method, [{ ...request, gas: toQuantity(gas) }, "latest", ...assumptions]);
  try {
    return BigInt((await tryCall("eth_estimateGas", TRANSACTION_GAS_LIMIT)) as string);
  } catch (error) {
    const revert = decodeRevert(error);
    if (revert !== null) throw revert;
  }
  // not every node that can try a call on assumed code can also estimate it
  return leastGas((gas) => tryCall("eth_call", gas));
}

/**
 * Returns the least gas with which a call succeeds, to a hundredth, by halving the range; undefined if the node cannot
 * try the call.
 */
async function leastGas(tryCall: (gas: bigint) => Promise<unknown>): Promise<bigint | undefined> {
  const succeeds = (gas: bigint) =>
    tryCall(gas).then(
      () => true,
      () => false,
    );
  try {
    await tryCall(TRANSACTION_GAS_LIMIT);
  } catch (error) {
    const revert = decodeRevert(error);
    if (revert !== null) throw revert;
    return undefined;
  }
  let [low, high] = [0n, TRANSACTION_GAS_LIMIT];
  while ((high - low) * 100n > high) {
    const middle = (low + high) / 2n;
    if (await succeeds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Bytes of a transaction besides its data: signature, nonce, fees and address. */
const TRANSACTION_BYTES = 120;

async function l1FeeOf({ data }: Call, { chain, provider }: Connection): Promise<bigint> {
  if (chain.l1FeeOracle === undefined) return 0n;
  const abi = ["function getL1FeeUpperBound(uint256 unsignedTxSize) view returns (uint256)"];
  const oracle = new Contract(chain.l1FeeOracle, abi, provider);
  return (await oracle.getL1FeeUpperBound(dataLength(data) + TRANSACTION_BYTES)) as bigint;
}
