import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { ends, main, newCommand, type Output, outputOf, table } from "@turingfog/cli";

import { environmentOf } from "./node/environment";
import { NODE_PACKAGE, releasesOf } from "./node/releases";

const run = promisify(execFile);

const ROOT = path.join(__dirname, "..");
const ROUND = "packages/training/test/round.cjs";

/** Releases that users run, in the newest patch of each, and the one before. */
const VERSIONS = ["20.20.2", "22.23.5", "24.22.3"];

/** How a release runs the round: flags of Node, and what the round is called with. */
const WAYS: { way: string; flags: string[]; args: string[] }[] = [
  { way: "as it is", flags: [], args: [] },
  { way: "by the reference", flags: [], args: ["reference"] },
  { way: "--jitless", flags: ["--jitless"], args: [] },
];

interface Recomputed {
  node: string;
  way: string;
  engine: string;
  endHash: string;
  loss: number;
}

/** Recomputes the round in all ways by a release of Node. */
async function recompute(version: string): Promise<Recomputed[]> {
  const directory = await mkdtemp(path.join(tmpdir(), `turingfog-node-${version}-`));
  try {
    await run("npm", ["install", "--silent", "--prefix", directory, `${NODE_PACKAGE}@${version}`]);
    const bin = path.join(directory, "node_modules", NODE_PACKAGE, "bin");
    const options = { cwd: ROOT, env: environmentOf(bin, process.env) };
    const node = (await run(path.join(bin, "node"), ["-p", "process.versions.node"], options)).stdout.trim();
    const rows: Recomputed[] = [];
    for (const { way, flags, args } of WAYS) {
      const { stdout } = await run(path.join(bin, "node"), [...flags, ROUND, ...args], options);
      rows.push({ node, way, ...(JSON.parse(stdout) as Omit<Recomputed, "node" | "way">) });
    }
    return rows;
  } finally {
    await rm(directory, { recursive: true });
  }
}

async function check(values: { node?: string[] }, output: Output): Promise<number> {
  const versions = releasesOf(values.node, VERSIONS);
  const rows: Recomputed[] = [];
  for (const version of versions) {
    output.doing(`Recomputing a round by Node ${version}`);
    rows.push(...(await recompute(version)));
  }
  const isSame = new Set(rows.map(({ endHash, loss }) => `${endHash} ${loss}`)).size === 1;
  const shown = rows.map(({ node, way, engine, endHash }) => [node, way, engine, endHash]);
  const verdict = isSame ? "All are the same." : "They DIFFER.";
  output.result(
    { rows, isSame },
    [table([["node", "run", "engine", "hash of the weights"], ...shown]), "", verdict].join("\n"),
  );
  return isSame ? 0 : 1;
}

main(
  newCommand({
    description: `Recomputes one round of training on other releases of Node: in WebAssembly, by the reference in TypeScript, and
without a compiler (--jitless).

Takes each Node out of npm's package ${NODE_PACKAGE}. Ends with 1 if the weights differ in a byte, and with 2 if it is
called wrongly.

--json prints {rows: [{node, way, engine, endHash, loss}], isSame}.`,
    examples: ["npm run check:rounds", "npm run check:rounds -- --node 22.23.5"],
  })
    .name("npm run check:rounds --")
    .option("--node <VERSION...>", `may be given more than once; ${VERSIONS.join(", ")}, unless given`)
    .action(async (values) => ends(await check(values, outputOf(values)))),
);
