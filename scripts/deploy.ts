import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";

import { HARDHAT_NETWORK_NAME } from "hardhat/plugins";

import type { AddressBook } from "../src/deployment/addressBook";
import { readParameters } from "../src/deployment/parameters";

const USAGE = `Deploys TuringFog, or goes on with a deployment that was interrupted.

  npm run deploy -- --network NAME --parameters FILE [--json]

  --network NAME     a network of hardhat.config.ts; its first account pays, and is left with no power
  --parameters FILE  what to deploy, as deploy/parameters/*.json5; checked as a whole before anything is sent
  --json             print the address book alone, as JSON
  --help             print this

Writes deployments/NAME.json. The in-process network "hardhat" is a rehearsal: it ends with the command.`;

const OPTIONS = {
  network: { type: "string" },
  parameters: { type: "string" },
  json: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) return console.log(USAGE);
  if (values.network === undefined) throw new Error("--network is missing; see --help");
  if (values.parameters === undefined) throw new Error("--parameters is missing; see --help");

  const parameters = readParameters(values.parameters);

  // Hardhat takes its network from here when it is first imported
  process.env.HARDHAT_NETWORK = values.network;
  const { deploySystem } = await import("../src/deployment/deploy");
  const { addressBook } = await import("../src/deployment/addressBook");

  const book = await addressBook(await deploySystem(parameters, { displayUi: !values.json }));
  const isRehearsal = values.network === HARDHAT_NETWORK_NAME;
  const saved = isRehearsal ? book : await save(book);
  console.log(values.json ? JSON.stringify(saved, null, 2) : table(saved));
}

/** Writes the address book, with what an earlier run knew of the same deployment. */
async function save(book: AddressBook): Promise<AddressBook> {
  const directory = path.join(__dirname, "../deployments");
  const file = path.join(directory, `${book.network}.json`);
  await mkdir(directory, { recursive: true });

  const earlier = await readFile(file, "utf8").then((text) => JSON.parse(text) as AddressBook, onlyIfMissing);
  const isSame = earlier?.addresses.genesis === book.addresses.genesis;
  const saved = isSame ? { ...book, transactions: { ...earlier.transactions, ...book.transactions } } : book;
  await writeFile(file, `${JSON.stringify(saved, null, 2)}\n`);
  return saved;
}

function onlyIfMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

function table({ network, chainId, addresses }: AddressBook): string {
  const width = Math.max(...Object.keys(addresses).map((name) => name.length));
  const rows = Object.entries(addresses).map(([name, address]) => `  ${name.padEnd(width)}  ${address}`);
  return [`TuringFog on ${network} (chain ${chainId})`, ...rows].join("\n");
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
