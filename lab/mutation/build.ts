import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";

import type { AstNode } from "./ast";
import { declarationsOf, instrument, SWITCH, type Mutant } from "./schemata";

const ROOT = path.join(__dirname, "../..");

/** Where the tool works; nothing outside is written. */
export const WORKSPACE = path.join(ROOT, "cache/mutation");

/** The instrumented copy of the project. */
export const COPY = path.join(WORKSPACE, "project");

const COPIED = ["test", "deploy", "lab", "package.json", "tsconfig.base.json", "tsconfig.json", "hardhat.config.ts"];

/** What has no behaviour of its own, or is only there to test what has. */
const NOT_MUTATED = /^contracts\/(interfaces|mocks)\/|IUniswapV[34]\.sol$/;

interface SolcOutput {
  errors?: { severity: string; formattedMessage: string }[];
  sources: Record<string, { ast: AstNode }>;
}

interface Solc {
  compile(input: string, callbacks: { import: (file: string) => { contents: string } | { error: string } }): string;
}

/** Every Solidity file of the project, its path → its text. */
export async function readContracts(): Promise<Map<string, string>> {
  const names = await readdir(path.join(ROOT, "contracts"), { recursive: true });
  const files = names.filter((name) => name.endsWith(".sol")).map((name) => `contracts/${name}`);
  const read = async (file: string) => [file, await readFile(path.join(ROOT, file), "utf8")] as const;
  return new Map(await Promise.all(files.sort().map(read)));
}

/**
 * Generates every mutant of a set of sources, numbered in the order of the files and of what stands in them.
 *
 * @returns the instrumented sources, and the mutants
 * @throws if the sources do not compile
 */
export async function generate(
  sources: ReadonlyMap<string, string>,
): Promise<{ instrumented: Map<string, string>; mutants: Mutant[] }> {
  const trees = await parse(sources);
  const declarations = declarationsOf([...trees.values()]);

  const mutants: Mutant[] = [];
  const instrumented = new Map(sources);
  for (const [file, text] of sources) {
    const tree = trees.get(file);
    if (tree === undefined || NOT_MUTATED.test(file)) continue;
    const relative = path.posix.relative(path.posix.dirname(file), `contracts/${SWITCH}.sol`);
    const importPath = relative.startsWith(".") ? relative : `./${relative}`;
    const schemata = instrument(text, tree, declarations, mutants.length + 1, importPath);
    mutants.push(...schemata.mutants);
    if (schemata.mutants.length > 0) instrumented.set(file, schemata.text);
  }
  return { instrumented, mutants };
}

/** The trees of the sources and of all that they import. */
async function parse(sources: ReadonlyMap<string, string>): Promise<Map<string, AstNode>> {
  const solc = createRequire(__filename)("solc") as Solc;
  const input = {
    language: "Solidity",
    sources: Object.fromEntries([...sources].map(([file, content]) => [file, { content }])),
    settings: { evmVersion: "cancun", outputSelection: { "*": { "": ["ast"] } } },
  };
  const importLibrary = (file: string) => ({ contents: readFileSync(path.join(ROOT, "node_modules", file), "utf8") });
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: importLibrary })) as SolcOutput;

  const errors = output.errors?.filter(({ severity }) => severity === "error") ?? [];
  if (errors.length > 0) throw new Error(`The contracts do not compile:\n${errors[0].formattedMessage}`);
  return new Map(Object.entries(output.sources).map(([file, { ast }]) => [file, ast]));
}

/** Brings the copy up to date and compiles it, which takes two minutes when a contract has changed. */
export async function build(instrumented: ReadonlyMap<string, string>): Promise<void> {
  await mkdir(COPY, { recursive: true });
  for (const name of COPIED) {
    await rm(path.join(COPY, name), { recursive: true, force: true });
    await cp(path.join(ROOT, name), path.join(COPY, name), { recursive: true });
  }
  await rm(path.join(COPY, "node_modules"), { force: true });
  await symlink(path.join(ROOT, "node_modules"), path.join(COPY, "node_modules"));

  await rm(path.join(COPY, "contracts"), { recursive: true, force: true });
  const text = await readFile(path.join(__dirname, `${SWITCH}.sol`), "utf8");
  for (const [file, content] of [...instrumented, [`contracts/${SWITCH}.sol`, text] as const]) {
    await mkdir(path.dirname(path.join(COPY, file)), { recursive: true });
    await writeFile(path.join(COPY, file), content);
  }
  await compile();
}

function compile(): Promise<void> {
  const hardhat = path.join(COPY, "node_modules/hardhat/internal/cli/bootstrap.js");
  const child = spawn(process.execPath, [hardhat, "compile", "--quiet"], {
    cwd: COPY,
    env: { ...process.env, ...COPY_ENVIRONMENT },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on("exit", (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`The instrumented contracts do not compile:\n${errors.slice(0, 4_000)}`)),
    );
  });
}

/** What a process needs to work in the copy. */
export const COPY_ENVIRONMENT = {
  HARDHAT_CONFIG: path.join(COPY, "lab/mutation/hardhat.config.ts"),
  TS_NODE_TRANSPILE_ONLY: "true",
};
