import { Random } from "@turingfog/economy";
import { ends, main, newCommand, type Output, outputOf, wholeNumber } from "@turingfog/cli";
import { toJson } from "@turingfog/sdk";
import { TASK_COMPILE } from "hardhat/builtin-tasks/task-names";
import { HARDHAT_NETWORK_NAME } from "hardhat/plugins";

import { tableOf, unshown } from "./chaos/lines";
import { raceLines, wastedPercent } from "./chaos/race";
import type { Outcome } from "./chaos/run";

/** Kills without a number: each role is killed, and those with more steps more often. */
const FEW = "6";

/** The most gas of keepers and a wallet that may go into what somebody else does first, in percent. */
const MOST_WASTED = 5;

interface Values {
  chaos?: string;
  seed?: string;
  small: boolean;
  plant: boolean;
  logs?: string;
}

async function run(values: Values, output: Output): Promise<number> {
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : wholeNumber("seed", values.seed, 0);
  const kills = wholeNumber("chaos", values.chaos ?? FEW, 1);
  // see lab/demo/chain.ts
  process.env.MIMALLOC_PURGE_DELAY ??= "-1";
  process.env.HARDHAT_NETWORK = HARDHAT_NETWORK_NAME;
  const { default: hre } = await import("hardhat");
  await hre.run(TASK_COMPILE, { quiet: true });
  const { runNetwork } = await import("./chaos/run");

  output.say(`seed ${seed}, ${kills} kills`);
  const since = performance.now();
  const say = (line: string) =>
    output.say(`${String(Math.round((performance.now() - since) / 1_000)).padStart(4)} s  ${line}`);
  const { small, plant, logs } = values;
  const size = plant ? "nothing" : small ? "little" : "all";
  const outcome = await runNetwork({ kills, size, random: new Random(seed), plant, logs, say });
  say("done");
  return report(outcome, seed, kills, output);
}

function report(outcome: Outcome, seed: number, asked: number, output: Output): number {
  const { findings, failures, witnesses, race, kills, orders, settled, acknowledged, claimed } = outcome;
  for (const line of [...tableOf(witnesses), "keepers and a wallet race for every act", ...raceLines(race)])
    output.say(line);
  const wasted = wastedPercent(race);
  const missing = [
    ...unshown(witnesses).map((line) => `not shown: ${line}`),
    ...(kills < asked ? [`${kills} kills of ${asked}`] : []),
    ...(settled === 0n ? ["no TU was settled"] : []),
    ...(claimed === 0n ? ["no TFT was claimed"] : []),
    ...(wasted >= MOST_WASTED ? [`${wasted} % of the gas of keepers was wasted, ${MOST_WASTED} % may be`] : []),
    // what a client calls an answer that gives no name
    ...(outcome.refused.has("refused") ? ["something was refused without a name"] : []),
  ];
  const wrong = [...findings.map(({ kind, what }) => `${kind}: ${what}`), ...failures, ...missing];
  for (const line of wrong) output.say(line);
  const count = (kind: string) => findings.filter((each) => each.kind === kind).length;
  const refused = Object.fromEntries([...outcome.refused].sort());
  const books = { lost: count("lost"), doublePaid: count("paid twice") };
  const result = {
    seed,
    orders,
    settled,
    acknowledged,
    claimed,
    killed: kills,
    ...books,
    wastedPercent: wasted,
    refused,
  };
  // one line, whatever the output is for
  console.log(JSON.stringify(JSON.parse(toJson(result))));
  return wrong.length === 0 ? 0 : 1;
}

main(
  newCommand({
    description: `Runs a whole network on this machine: it trades, is harmed in every way that it must survive, and closes its books.

Signers, nodes' agents, a relay, keepers and a watch are processes of their own, on a chain of this one with Uniswap. Renters order and get
results, lots are sold, rewards claimed. Ends with 0 if all that was worked was paid, once, and nothing else was, and if
everything that was to be survived was shown; with 1 and a line for each finding if not. The last line is the result as JSON.`,
    examples: ["npm run network", "npm run network -- --small --chaos 8", "npm run network -- --chaos 40 --seed 1"],
  })
    .name("npm run network --")
    .option("--chaos <COUNT>", `how often somebody is killed (${FEW} if left out)`)
    .option("--seed <NUMBER>", "what is drawn by; without it another one each time, which is printed")
    .option("--small", "with fewer outages", false)
    .option("--plant", "leaves work unpaid and pays somebody double, without outages: the books must not close", false)
    .option("--logs <DIR>", "where what the roles have printed is kept")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
