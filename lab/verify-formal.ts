import { ends, main, newCommand, type Output, outputOf, UsageError } from "@turingfog/cli";
import { check, type Property } from "./formal/check";
import { checkExp2 } from "./formal/exp2";
import { SUITES } from "./formal/suites";

async function run({ only }: { only?: string }, output: Output): Promise<number> {
  const suites = SUITES.filter(({ name }) => only === undefined || name === only);
  const all: Property[] = only === undefined || only === "Exp2" ? checkExp2() : [];
  if (suites.length + all.length === 0) throw new UsageError(`--only ${only}: see lab/formal/suites.ts`);

  for (const property of all) say(property, output);
  for (const suite of suites) {
    const start = Date.now();
    const properties = check(suite);
    for (const property of properties) say(property, output);
    output.say(`  ${suite.name}: ${((Date.now() - start) / 1_000).toFixed(0)} s`);
    all.push(...properties);
  }

  const count = (verdict: Property["verdict"]) => all.filter((property) => property.verdict === verdict).length;
  const properties = {
    proven: count("proven"),
    open: count("open"),
    refuted: count("refuted"),
    vacuous: count("vacuous"),
  };
  const canaries = { caught: count("caught"), missed: count("missed") };
  output.result(
    { ...properties, ...canaries, properties: all },
    `${sum(properties)} properties: ${inWords(properties)}; ${sum(canaries)} canaries: ${inWords(canaries)}`,
  );
  return properties.refuted + properties.vacuous + canaries.missed > 0 ? 1 : 0;
}

type Counts = Record<string, number>;

const sum = (counts: Counts): number => Object.values(counts).reduce((total, number) => total + number, 0);

const inWords = (counts: Counts): string =>
  Object.entries(counts)
    .map(([verdict, number]) => `${number} ${verdict}`)
    .join(", ");

function say({ verdict, suite, name, statement, reason }: Property, output: Output): void {
  output.say(`${verdict.padEnd(7)}  ${suite}.${name}: ${statement}`);
  if (reason !== undefined) output.say(`         ${reason.split("\n")[0]}`);
}

main(
  newCommand({
    description: `Proves properties of supply, vault, token and auction price with the solver that is built into solc.

The shipped sources are checked, with the stand-ins and edits that lab/formal/suites.ts gives reasons for. Each property
is proven or open, for the reason printed. Each is tried once more with an absurd claim in its place, and is vacuous when
that is proven too. Each suite has canaries, false claims that have to be refuted: they are caught or missed. Ends with 1
when a property is refuted or vacuous or a canary is missed.`,
    examples: ["npm run verify:formal", "npm run verify:formal -- --only Exp2 --json"],
  })
    .name("npm run verify:formal --")
    .option("--only <SUITE>", "one suite of lab/formal/suites.ts, or Exp2")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
