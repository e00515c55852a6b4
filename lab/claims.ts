import { readFile } from "node:fs/promises";
import path from "node:path";

import { ends, main, newCommand, type Output, outputOf } from "@turingfog/cli";
import { type Claim, claimTables, markdownOf, measureClaims, toMarkdown } from "@turingfog/economy";

const DOCS = path.join(__dirname, "../docs");

async function run({ check }: { check: boolean }, output: Output): Promise<number> {
  const claims = await measureClaims((done, all) => output.doing(`Simulating: ${done} of ${all} runs`));
  if (!check) {
    output.result(claims, toMarkdown(claimTables(claims)));
    return 0;
  }
  const [economy, mechanism] = await Promise.all(
    ["economy.md", "mechanism.md"].map((name) => readFile(path.join(DOCS, name), "utf8")),
  );
  const stale = differences(claims, economy, mechanism);
  output.result({ stale }, stale.length === 0 ? "docs/ have these figures" : stale.join("\n"));
  return stale.length === 0 ? 0 : 1;
}

/** Returns what docs/economy.md lacks of the tables, and docs/mechanism.md of the sentences. */
function differences(claims: readonly Claim[], economy: string, mechanism: string): string[] {
  const plain = mechanism.replace(/\s+/g, " ");
  const tables = claimTables(claims)
    .filter((table) => !economy.includes(markdownOf(table)))
    .map(({ title }) => `docs/economy.md lacks the table: ${title}`);
  const sentences = claims.flatMap(({ id, sentences: some }) =>
    some
      .filter((sentence) => !plain.includes(sentence))
      .map((sentence) => `docs/mechanism.md lacks, of the claim ${id}: ${sentence}`),
  );
  return [...tables, ...sentences];
}

main(
  newCommand({
    description: `Measures every claim of docs/mechanism.md in the simulated economy, with its worst case.

Runs on all cores, in about half a minute. Ends with 1 if a document's figure differs.`,
    examples: ["npm run simulate:claims", "npm run simulate:claims -- --check"],
  })
    .name("npm run simulate:claims --")
    .option(
      "--check",
      "compare docs/economy.md and docs/mechanism.md with what is measured, and print no tables",
      false,
    )
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
