import { Random } from "@turingfog/economy";
import { ends, main, newCommand, type Output, outputOf, wholeNumber } from "@turingfog/cli";
import { toJson } from "@turingfog/sdk";
import { TASK_COMPILE } from "hardhat/builtin-tasks/task-names";
import { HARDHAT_NETWORK_NAME } from "hardhat/plugins";

import type { Outcome } from "./chaos/run";

/** Kills of a small run, for which there is time in CI, and of a whole one. */
const FEW = "8";
const MANY = "40";

interface Values {
  kills?: string;
  seed?: string;
  small: boolean;
  plant: boolean;
  logs?: string;
}

async function run(values: Values, output: Output): Promise<number> {
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : wholeNumber("seed", values.seed, 0);
  const kills = wholeNumber("kills", values.kills ?? (values.small ? FEW : MANY), 1);
  // see lab/demo.ts
  process.env.MIMALLOC_PURGE_DELAY ??= "-1";
  process.env.HARDHAT_NETWORK = HARDHAT_NETWORK_NAME;
  const { default: hre } = await import("hardhat");
  await hre.run(TASK_COMPILE, { quiet: true });
  const { runChaos } = await import("./chaos/run");

  output.say(`seed ${seed}, ${kills} kills`);
  const since = performance.now();
  const say = (line: string) =>
    output.say(`${String(Math.round((performance.now() - since) / 1_000)).padStart(4)} s  ${line}`);
  const { small, plant, logs } = values;
  const size = plant ? "nothing" : small ? "little" : "all";
  const outcome = await runChaos({ kills, size, random: new Random(seed), plant, logs, say });
  return report(outcome, seed, kills, output, say);
}

function report(outcome: Outcome, seed: number, asked: number, output: Output, say: (line: string) => void): number {
  const { findings, failures, storm, kills, orders, settled, claimed } = outcome;
  const { killed, all } = storm.killer.steps;
  say(`${storm.acts.length} acts, ${kills} kills, ${killed} of them at steps, of which there are ${all}`);
  const empty = [
    ...(kills < asked ? [`${kills} kills of ${asked}`] : []),
    ...(settled === 0n ? ["no TU was settled"] : []),
    ...(claimed === 0n ? ["no TFT was claimed"] : []),
    // what a client calls an answer that gives no name
    ...(outcome.refused.has("refused") ? ["something was refused without a name"] : []),
  ];
  const wrong = [...findings.map(({ kind, what }) => `${kind}: ${what}`), ...failures, ...empty];
  for (const line of wrong) output.say(line);
  const count = (kind: string) => findings.filter((each) => each.kind === kind).length;
  const refused = Object.fromEntries([...outcome.refused].sort());
  const result = {
    seed,
    kills,
    orders,
    settled,
    claimed,
    lost: count("lost"),
    paidTwice: count("paid twice"),
    refused,
  };
  // one line, whatever the output is for
  console.log(JSON.stringify(JSON.parse(toJson(result))));
  return wrong.length === 0 ? 0 : 1;
}

main(
  newCommand({
    description: `Runs a network of signers and nodes through kills, outages and cheats, and closes its books.

Each role is a process, on a chain of this one. Ends with 0 if all that was worked was paid, once, and nothing else was;
with 1 and a line for each finding if not. The last line is the result as JSON.`,
    examples: ["npm run chaos -- --seed 1", "npm run chaos -- --small"],
  })
    .name("npm run chaos --")
    .option("--kills <COUNT>", `how often a role is killed (${MANY}, or ${FEW} if it is small)`)
    .option("--seed <NUMBER>", "what is drawn by; without it another one each time, which is printed")
    .option("--small", "with fewer kills and outages", false)
    .option("--plant", "leaves work unpaid and pays somebody double, without outages: the books must not close", false)
    .option("--logs <DIR>", "where what the roles have printed is kept")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
