import { concat, Contract, dataLength, dataSlice, toBeHex, toQuantity } from "ethers";

import { decodeRevert } from "@turingfog/sdk/ethers";
import type { Connection, RpcProvider } from "../connection.js";
import { CREATE2_DEPLOYER, CREATE2_DEPLOYER_CODE, hasCreate2Deployer } from "./create2.js";
import { missingSteps } from "./completeDeployment.js";
import { TRANSACTION_GAS_LIMIT } from "../sending/keySender.js";
import type { Call } from "../sending/sender.js";
import { CREATION, type DeploymentStep, type DeploymentPlan } from "./deploymentPlan.js";

/** What a step that is still to be done will take. */
export interface StepEstimate {
  step: DeploymentStep;
  gas: bigint;
  /** Where the node cannot try the step beforehand, the gas is the most that a transaction may take. */
  isBound: boolean;
  /** Wei that an OP Stack chain takes for the transaction's data on L1, at most and at present. */
  l1Fee: bigint;
}

/** Code and nonces that a node is to assume while it tries a call. */
type Assumed = Record<string, { code: string; nonce: string }>;

/**
 * Has the node try every step of a plan that is still to be done, the last one included, as if those before it were.
 * @param minDelay the governor's
 * @throws RevertError when a contract would refuse, and so the deployment come to nothing
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

/** What a step finds on the chain once those before it are done. */
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
    // behind the salt stands the creation code, which returns what it makes
    if (name === "genesis") assumed[address] = assume(await provider.call({ data: dataSlice(call.data, 32) }));
    if (name === "timelock") assumed[address] = assume(answering(minDelay));
  }
  return assumed;
}

/** Code that answers every call with a number: all that the system asks of its governor is the delay. */
function answering(value: bigint): string {
  // PUSH32 value, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN
  return concat(["0x7f", toBeHex(value, 32), "0x60005260206000f3"]);
}

/** Undefined when the node cannot tell. @throws RevertError */
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

/** Halves the range until it is down to a hundredth, and resolves to its upper end. */
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

/** Signature, nonce, fees and address of a transaction, beside its data. */
const TRANSACTION_BYTES = 120;

async function l1FeeOf({ data }: Call, { chain, provider }: Connection): Promise<bigint> {
  if (chain.l1FeeOracle === undefined) return 0n;
  const abi = ["function getL1FeeUpperBound(uint256 unsignedTxSize) view returns (uint256)"];
  const oracle = new Contract(chain.l1FeeOracle, abi, provider);
  return (await oracle.getL1FeeUpperBound(dataLength(data) + TRANSACTION_BYTES)) as bigint;
}
