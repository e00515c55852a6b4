import { concat, Contract, dataLength, toBeHex, toQuantity } from "ethers";

import { TuringFogError } from "@turingfog/sdk";
import { answerOf, decodeRevert, GENESIS_KEYS, type GenesisKey, isEndOfCallIn, nodeWords } from "@turingfog/sdk/ethers";
import type { Connection } from "../connection.js";
import { UnreachableError, withNodeNamed } from "../node.js";
import { rpcVariable } from "../rpc.js";
import { isOutOfGas, OutOfGasError } from "../sending/outOfGas.js";
import type { Call } from "../sending/sender.js";
import { CREATE2_DEPLOYER, CREATE2_DEPLOYER_CODE, hasCreate2Deployer } from "./create2.js";
import type { DeploymentPlan, DeploymentStep } from "./deploymentPlan.js";
import type { ExpectedContract } from "./expected.js";

/** Estimate of a step that is not done yet. */
export interface StepEstimate {
  step: DeploymentStep;
  /** Gas that the node finds by trying the step; undefined if it cannot try it, or if there is a problem. */
  gas: bigint | undefined;
  /** Reason for which the step would fail, in the node's words. */
  problem?: string;
  /**
   * Upper bound, in wei at the current price, of what an OP Stack chain takes for the transaction's data on L1; 0
   * elsewhere.
   */
  l1Fee: bigint;
}

type Found = Pick<StepEstimate, "gas" | "problem">;

/** Code and nonces that a node assumes while it tries a call. */
type Assumed = Record<string, { code?: string; nonce: string }>;

/**
 * Lets the node try every step of a plan that is not done yet, the last one included, as if the steps before it were
 * done.
 * @param missing those steps, in their order
 * @param contracts the plan's contracts, with their code
 * @param minDelay the governor's delay in seconds
 * @throws RevertError if a contract would refuse, so that the deployment would fail
 */
export async function estimateSteps(
  { addresses }: DeploymentPlan,
  missing: readonly DeploymentStep[],
  contracts: readonly ExpectedContract[],
  minDelay: bigint,
  blockGasLimit: bigint,
  connection: Connection,
  from?: string,
): Promise<StepEstimate[]> {
  const { provider } = connection;
  const assumed: Assumed = (await hasCreate2Deployer(provider)) ? {} : assume(CREATE2_DEPLOYER, CREATE2_DEPLOYER_CODE);

  const estimates: StepEstimate[] = [];
  for (const step of missing) {
    const found = await gasOf(connection, step.call, from, assumed, blockGasLimit);
    estimates.push({ step, ...found, l1Fee: await l1FeeOf(step.call.data, connection) });

    const { genesis } = addresses;
    const code = contracts.find(({ name }) => name === step.name)?.runtimeCode ?? "0x";
    // the contracts ask the governor for nothing but its delay
    Object.assign(assumed, assume(step.address, step.name === "timelock" ? answering(minDelay) : code));
    const place = GENESIS_KEYS.indexOf(step.name as GenesisKey) + 1;
    // an account's creations are counted from 1
    if (place !== 0) assumed[genesis] = { ...assumed[genesis], nonce: toQuantity(place + 1) };
  }
  return estimates;
}

function assume(address: string, code: string): Assumed {
  return { [address]: { code, nonce: "0x1" } };
}

/** Returns code that answers every call with a number. */
function answering(value: bigint): string {
  // PUSH32 value, PUSH1 0, MSTORE, PUSH1 32, PUSH1 0, RETURN
  return concat(["0x7f", toBeHex(value, 32), "0x60005260206000f3"]);
}

/**
 * Returns the gas of a call, as the node finds it within the limits that it knows.
 * @throws RevertError
 */
async function gasOf(
  { name, provider }: Connection,
  call: Call,
  from: string | undefined,
  assumed: Assumed,
  blockGasLimit: bigint,
): Promise<Found> {
  const request = { from, to: call.to, data: call.data };
  const assumptions = Object.keys(assumed).length === 0 ? [] : [assumed];
  const tryCall = (method: string, gas: { gas?: string } = {}) =>
    provider.send(method, [{ ...request, ...gas }, "latest", ...assumptions]);
  const tryWith = (gas: bigint) => tryCall("eth_call", { gas: toQuantity(gas) });

  try {
    return { gas: BigInt((await tryCall("eth_estimateGas")) as string) };
  } catch (error) {
    const problem = problemOf(error, name, call, blockGasLimit);
    if (problem !== undefined) return { gas: undefined, problem };
  }
  // not every node that can try a call on assumed code can also estimate it
  try {
    await tryWith(blockGasLimit);
  } catch (error) {
    return { gas: undefined, problem: problemOf(error, name, call, blockGasLimit) };
  }
  return { gas: await leastGas(tryWith, blockGasLimit) };
}

/**
 * Returns the problem of a call that a node tried; undefined if it could not try the call.
 * @throws RevertError, UnreachableError
 */
function problemOf(error: unknown, chain: string, { description }: Call, blockGasLimit: bigint): string | undefined {
  if (error instanceof UnreachableError) throw error;
  if (isOutOfGas(error)) return withNodeNamed(OutOfGasError.tried(description, blockGasLimit, error), chain).message;
  const revert = decodeRevert(error);
  if (revert !== null) throw revert;
  const words = nodeWords(error);
  return isEndOfCallIn(words) ? `"${description}" would fail: ${words}` : undefined;
}

/** Returns the least gas with which a call succeeds, to a hundredth, by halving the range below gas that suffices. */
async function leastGas(tryCall: (gas: bigint) => Promise<unknown>, sufficient: bigint): Promise<bigint> {
  const succeeds = (gas: bigint) =>
    tryCall(gas).then(
      () => true,
      (error: unknown) => {
        if (error instanceof UnreachableError) throw error;
        return false;
      },
    );
  let [low, high] = [0n, sufficient];
  while ((high - low) * 100n > high) {
    const middle = (low + high) / 2n;
    if (await succeeds(middle)) high = middle;
    else low = middle;
  }
  return high;
}

/** Bytes of a transaction besides its data: signature, nonce, fees and address. */
const TRANSACTION_BYTES = 120;

/** Thrown when a chain of the OP Stack has no oracle of the fee for data on L1. */
export class NoL1FeeOracleError extends TuringFogError {
  constructor({ name, chain }: Connection) {
    super(
      `${chain.title} does not tell what data on L1 costs: getL1FeeUpperBound is not answered at ${chain.l1FeeOracle}, ` +
        `which every node of the OP Stack has; check ${rpcVariable(name)}`,
    );
  }
}

/**
 * Returns the most that a transaction with some data pays for it on L1, in wei at the current price; 0 if the chain is not
 * of the OP Stack.
 * @throws NoL1FeeOracleError
 */
export async function l1FeeOf(data: string, connection: Connection): Promise<bigint> {
  const { chain, provider } = connection;
  if (chain.l1FeeOracle === undefined) return 0n;
  const abi = ["function getL1FeeUpperBound(uint256 unsignedTxSize) view returns (uint256)"];
  const oracle = new Contract(chain.l1FeeOracle, abi, provider);
  const size = dataLength(data) + TRANSACTION_BYTES;
  const fee = await answerOf(oracle.getL1FeeUpperBound(size) as Promise<bigint>);
  if (fee === undefined) throw new NoL1FeeOracleError(connection);
  return fee;
}
