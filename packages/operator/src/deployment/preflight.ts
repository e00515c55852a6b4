import { type AccountKind, answerOf, describeAccountKind, readAccountKind } from "@turingfog/sdk/ethers";
import { type Block, Contract, formatEther, type Provider } from "ethers";

import type { Connection } from "../connection.js";
import type { Build } from "./build.js";
import { hasCreate2Deployer, keylessProblem, NoCreate2DeployerError } from "./create2.js";
import { estimateSteps, type StepEstimate } from "./estimate.js";
import { expectedContracts } from "./expected.js";
import type { DeploymentParameters } from "./parameters.js";
import type { DeploymentPlan } from "./deploymentPlan.js";

/** An address that a deployment relies on, with what stands there. */
export interface ReliedOn {
  /** Parameter that names the address. */
  path: string;
  address: string;
  account: AccountKind;
}

/** An asset, as the chain has it. */
export interface AssetFacts extends ReliedOn {
  symbol: string | undefined;
  decimals: bigint | undefined;
}

/** Findings about a deployment before anything is sent. */
export interface Preflight {
  block: number;
  /** Wei per unit of gas. */
  gasPrice: bigint;
  sender: string | undefined;
  balance: bigint | undefined;
  assets: AssetFacts[];
  reliedOn: ReliedOn[];
  steps: StepEstimate[];
  /** Gas of all steps that the node can try. */
  gas: bigint;
  /** Gas limit of the latest block. */
  blockGasLimit: bigint;
  /** Wei at the current gas price, with the fees for data on L1. */
  fee: bigint;
  /** Reasons for which nothing may be sent. */
  problems: string[];
}

/** The most decimals of an asset that the escrow lists. */
const MAX_DECIMALS = 24n;

/**
 * Reads everything that a deployment relies on, and lets the node try each of its transactions. Sends nothing.
 * @throws RevertError if a contract would refuse
 */
export async function preflight(
  plan: DeploymentPlan,
  parameters: DeploymentParameters,
  build: Build,
  connection: Connection,
  sender?: string,
): Promise<Preflight> {
  const { provider, chain, chainId } = connection;
  const problems: string[] = [];
  const assets = await Promise.all(
    parameters.assets.map(({ address }, i) => assetFacts(provider, `assets[${i}].address`, address)),
  );
  for (const asset of assets) problems.push(...assetProblems(asset, chain.title));
  if (!(await hasCreate2Deployer(provider))) {
    const problem =
      chain.chainId === undefined ? await keylessProblem(provider) : new NoCreate2DeployerError(chain.title).message;
    if (problem !== undefined) problems.push(problem);
  }

  const { number: block, gasLimit: blockGasLimit } = await latestBlock(provider);
  const contracts = expectedContracts(build, { parameters, chainId, addresses: plan.addresses });
  // Genesis would only refuse an invalid asset once more, in other words
  const steps =
    problems.length === 0
      ? await estimateSteps(plan, contracts, parameters.governor.minDelay, blockGasLimit, connection, sender)
      : [];
  for (const step of steps) problems.push(...stepProblems(step, blockGasLimit));
  const gasPrice = (await provider.getFeeData()).gasPrice ?? 0n;
  const gas = steps.reduce((sum, each) => sum + (each.gas ?? 0n), 0n);
  const fee = steps.reduce((sum, each) => sum + (each.gas ?? 0n) * gasPrice + each.l1Fee, 0n);
  const balance = sender === undefined ? undefined : await provider.getBalance(sender);
  if (balance !== undefined && balance < fee) {
    problems.push(`The sender ${sender} has ${formatEther(balance)}, and it will cost about ${formatEther(fee)}`);
  }

  return {
    block,
    gasPrice,
    sender,
    balance,
    assets,
    reliedOn: await Promise.all(
      named(parameters).map(async ([path, address]) => ({
        path,
        address,
        account: await readAccountKind(provider, address),
      })),
    ),
    steps,
    gas,
    blockGasLimit,
    fee,
    problems,
  };
}

async function latestBlock(provider: Provider): Promise<Block> {
  const block = await provider.getBlock("latest");
  if (block === null) throw new Error("The node has no latest block");
  return block;
}

function stepProblems({ step, gas, problem }: StepEstimate, blockGasLimit: bigint): string[] {
  if (problem !== undefined) return [problem];
  if (gas === undefined || gas <= blockGasLimit) return [];
  const [takes, limit] = [gas, blockGasLimit].map((each) => each.toLocaleString("en"));
  return [`"${step.call.description}" takes ${takes} gas, and a block has ${limit}: it can never be mined`];
}

/** Returns every address except the assets, with the parameter that names it. */
function named({ governor, guardian, signers, operations, allocations }: DeploymentParameters): [string, string][] {
  const list = (path: string, addresses: string[]) =>
    addresses.map((address, i): [string, string] => [`${path}[${i}]`, address]);
  return [
    ...list("governor.proposers", governor.proposers),
    ...list("governor.executors", governor.executors),
    ["guardian", guardian],
    ...list("signers", signers),
    ["operations.treasury", operations.treasury],
    ...allocations.map((allocation, i): [string, string] =>
      "vesting" in allocation
        ? [`allocations[${i}].vesting.beneficiary`, allocation.vesting.beneficiary]
        : [`allocations[${i}].holder`, allocation.holder],
    ),
  ];
}

async function assetFacts(provider: Provider, path: string, address: string): Promise<AssetFacts> {
  const abi = ["function symbol() view returns (string)", "function decimals() view returns (uint8)"];
  const asset = new Contract(address, abi, provider);
  const ask = <T>(getter: string) => answerOf(asset[getter]() as Promise<T>);
  const [account, symbol, decimals] = await Promise.all([
    readAccountKind(provider, address),
    ask<string>("symbol"),
    ask<bigint>("decimals"),
  ]);
  return { path, address, account, symbol, decimals };
}

function assetProblems({ path, address, account, decimals }: AssetFacts, chain: string): string[] {
  if (account.kind === "plain") return [`${path}: ${address}: must be a token, and there is no contract on ${chain}`];
  if (account.kind === "delegated") {
    return [`${path}: ${address}: must be a token, and is an ${describeAccountKind(account)}`];
  }
  if (decimals === undefined) return [`${path}: ${address}: must be a token, and does not tell its decimals`];
  if (decimals > MAX_DECIMALS) {
    return [`${path}: ${address}: must have at most ${MAX_DECIMALS} decimals, and has ${decimals}`];
  }
  return [];
}
