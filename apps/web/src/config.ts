import { getAddress } from "ethers";

import { CHAINS, explorerPage, TuringFogError } from "@turingfog/sdk";
import type { SystemAddresses } from "@turingfog/sdk/ethers";

/** A deployment that the page shows, and where it asks. */
export interface Network {
  /** Name of the chain in the SDK's list, which addresses of the page begin with. */
  chain: string;
  title: string;
  chainId: number;
  addresses: SystemAddresses & Partial<Record<string, string>>;
  /** Block of the deployment. */
  firstBlock: number;
  /** JSON-RPC endpoint of a node of the chain. */
  rpc: string;
  /** Base URL of the index. */
  index: string;
  /** Base URLs of signers that serve receipt files. */
  receipts: readonly string[];
  /** Origin of the Safe's interface that may frame the page. */
  safe?: string;
}

/** Thrown when `config.json` is missing or not as docs/web.md says. */
export class InvalidConfigError extends TuringFogError {
  constructor(where: string, got: unknown, expected: string) {
    super(`config.json: ${where} is ${JSON.stringify(got) ?? "missing"}, must be ${expected}`);
  }
}

/**
 * Reads the configuration beside the page.
 * @throws InvalidConfigError
 */
export async function readConfig(): Promise<Network[]> {
  const response = await fetch("./config.json", { cache: "no-cache" });
  if (!response.ok) throw new InvalidConfigError("the file", response.status, "served beside the page");
  return parseConfig(await response.json());
}

/**
 * Parses the content of a configuration file.
 * @throws InvalidConfigError
 */
export function parseConfig(content: unknown): Network[] {
  const networks = fieldsOf(content, "the file").networks;
  if (!Array.isArray(networks)) throw new InvalidConfigError("networks", networks, "a list");
  return networks.map((each, i) => networkOf(each, `networks[${i}]`));
}

function networkOf(content: unknown, at: string): Network {
  const { chain, rpc, index, receipts, safe, book } = fieldsOf(content, at);
  if (typeof chain !== "string" || !Object.hasOwn(CHAINS, chain)) {
    throw new InvalidConfigError(`${at}.chain`, chain, `one of ${Object.keys(CHAINS).join(", ")}`);
  }
  const { chainId, addresses, firstBlock } = fieldsOf(book, `${at}.book`);
  if (!Number.isSafeInteger(chainId)) throw new InvalidConfigError(`${at}.book.chainId`, chainId, "a chain id");
  return {
    chain,
    title: CHAINS[chain].title,
    chainId: chainId as number,
    addresses: addressesOf(addresses, `${at}.book.addresses`),
    firstBlock: Number.isSafeInteger(firstBlock) ? (firstBlock as number) : 0,
    rpc: urlOf(rpc, `${at}.rpc`),
    index: urlOf(index, `${at}.index`),
    receipts: listOf(receipts ?? [], `${at}.receipts`).map((each, i) => urlOf(each, `${at}.receipts[${i}]`)),
    safe: safe === undefined ? undefined : new URL(urlOf(safe, `${at}.safe`)).origin,
  };
}

function addressesOf(content: unknown, at: string): Network["addresses"] {
  const fields = fieldsOf(content, at);
  const addresses = Object.entries(fields).map(([key, value]) => {
    try {
      return [key, getAddress(String(value))];
    } catch {
      throw new InvalidConfigError(`${at}.${key}`, value, "an address");
    }
  });
  const book = Object.fromEntries(addresses) as Network["addresses"];
  if (book.tft === undefined) throw new InvalidConfigError(`${at}.tft`, undefined, "the address of TFT");
  return book;
}

function fieldsOf(content: unknown, at: string): Record<string, unknown> {
  if (typeof content !== "object" || content === null) throw new InvalidConfigError(at, content, "an object");
  return content as Record<string, unknown>;
}

function listOf(content: unknown, at: string): unknown[] {
  if (!Array.isArray(content)) throw new InvalidConfigError(at, content, "a list");
  return content;
}

function urlOf(value: unknown, at: string): string {
  const url = typeof value === "string" && URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new InvalidConfigError(at, value, "an http(s) URL");
  return url.href.replace(/\/$/, "");
}

/** Returns the explorer's page on a transaction or an account of a network; undefined if its chain has none. */
export function explorerOf({ chain }: Network, kind: "tx" | "address", id: string): string | undefined {
  return explorerPage(CHAINS[chain], kind, id);
}
