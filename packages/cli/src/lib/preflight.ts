import {
  type Allocation,
  type Connection,
  type DeploymentParameters,
  type DeploymentPlan,
  formatCoins,
  type Preflight,
} from "@turingfog/operator";
import { formatAmount, formatDuration, NOMINAL_SUPPLY, RESERVE } from "@turingfog/sdk";
import { describeAccountKind } from "@turingfog/sdk/ethers";
import { formatUnits } from "ethers";

import { table } from "./output.js";

const TFT_DECIMALS = 18;

/** A planned deployment, with the findings before anything is sent. */
export interface Planned {
  plan: DeploymentPlan;
  parameters: DeploymentParameters;
  connection: Connection;
  found: Preflight;
}

/** Describes what a deployment will do and cost, for people. */
export function describePlan({ plan, parameters, connection, found }: Planned): string {
  const { chain, chainId } = connection;
  return [
    ...listed("Problems that prevent the deployment", found.problems),
    ...listed("Warnings", found.warnings),
    `${chain.title}, chain ${chainId}, block ${found.block}, gas at ${formatUnits(found.gasPrice, "gwei")} gwei`,
    describeSender(found),
    "",
    "Contracts",
    table(addressRows(plan, found)),
    "",
    "Transactions to send",
    describeSteps(found),
    "",
    "Supply, TFT",
    table(supplyRows(parameters)),
    "",
    `Oracle: ${parameters.quorum} of ${parameters.signers.length} signers must sign; ` +
      `${BigInt(parameters.signers.length) - parameters.quorum} may fail without a halt`,
    "",
    "Assets listed from the start, beside TFT",
    found.assets.length === 0 ? "  none" : table(assetRows(parameters, found)),
    "",
    "Named in the parameters",
    table(found.reliedOn.map(({ path, address, account }) => [path, address, describeAccountKind(account)])),
    ...(found.uniswapFactory === undefined ? [] : ["", `Uniswap v3's factory, by its router: ${found.uniswapFactory}`]),
  ].join("\n");
}

function listed(heading: string, findings: readonly string[]): string[] {
  return findings.length === 0 ? [] : [heading, ...findings.map((each) => `  ${each}`), ""];
}

function describeSender({ sender, balance, currency }: Preflight): string {
  if (sender === undefined || balance === undefined) return "Sender: not known";
  return `Sender: ${sender}, has ${formatCoins(balance, currency)}`;
}

function addressRows(plan: DeploymentPlan, { steps }: Preflight): string[][] {
  const missing = new Set(steps.map(({ step }) => step.name));
  return Object.entries(plan.addresses).map(([name, address]) => {
    return [name, address, missing.has(name) ? "to be created" : "stands"];
  });
}

function describeSteps({ steps, gas, fee, currency, blockGasLimit, problems }: Preflight): string {
  if (steps.length === 0) return "  none";
  const untried = problems.length === 0 ? "not known: the node cannot try it" : "not known, because of the problems";
  const count = (amount: bigint) => `${amount.toLocaleString("en")} gas`;
  const rows = steps.map(({ step, gas: each }) => [step.call.description, each === undefined ? untried : count(each)]);
  return table([
    ...rows,
    ["Together", `${count(gas)}, ${formatCoins(fee, currency)} at the current price`],
    ["A block has", count(blockGasLimit)],
  ]);
}

function supplyRows({ allocations }: DeploymentParameters): string[][] {
  const row = (name: string, amount: bigint, terms: string) => [
    name,
    formatAmount(amount, TFT_DECIMALS, 2),
    `${(Number((amount * 10_000n) / NOMINAL_SUPPLY) / 100).toFixed(2)} %`,
    terms,
  ];
  return [
    row("reserve", RESERVE, "in the vault, released as TFT is burned"),
    ...allocations.map((allocation) => row(allocation.name, allocation.amount, termsOf(allocation))),
  ];
}

function termsOf(allocation: Allocation): string {
  if (!("vesting" in allocation)) return `to ${allocation.holder}`;
  const { beneficiary, start, duration, cliff } = allocation.vesting;
  const from = new Date(Number(start) * 1_000).toISOString().slice(0, 10);
  const times = `over ${formatDuration(duration)} from ${from}${cliff === 0n ? "" : `, cliff ${formatDuration(cliff)}`}`;
  return `to ${beneficiary} ${times}`;
}

function assetRows({ assets }: DeploymentParameters, found: Preflight): string[][] {
  return found.assets.map(({ address, symbol, decimals }, i) => [
    symbol ?? "?",
    address,
    `${decimals ?? "?"} decimals`,
    `first lot around ${formatAmount(assets[i].referencePrice, TFT_DECIMALS, 2)} TFT for one`,
  ]);
}
