import { HARDHAT_NETWORK_NAME } from "hardhat/plugins";

import { ends, main, newCommand, type Output, outputOf, table, UsageError } from "@turingfog/cli";
import type { StepGas } from "./genesis/measure";
import { type PlanName, PLANS, SENDERS } from "./genesis/kinds";

type Gas = StepGas["gas"];

async function run({ plan }: { plan?: string }, output: Output): Promise<number> {
  const plans = PLANS.filter((name) => plan === undefined || name === plan);
  if (plans.length === 0) throw new UsageError(`--plan is ${plan}, must be ${PLANS.join(" or ")}`);
  // Hardhat takes its network from here when it is first imported
  process.env.HARDHAT_NETWORK = HARDHAT_NETWORK_NAME;
  const { aboveLimit, LIMITS, measureGenesis } = await import("./genesis/measure");

  const steps = await measureGenesis(plans, (what) => console.error(what));
  const above = aboveLimit(steps);
  const tables = plans.map((name) => tableOf(name, steps, LIMITS));
  const verdict =
    above.length === 0
      ? "No transaction takes more than the limits."
      : above.map(({ plan: of, step, sender }) => `ABOVE THE LIMIT: ${step} of the ${of} plan by ${sender}`).join("\n");
  output.result(steps, [...tables, verdict].join("\n\n"));
  return above.length === 0 ? 0 : 1;
}

/** Returns a plan's table, in which its vesting wallets share a row with the most that one of them takes. */
function tableOf(plan: PlanName, all: readonly StepGas[], limits: Gas): string {
  const steps = all.filter((step) => step.plan === plan);
  const vestings = new Set(steps.map(({ step }) => step).filter((step) => IS_VESTING.test(step)));
  const rows = [...new Set(steps.map(({ step }) => (IS_VESTING.test(step) ? "vesting" : step)))].map((row) => {
    const own = steps.filter(({ step }) => (row === "vesting" ? IS_VESTING.test(step) : step === row));
    const title = row === "vesting" ? `${row}, each of ${vestings.size}` : row;
    return [title, ...SENDERS.flatMap((sender) => cells(own.filter((step) => step.sender === sender)))];
  });
  const head = ["", ...SENDERS.flatMap((sender) => [`${sender}: osaka`, "amsterdam"])];
  const last = ["limit", ...SENDERS.flatMap(() => [count(limits.osaka), count(limits.amsterdam)])];
  return `Gas of the ${plan} plan\n${table([head, ...rows, last])}`;
}

const IS_VESTING = /Vesting$/;

/** Returns the most of each kind of gas. */
function cells(steps: readonly StepGas[]): string[] {
  const most = (rules: keyof Gas) => steps.reduce((max, { gas }) => (gas[rules] > max ? gas[rules] : max), 0n);
  return [count(most("osaka")), count(most("amsterdam"))];
}

function count(gas: bigint): string {
  return gas.toLocaleString("en");
}

main(
  newCommand({
    description: `Measures what each transaction of a deployment takes, under today's prices of gas and the next ones.
--json prints an array of {plan, step, sender, gas: {osaka, amsterdam}}.

Deploys in process under Osaka's rules by an account with a key, by a Safe and by a Safe for L2s, records every
transaction, and replays all of them in another EVM: under Osaka's rules, where each must take the same gas to the unit,
and under Amsterdam's. Ends with 1 if a transaction takes more than 8 M gas under Osaka or 45 M under Amsterdam.`,
    examples: ["npm run bench:genesis -- --plan default"],
  })
    .name("npm run bench:genesis --")
    .option(
      "--plan <NAME>",
      "one plan instead of both: that of deploy/parameters/local.json5, or one with every list at its limit",
    )
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
