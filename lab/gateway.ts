import { Random } from "@turingfog/economy";
import { ends, main, newCommand, type Output, outputOf, wholeNumber } from "@turingfog/cli";
import { toJson } from "@turingfog/sdk";
import { TASK_COMPILE } from "hardhat/builtin-tasks/task-names";
import { HARDHAT_NETWORK_NAME } from "hardhat/plugins";

/** Kills without a number, and those of a small check. */
const MANY = "60";
const FEW = "12";

interface Values {
  kills?: string;
  seed?: string;
  small: boolean;
  logs?: string;
}

async function run({ small: isSmall, logs, ...values }: Values, output: Output): Promise<number> {
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 32) : wholeNumber("seed", values.seed, 0);
  const kills = wholeNumber("kills", values.kills ?? (isSmall ? FEW : MANY), 1);
  // see lab/demo.ts
  process.env.MIMALLOC_PURGE_DELAY ??= "-1";
  process.env.HARDHAT_NETWORK = HARDHAT_NETWORK_NAME;
  const { default: hre } = await import("hardhat");
  await hre.run(TASK_COMPILE, { quiet: true });
  const { checkGateway } = await import("./gateway/check");

  output.say(`seed ${seed}, ${kills} kills`);
  const since = performance.now();
  const say = (line: string) =>
    output.say(`${String(Math.round((performance.now() - since) / 1_000)).padStart(4)} s  ${line}`);
  const outcome = await checkGateway({ kills, isSmall, random: new Random(seed), logs, say });
  const { sessions, orders, refunds, sentBack, lostDisputes, doubleOrders, doubleRefunds, lostCents, findings } =
    outcome;
  say(`${sessions} payments, ${orders} orders, ${refunds} refunds, ${outcome.reorganisations} reorganisations`);
  say(`${outcome.currencies.join(", ")}; ${sentBack} refunds sent back, ${lostDisputes} disputes lost`);
  for (const line of findings) output.say(line);
  const nothing = [sessions, orders, refunds].includes(0) ? ["no payment, no order or no refund"] : [];
  for (const line of nothing) output.say(line);
  const result = { sessions, orders, refunds, doubleOrders, doubleRefunds, lostCents: Number(lostCents) };
  // one line, whatever the output is for
  console.log(JSON.stringify(JSON.parse(toJson(result))));
  return findings.length + nothing.length === 0 ? 0 : 1;
}

main(
  newCommand({
    description: `Kills a card gateway again and again while customers pay, and checks that no order and no refund is lost or given twice.

The gateway is a process of its own, before a chain that is reorganised, and a stand-in for Stripe of whose calls one in five
fails and whose webhooks are repeated, late, in any order and lost. What is checked is read from the stand-in's ledger and the
chain. Ends with 1 and a line for each finding if anything does not add up. The last line is the result as JSON.`,
    examples: ["npm run gateway:check -- --small", "npm run gateway:check -- --kills 200 --seed 1"],
  })
    .name("npm run gateway:check --")
    .option("--kills <COUNT>", `how often it is killed (${MANY} if left out, ${FEW} if small)`)
    .option("--seed <NUMBER>", "what is drawn by; without it another one each time, which is printed")
    .option("--small", "without being killed at every step", false)
    .option("--logs <DIR>", "where what the gateway has printed is kept")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
