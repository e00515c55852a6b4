import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

import { ends, main, newCommand, type Output, outputOf } from "@turingfog/cli";
import { deployedContracts } from "./reached/declared";
import { compile } from "./snapshots/compile";
import { describe, differences } from "./snapshots/difference";
import { snapshotOf } from "./snapshots/render";

const DIRECTORY = path.join(__dirname, "snapshots/contracts");

/** Contract → its snapshot now. Expects the artifacts to be those of the sources. */
function current(): Map<string, string> {
  const sizes = new Map(deployedContracts().map(({ contractName, size }) => [contractName, size]));
  const compilation = compile();
  return new Map(
    compilation.contracts.map((contract) => {
      const size = sizes.get(contract.name);
      if (size === undefined) throw new Error(`${contract.name} has no artifact: run \`npm run compile\``);
      return [contract.name, snapshotOf(contract, size, compilation)];
    }),
  );
}

/** Contract → its committed snapshot. */
function committed(): Map<string, string> {
  mkdirSync(DIRECTORY, { recursive: true });
  return new Map(
    readdirSync(DIRECTORY).map((file) => [path.parse(file).name, readFileSync(path.join(DIRECTORY, file), "utf8")]),
  );
}

function write(snapshots: Map<string, string>): void {
  rmSync(DIRECTORY, { recursive: true, force: true });
  mkdirSync(DIRECTORY);
  for (const [contract, text] of snapshots) writeFileSync(path.join(DIRECTORY, `${contract}.txt`), text);
}

async function run({ update }: { update: boolean }, output: Output): Promise<number> {
  const now = current();
  const found = differences(committed(), now);
  if (update) {
    write(now);
    output.result(found, `lab/snapshots/contracts/ holds ${now.size} contracts; ${found.length} changed`);
    return 0;
  }
  if (found.length === 0) {
    output.result(found, `${now.size} contracts are as their snapshots say`);
    return 0;
  }
  const advice =
    "If this is meant to be, run `npm run snapshots -- --update` and commit lab/snapshots/contracts/ with the contract.";
  output.result(found, [...found.map(describe), advice].join("\n\n"));
  return 1;
}

main(
  newCommand({
    description: `Holds every deployed contract to its snapshot: size of the runtime code, storage layout, who may call what, ABI.

Ends with 1 when a contract differs from its snapshot.`,
    examples: ["npm run snapshots", "npm run snapshots -- --update"],
  })
    .name("npm run snapshots --")
    .option(
      "--update",
      "write lab/snapshots/contracts/ anew, to be read as a diff and committed with the contract that changed",
      false,
    )
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
