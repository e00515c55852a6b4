import { ends, main, newCommand, type Output, outputOf, table } from "@turingfog/cli";
import { assertions, type Assertion } from "./reached/asserted";
import { outcomes, type Outcome } from "./reached/declared";

interface Reached extends Outcome {
  /** The places where tests assert it, with its arguments. */
  places: string[];
}

function reached(outcome: Outcome, all: Assertion[]): Reached {
  const places = all
    .filter(({ kind, names, contracts }) => kind === outcome.kind && matches(names, contracts, outcome))
    .filter(({ hasArguments }) => hasArguments || !outcome.hasArguments)
    .map(({ place }) => place);
  return { ...outcome, places };
}

const matches = (names: string[], contracts: string[], { name, contract }: Outcome): boolean =>
  names.includes(name) && contracts.includes(contract);

function count(all: Reached[], kind: Outcome["kind"], isOwn: boolean): string {
  const ofKind = all.filter((each) => each.kind === kind && each.isOwn === isOwn);
  return `${ofKind.filter(({ places }) => places.length > 0).length} of ${ofKind.length} ${kind}s`;
}

async function run(_options: object, output: Output): Promise<number> {
  const asserted = assertions();
  const all = outcomes().map((outcome) => reached(outcome, asserted));
  const missing = all.filter(({ isOwn, places }) => isOwn && places.length === 0);
  const inherited = all.filter(({ isOwn, places }) => !isOwn && places.length === 0);

  const text = [
    `own: ${count(all, "error", true)} reached, ${count(all, "event", true)} asserted`,
    ...(missing.length > 0 ? [`no test has these, each with its arguments:\n${listed(missing)}`] : []),
    `inherited: ${count(all, "error", false)} reached, ${count(all, "event", false)} asserted; the rest:`,
    listed(inherited),
  ].join("\n");
  output.result({ missing, reached: all.filter(({ places }) => places.length > 0), inherited }, text);
  return missing.length > 0 ? 1 : 0;
}

const listed = (all: Reached[]): string => table(all.map(({ contract, kind, name }) => [contract, kind, name]));

main(
  newCommand({
    description: `Looks whether the tests reach every error and assert every event of the deployed contracts, with its arguments.

An error counts when a test has \`revertedWithCustomError(contract, "Name")\`, an event when one has \`emit(contract, "Name")\`,
each followed by \`withArgs\` unless it has no arguments, on the type of that very contract. What a contract inherits from a
library is listed apart. Ends with 1 when one of TuringFog's own is missing.`,
    examples: ["npm run check:reached"],
  })
    .name("npm run check:reached --")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
