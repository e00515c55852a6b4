import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { ends, main, newCommand, type Output, outputOf, table } from "@turingfog/cli";

import { docComments, opensBadly, REFUSED_OPENINGS, type DocComment } from "./prose/count";

const OPENINGS = REFUSED_OPENINGS.join(", ");

const ROOT = path.join(__dirname, "..");
const PACKAGES = path.join(ROOT, "packages");
const GENERATED = [path.join("packages", "sdk", "src", "bindings") + path.sep];

/** Share of all doc comments, in percent, from which on the command fails. */
const LIMIT = 5;

/** Doc comments of one package, or of all. */
interface Tally {
  name: string;
  comments: number;
  refused: number;
  /** Percent. */
  share: number;
}

function tally(name: string, comments: readonly DocComment[]): Tally {
  const refused = comments.filter(opensBadly).length;
  return { name, comments: comments.length, refused, share: (100 * refused) / Math.max(comments.length, 1) };
}

/** Returns the doc comments of a package's sources, with paths relative to the checkout. */
function commentsOf(name: string): DocComment[] {
  const sources = path.join(PACKAGES, name, "src");
  return readdirSync(sources, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => path.relative(ROOT, path.join(sources, file)))
    .filter((file) => !GENERATED.some((folder) => file.startsWith(folder)))
    .sort()
    .flatMap((file) => docComments(file, readFileSync(path.join(ROOT, file), "utf8")));
}

function run(_options: object, output: Output): Promise<number> {
  const names = readdirSync(PACKAGES)
    .filter((name) => existsSync(path.join(PACKAGES, name, "src")))
    .sort();
  const found = names.map((name) => ({ name, comments: commentsOf(name) }));
  const all = found.flatMap(({ comments }) => comments);
  const packages = found.map(({ name, comments }) => tally(name, comments));
  const total = tally("all", all);
  const refused = all.filter(opensBadly);
  const passed = total.comments > 0 && total.share < LIMIT;

  const text = [
    `Doc comments that begin with ${OPENINGS}:`,
    table([...packages, total].map((each) => [each.name, `${each.refused} of ${each.comments}`, percent(each)])),
    ...(refused.length === 0 ? [] : [table(refused.map((each) => [`${each.file}:${each.line}`, firstLine(each)]))]),
    passed ? `Below the limit of ${LIMIT} %` : `Expected less than ${LIMIT} %: begin with a verb or a noun instead`,
  ].join("\n");
  output.result({ packages, total, refused, passed }, text);
  return Promise.resolve(passed ? 0 : 1);
}

function percent({ share }: Tally): string {
  return `${share.toFixed(1)} %`;
}

function firstLine({ text }: DocComment): string {
  return text.split("\n", 1)[0];
}

main(
  newCommand({
    description: `Counts the doc comments in packages/*/src that begin with ${OPENINGS}.

A doc comment begins with a verb in the third person ("Returns the ...") or, for a type or a field, with a noun. Prints the
count and the share of each package, and the place of each comment that begins otherwise. Leaves out generated bindings.
Ends with 1 if the share of all packages together is 5 % or more.`,
    examples: ["npm run lint:prose"],
  })
    .name("npm run lint:prose --")
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
