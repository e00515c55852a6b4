import { writeFile } from "node:fs/promises";

import { Option } from "@commander-js/extra-typings";

import {
  ADVERSARIES,
  type AdversaryName,
  DEFAULT_SCENARIO,
  runAll,
  type Scenario,
  type ShockName,
  SHOCKS,
  summaryOf,
  supplyChart,
  yearsOf,
} from "@turingfog/economy";

import { newCommand, UsageError, wholeNumber } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";

const list = (entries: Record<string, string>) =>
  Object.entries(entries)
    .map(([name, what]) => `${name}: ${what}`)
    .join("; ");

export const command = newCommand({
  description: `Lives the economy for years by the rules of the protocol, with renters, miners, bidders, holders and a pool.

Prints a table of the runs, and of the years of the first. The assumptions are in docs/economy.md.

--json prints every run.`,
  examples: ["turingfog simulate run", "turingfog simulate run --runs 20 --shock crash@400 --svg supply.svg"],
})
  .option("--seed <N>", "seed of the first run; each further run has the next one", "1")
  .option("--runs <N>", "runs, on all cores", "1")
  .option("--years <N>", "years of 365 days", String(DEFAULT_SCENARIO.years))
  .option("--demand <USD>", "dollars of compute asked for on the first day", String(DEFAULT_SCENARIO.demand))
  .option("--growth <X>", "growth of demand a year, as a factor, up to a hundredfold", String(DEFAULT_SCENARIO.growth))
  .option(
    "--multiple <X>",
    "years of buybacks at which holders value what circulates",
    String(DEFAULT_SCENARIO.multiple),
  )
  .option("--bidders <N>", "bidders with capital", String(DEFAULT_SCENARIO.bidders))
  .option("--shock <NAME@DAY...>", `a blow on its day (${list(SHOCKS)})`)
  .addOption(new Option("--adversary <NAME>", list(ADVERSARIES)).choices(Object.keys(ADVERSARIES) as AdversaryName[]))
  .option("--svg <FILE>", "draw what circulates")
  .action((values) => simulate(values, outputOf(values)));

interface Values {
  seed: string;
  runs: string;
  years: string;
  demand: string;
  growth: string;
  multiple: string;
  bidders: string;
  shock?: string[];
  adversary?: AdversaryName;
  svg?: string;
}

async function simulate(values: Values, output: Output): Promise<void> {
  const seed = wholeNumber("seed", values.seed, 0);
  const runs = wholeNumber("runs", values.runs, 1);
  const scenario: Scenario = {
    ...DEFAULT_SCENARIO,
    years: wholeNumber("years", values.years, 1),
    bidders: wholeNumber("bidders", values.bidders, 0),
    demand: decimal("demand", values.demand),
    growth: decimal("growth", values.growth),
    multiple: decimal("multiple", values.multiple),
    shocks: (values.shock ?? []).map(shockOf),
    adversary: values.adversary,
  };
  const scenarios = Array.from({ length: runs }, (_, i) => ({ ...scenario, seed: seed + i }));
  const outcomes = await runAll(scenarios, (done, all) => output.doing(`Simulating: ${done} of ${all} runs`));
  const title = `Seeds ${seed} to ${seed + runs - 1}, ${scenario.years} years`;
  if (values.svg !== undefined) await writeFile(values.svg, supplyChart(outcomes, title));
  output.result(outcomes, [title, "", summaryOf(outcomes), "", `Seed ${seed}`, "", yearsOf(outcomes[0])].join("\n"));
}

function decimal(name: string, text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new UsageError(`--${name} is '${text}', must be a decimal number such as 1.5`);
}

function shockOf(text: string): { name: ShockName; day: number } {
  const [name, day, ...rest] = text.split("@");
  if (day === undefined || rest.length > 0) throw new UsageError(`--shock is '${text}', must be NAME@DAY`);
  if (!Object.hasOwn(SHOCKS, name)) {
    throw new UsageError(`--shock is '${name}', must be one of ${Object.keys(SHOCKS).join(", ")}`);
  }
  return { name: name as ShockName, day: wholeNumber("shock's day", day, 0) };
}
