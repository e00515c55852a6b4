import { createRequire } from "node:module";
import path from "node:path";

import { chainNamed, LOCAL_RPC_URL, rpcVariable, TuringFogError } from "@turingfog/sdk";
import type { Addresses } from "@turingfog/sdk/ethers";
import { readAddresses } from "@turingfog/sdk/node";

const LOCAL = "localhost";

/**
 * The most URLs for a local node. Ponder asks each at most 20 times a second at first, which a local node need not be
 * spared.
 */
const LOCAL_LANES = 25;

/** Milliseconds between two looks for a new block. */
const LOCAL_POLLING = 200;
const POLLING = 1_000;

/** Settings of an index. */
export interface Settings {
  /** Name of the chain, as in CHAINS. */
  network: string;
  book: Addresses;
  /** URLs of nodes, among which requests are spread. */
  rpc: string[];
  /** Milliseconds between two looks for a new block. */
  pollingInterval: number;
  /** Whether the node may start anew with another chain, so that nothing of it may be kept. */
  isLocal: boolean;
  database: { kind: "postgres"; connectionString: string } | { kind: "pglite"; directory: string };
}

/** Thrown when no URL of a node is known, or one is none. The message never contains it. */
export class NoNodeError extends TuringFogError {
  constructor(
    readonly network: string,
    readonly variable: string,
  ) {
    super(
      `The index needs a node of ${network}: expected URLs that begin with http:// or https:// in ${variable}, with ` +
        "commas between them",
    );
  }
}

/**
 * Reads the settings of an index from the environment:
 *
 * - TURINGFOG_NETWORK: the chain, localhost if it is not set
 * - TURINGFOG_ADDRESSES: folder of its address book; those that the SDK is packed with if it is not set
 * - NAME_RPC_URL: URLs of its nodes, with commas between them
 * - DATABASE_URL: PostgreSQL; if it is not set, PGlite in TURINGFOG_INDEX, by default .ponder/NETWORK
 *
 * @throws UnknownChainError, NotDeployedError, NoNodeError
 */
export async function readSettings(env: NodeJS.ProcessEnv = process.env): Promise<Settings> {
  const network = env.TURINGFOG_NETWORK || LOCAL;
  const isLocal = chainNamed(network).chainId === undefined;
  const book = await readAddresses(network, env.TURINGFOG_ADDRESSES || packedBooks());
  const urls = nodesOf(network, env[rpcVariable(network)] || (isLocal ? LOCAL_RPC_URL : ""));
  return {
    network,
    book,
    rpc: isLocal ? urls.flatMap((url) => lanesOf(url)) : urls,
    pollingInterval: isLocal ? LOCAL_POLLING : POLLING,
    isLocal,
    database: env.DATABASE_URL
      ? { kind: "postgres", connectionString: env.DATABASE_URL }
      : { kind: "pglite", directory: env.TURINGFOG_INDEX || path.join(".ponder", network) },
  };
}

function packedBooks(): string {
  const manifest = createRequire(import.meta.url).resolve("@turingfog/sdk/package.json");
  return path.join(path.dirname(manifest), "dist/deployments");
}

function nodesOf(network: string, text: string): string[] {
  const urls = text.split(",").map((url) => url.trim());
  if (!urls.every((url) => /^https?:/.test(url) && URL.canParse(url))) {
    throw new NoNodeError(network, rpcVariable(network));
  }
  return urls;
}

/** Returns URLs of one node, by whose query Ponder takes them for several. */
function lanesOf(url: string): string[] {
  return Array.from({ length: LOCAL_LANES }, (_, i) => {
    const lane = new URL(url);
    lane.searchParams.set("lane", String(i));
    return lane.href;
  });
}
