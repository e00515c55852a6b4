import { existsSync } from "node:fs";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";

import { Wallet } from "ethers";

import { max, TuringFogError } from "@turingfog/sdk";
import { writeAtomically } from "@turingfog/sdk/node";
import { NODE_DOCUMENT, type NodeDocument, type Signed } from "@turingfog/sdk/wire";
import { newAgeKey, recipientOf, writeSecret } from "../job/index.js";
import { parseConfig, readConfig, readKey, readSecret } from "../runtime/index.js";
import { type NodeConfig, nodeConfig } from "./config.js";

/** Name of a node's configuration file in its folder. */
export const NODE_CONFIG = "node.json5";

/** Stands in a document that waits for its signature. */
const NO_SIGNATURE = `0x${"00".repeat(65)}`;

/** Thrown when a signature is handed in, and there is no document that it could be of. */
export class NothingUnsignedError extends TuringFogError {
  constructor(file: string) {
    super(`There is no ${file}: print what is to be signed with turingfog node init --unsigned first`);
  }
}

export interface NodeTemplate {
  network: string;
  /** Folder of the address books. */
  deployments: string;
  nodeId: bigint;
  /** Addresses of signers to begin with. */
  signers: readonly string[];
}

/**
 * Makes a node's folder: its configuration, its meter key and its age identity. What is there stays.
 * @returns what was written, by name
 * @throws ConfigError before anything is written
 */
export async function initNodeFolder(folder: string, template: NodeTemplate): Promise<string[]> {
  const text = configText(folder, template);
  parseConfig(path.join(folder, NODE_CONFIG), text, nodeConfig);
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o711);
  const written: string[] = [];
  const add = async (name: string, write: (file: string) => Promise<unknown>) => {
    const file = path.join(folder, name);
    if (existsSync(file)) return;
    await write(file);
    written.push(name);
  };
  await add("meter.key", (file) => writeSecret(file, Wallet.createRandom().privateKey));
  await add("age.key", async (file) => writeSecret(file, (await newAgeKey()).identity));
  await add(NODE_CONFIG, (file) => writeFile(file, text, { mode: 0o600 }));
  return written;
}

/** Returns the document that a configuration asks its node's owner to sign, behind the one that is there. */
export async function nextDocument(
  config: NodeConfig,
  endpoint: string,
  expiresAt: bigint,
  now: bigint,
): Promise<NodeDocument> {
  const meter = await readKey(config.meter.key);
  const before = existsSync(config.document) ? NODE_DOCUMENT.decode(await readFile(config.document)) : undefined;
  return {
    nodeId: config.nodeId,
    // a node whose folder is lost goes on behind what it has signed before
    sequence: max(now, (before?.sequence ?? 0n) + 1n),
    expiresAt,
    endpoint,
    meterKey: meter.address.toLowerCase(),
    encryptionKey: await recipientOf(await readSecret(config.age.key)),
    runners: config.runners.map(({ kind, name, slots }) => ({ kind, name, slots })),
  };
}

/** Keeps a document for an owner who signs it elsewhere. */
export async function keepUnsigned(config: NodeConfig, document: NodeDocument): Promise<void> {
  const text = NODE_DOCUMENT.encode({ ...document, signature: NO_SIGNATURE });
  await writeAtomically(unsignedOf(config), text);
}

/**
 * Returns the document that was kept to be signed elsewhere, with its signature.
 * @throws NothingUnsignedError
 * @throws InvalidMessageError if the signature is none
 */
export async function readSigned(config: NodeConfig, signature: string): Promise<Signed<NodeDocument>> {
  const file = unsignedOf(config);
  const text = await readFile(file).catch(() => {
    throw new NothingUnsignedError(file);
  });
  return NODE_DOCUMENT.decode(NODE_DOCUMENT.encode({ ...NODE_DOCUMENT.decode(text), signature }));
}

function unsignedOf({ document }: NodeConfig): string {
  return `${document}.unsigned`;
}

/** Writes a document that the owner has signed where the agent serves it, and returns it as a `data:` address. */
export async function saveDocument(config: NodeConfig, document: Signed<NodeDocument>): Promise<string> {
  const text = NODE_DOCUMENT.encode(document);
  await writeAtomically(config.document, text);
  await rm(unsignedOf(config), { force: true });
  return `data:application/json;base64,${Buffer.from(text).toString("base64")}`;
}

/** Reads a node's configuration. @throws ConfigError */
export function readNodeConfig(file: string): Promise<NodeConfig> {
  return readConfig(file, nodeConfig);
}

function configText(folder: string, { network, deployments, nodeId, signers }: NodeTemplate): string {
  return `// Configuration of \`turingfog node run\`. Paths are relative to this file.
{
  chain: { network: ${JSON.stringify(network)}, deployments: ${JSON.stringify(path.relative(folder, path.resolve(deployments)) || ".")} },
  nodeId: "${nodeId}",
  folder: ".",
  store: "node.db",
  meter: { key: "meter.key" },
  age: { key: "age.key" },
  document: "document.json",
  // Where renters and signers reach the node, and where it tells how it is.
  listen: { host: "127.0.0.1", port: 7010 },
  monitor: { host: "127.0.0.1", port: 7011 },
  signers: ${JSON.stringify(signers)},
  // What jobs may ask for. A job fills the slots, each as its pattern allows; no shell reads them.
  runners: [
    {
      kind: "process",
      name: "sha256",
      command: "/usr/bin/sha256sum",
      args: ["--", "{FILE}"],
      slots: { FILE: "[A-Za-z0-9._/-]{1,200}" },
      limits: { memoryMiB: 512, cpuSeconds: 3600, processes: 8, seconds: 3600, outputMiB: 16 },
    },
  ],
}
`;
}
