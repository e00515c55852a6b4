import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";

import { artifacts } from "hardhat";

// Completes what tsc has written to dist/: ABIs as plain JSON, and the address books of the public networks.
const ROOT = path.join(__dirname, "..");
const LOCAL = ["hardhat.json", "localhost.json"];

async function writeAbis(directory: string): Promise<void> {
  mkdirSync(directory, { recursive: true });
  for (const name of await artifacts.getAllFullyQualifiedNames()) {
    if (!name.startsWith("contracts/") || name.startsWith("contracts/mocks/")) continue;
    const { contractName, abi } = await artifacts.readArtifact(name);
    if (abi.length > 0)
      writeFileSync(path.join(directory, `${contractName}.json`), `${JSON.stringify(abi, null, 2)}\n`);
  }
}

function copyAddressBooks(from: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const file of readdirSync(from)) {
    if (file.endsWith(".json") && !LOCAL.includes(file)) cpSync(path.join(from, file), path.join(to, file));
  }
}

async function main(): Promise<void> {
  await writeAbis(path.join(ROOT, "dist/abi"));
  copyAddressBooks(path.join(ROOT, "deployments"), path.join(ROOT, "dist/deployments"));
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
