import { type AccountKind, answerOf, describeAccountKind, readAccountKind } from "@turingfog/sdk/ethers";
import { Contract, type Provider } from "ethers";

import { type Connection, formatCoins, latestBlock } from "../connection.js";
import type { Build } from "./build.js";
import { hasCreate2Deployer, keylessProblem, NoCreate2DeployerError } from "./create2.js";
import { missingSteps } from "./completeDeployment.js";
import { estimateSteps, l1FeeOf, NoL1FeeOracleError, type StepEstimate } from "./estimate.js";
import { expectedContracts } from "./expected.js";
import { checkFigures } from "./figures.js";
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
  /** Symbol of the chain's own coin, of whose smallest unit, wei, balance, fee and gas price are. */
  currency: string;
  /** Wei per unit of gas. */
  gasPrice: bigint;
  sender: string | undefined;
  balance: bigint | undefined;
  assets: AssetFacts[];
  reliedOn: ReliedOn[];
  /** Factory of Uniswap v3, as its router tells; undefined if none is known. */
  uniswapFactory: string | undefined;
  /** Steps that are not done; none of them has gas if a problem stands before all of them. */
  steps: StepEstimate[];
  /** Gas of all steps that the node can try. */
  gas: bigint;
  /** Gas limit of the latest block. */
  blockGasLimit: bigint;
  /** Wei at the current gas price, with the fees for data on L1. */
  fee: bigint;
  /** Reasons for which nothing may be sent. */
  problems: string[];
  /** Reasons for doubt. */
  warnings: string[];
}

/** The most decimals of an asset that the escrow lists. */
const MAX_DECIMALS = 24n;

/**
 * Reads everything that a deployment relies on, and lets the node try each of its transactions. Sends nothing.
 * @param sender account that sends; undefined if it is not known
 * @param isSafe whether a Safe sends, which cannot have the deterministic deployer created
 * @throws RevertError if a contract would refuse
 */
export async function preflight(
  plan: DeploymentPlan,
  parameters: DeploymentParameters,
  build: Build,
  connection: Connection,
  sender?: string,
  isSafe = false,
): Promise<Preflight> {
  const { provider, chain, chainId } = connection;
  const latest = await latestBlock(provider);
  const { number: block, gasLimit: blockGasLimit } = latest;
  const assets = await Promise.all(
    parameters.assets.map(({ address }, i) => assetFacts(provider, `assets[${i}].address`, address)),
  );
  const { problems, warnings } = await checkFigures(connection, latest);
  for (const asset of assets) problems.push(...assetProblems(asset, chain.title));
  problems.push(...(await create2Problems(connection, sender, isSafe)), ...(await l1FeeProblems(connection)));
  const uniswapFactory = await uniswapFactoryOf(connection);
  if (chain.uniswapRouter !== undefined && uniswapFactory === undefined) {
    warnings.push(`Uniswap's router ${chain.uniswapRouter} does not tell its factory on ${chain.title}`);
  }

  const missing = await missingSteps(plan, provider);
  const contracts = expectedContracts(build, { parameters, chainId, addresses: plan.addresses });
  const { minDelay } = parameters.governor;
  // Genesis would only refuse an invalid asset once more, in other words
  const steps =
    problems.length === 0
      ? await estimateSteps(plan, missing, contracts, minDelay, blockGasLimit, connection, sender)
      : missing.map((step) => ({ step, gas: undefined, l1Fee: 0n }));
  for (const step of steps) problems.push(...stepProblems(step, blockGasLimit));
  const gasPrice = (await provider.getFeeData()).gasPrice ?? 0n;
  const gas = steps.reduce((sum, each) => sum + (each.gas ?? 0n), 0n);
  const fee = steps.reduce((sum, each) => sum + (each.gas ?? 0n) * gasPrice + each.l1Fee, 0n);
  const balance = sender === undefined ? undefined : await provider.getBalance(sender);
  if (balance !== undefined && balance < fee) {
    const [has, costs] = [balance, fee].map((each) => formatCoins(each, chain.currency));
    problems.push(`The sender ${sender} has ${has}, and it will cost about ${costs}`);
  }

  return {
    block,
    currency: chain.currency,
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
    uniswapFactory,
    steps,
    gas,
    blockGasLimit,
    fee,
    problems,
    warnings,
  };
}

/** Returns the reason for which the deterministic deployer neither stands nor can be created by the sender. */
async function create2Problems(
  { provider, chain }: Connection,
  sender: string | undefined,
  isSafe: boolean,
): Promise<string[]> {
  if (await hasCreate2Deployer(provider)) return [];
  const isContract = sender !== undefined && (await readAccountKind(provider, sender)).kind === "contract";
  // a call to an account without code succeeds and creates nothing, so that a Safe would be given the same step again and again
  if (chain.chainId !== undefined || isSafe || isContract) return [new NoCreate2DeployerError(chain.title).message];
  const problem = await keylessProblem(provider);
  return problem === undefined ? [] : [problem];
}

async function l1FeeProblems(connection: Connection): Promise<string[]> {
  try {
    await l1FeeOf("0x", connection);
    return [];
  } catch (error) {
    if (error instanceof NoL1FeeOracleError) return [error.message];
    throw error;
  }
}

/** Asks Uniswap's router for its factory; undefined if no router is known, or if it does not answer. */
export async function uniswapFactoryOf({ chain, provider }: Connection): Promise<string | undefined> {
  if (chain.uniswapRouter === undefined) return undefined;
  const router = new Contract(chain.uniswapRouter, ["function factory() view returns (address)"], provider);
  return answerOf(router.factory() as Promise<string>);
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
