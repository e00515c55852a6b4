import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import JSON5 from "json5";
import { runTypeChain } from "typechain";

import { copyAddressBooks, removeOrphans } from "./packing/outputs";

// Builds the packages in the order in which they depend on each other, and nothing that is up to date.
const ROOT = path.join(__dirname, "..");
const SDK = path.join(ROOT, "packages/sdk");
const TRAINING = path.join(ROOT, "packages/training");
const FACTORIES = path.join(ROOT, "typechain-types/factories");
const BINDINGS = path.join(SDK, "src/bindings");

/** The contracts that clients talk to, by the path of their binding below `typechain-types/factories`. */
const BOUND = [
  ...["TFT", "EmissionVault", "TUReceiptOracle", "NodeRegistry", "RewardPool", "BuybackBurnController"],
  ...["ComputeEscrow", "Genesis"],
  ...["periphery/OrderRenderer", "periphery/UniswapV3BuybackFiller", "periphery/UniswapV4BuybackFiller"],
  "periphery/VestedAllocation",
]
  .map((name) => `contracts/${name}`)
  .concat([
    "@openzeppelin/contracts/governance/TimelockController",
    "@openzeppelin/contracts/interfaces/IERC1271",
    "@openzeppelin/contracts/token/ERC20/extensions/IERC20Metadata",
  ]);

/** TypeScript projects, each after those that it imports. */
const PROJECTS = [
  "packages/sdk/tsconfig.types.json",
  "packages/sdk/tsconfig.build.json",
  "packages/sdk/tsconfig.esm.json",
  "packages/operator/tsconfig.build.json",
  "packages/economy/tsconfig.build.json",
  "packages/training/tsconfig.build.json",
  "packages/network/tsconfig.build.json",
  "packages/cli/tsconfig.build.json",
];

/** Folders of compiled modules, by their package. */
const OUTPUTS = [
  ["sdk", "dist/cjs"],
  ["sdk", "dist/esm"],
  ["operator", "dist"],
  ["economy", "dist"],
  ["training", "dist"],
  ["network", "dist"],
  ["cli", "dist"],
] as const;

/** Manifest beside the ES modules. It repeats `sideEffects`, because esbuild looks for it in the nearest manifest alone. */
const ESM_MANIFEST = { type: "module", sideEffects: false };

/** Generates the SDK's bindings from the ABIs of the committed ones: the same types, and no bytecode. */
async function writeBindings(): Promise<void> {
  const sources = BOUND.map((binding) => path.join(FACTORIES, `${binding}__factory.ts`));
  if (await isNewer(path.join(BINDINGS, "index.ts"), [...sources, __filename])) return;

  const abis = await mkdtemp(path.join(tmpdir(), "turingfog-abis-"));
  try {
    const files: string[] = [];
    for (const source of sources) {
      const contract = path.basename(source, "__factory.ts");
      const file = path.join(abis, `${contract}.json`);
      await writeFile(file, abiIn(source, await readFile(source, "utf8")));
      files.push(file);
    }
    await rm(BINDINGS, { recursive: true, force: true });
    await runTypeChain({
      cwd: ROOT,
      filesToProcess: files,
      allFiles: files,
      inputDir: abis,
      outDir: BINDINGS,
      target: "ethers-v6",
      flags: {
        alwaysGenerateOverloads: false,
        discriminateTypes: false,
        environment: undefined,
        node16Modules: true,
        tsNocheck: true,
      },
    });
    await dropSolidityTypes();
  } finally {
    await rm(abis, { recursive: true });
  }
}

/** Declares the ES modules as the others are: the documentation is packed with the types, and not once more with the code. */
async function copyDeclarations(): Promise<void> {
  const [from, to] = ["cjs", "esm"].map((name) => path.join(SDK, "dist", name));
  const filter = async (file: string) => file.endsWith(".d.ts") || (await stat(file)).isDirectory();
  await cp(from, to, { recursive: true, filter });
}

/** Drops from the ABIs what only the generator reads, the names of Solidity's types: 7 kB of the download. */
async function dropSolidityTypes(): Promise<void> {
  const factories = path.join(BINDINGS, "factories");
  for (const file of await readdir(factories)) {
    const text = await readFile(path.join(factories, file), "utf8");
    await writeFile(path.join(factories, file), text.replace(/^ *internalType: ?(\n *)?"[^"]*",\n/gm, ""));
  }
}

/** Returns the ABI that a generated factory declares, which is written as JSON5. */
function abiIn(file: string, factory: string): string {
  const [, abi] = /const _abi = (\[.*?\n\]) as const;/s.exec(factory) ?? [];
  if (abi === undefined) throw new Error(`${file} declares no ABI: run \`npm run types\``);
  return JSON.stringify(JSON5.parse(abi));
}

async function isNewer(target: string, sources: string[]): Promise<boolean> {
  if (!existsSync(target)) return false;
  const built = (await stat(target)).mtimeMs;
  const changed = await Promise.all(sources.map(async (source) => (await stat(source)).mtimeMs));
  return changed.every((each) => each < built);
}

function compile(project: string): void {
  const tsc = require.resolve("typescript/bin/tsc");
  const { status } = spawnSync(process.execPath, [tsc, "-p", project], { cwd: ROOT, stdio: "inherit" });
  if (status !== 0) throw new Error(`${project} does not compile`);
}

/** Compiles the trainer's kernels to WebAssembly. */
async function compileKernels(): Promise<void> {
  const [config, output] = ["asconfig.json", "dist/kernels.wasm"].map((file) => path.join(TRAINING, file));
  if (await isNewer(output, [path.join(TRAINING, "assembly/kernels.ts"), config, __filename])) return;
  const args = [require.resolve("assemblyscript/bin/asc.js"), "--config", config, "--target", "release"];
  const { status } = spawnSync(process.execPath, args, { cwd: TRAINING, stdio: "inherit" });
  if (status !== 0) throw new Error(`${config} does not compile`);
}

async function main(): Promise<void> {
  await writeBindings();
  for (const project of PROJECTS) compile(project);
  await compileKernels();
  for (const [name, output] of OUTPUTS) {
    const folder = path.join(ROOT, "packages", name);
    await removeOrphans(path.join(folder, "src"), path.join(folder, output));
  }
  await copyDeclarations();
  await writeFile(path.join(SDK, "dist/esm/package.json"), `${JSON.stringify(ESM_MANIFEST)}\n`);
  await copyAddressBooks(path.join(ROOT, "deployments"), path.join(SDK, "dist/deployments"));
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
