import { type Block, formatEther, type Provider } from "ethers";

import { type Chain, chainNamed, CHAINS, TuringFogError } from "@turingfog/sdk";
import { Node, NodeProvider } from "./node.js";
import { IN_PROCESS, isLocal, rpcTimeout, rpcUrl, rpcVariable } from "./rpc.js";

/** A provider that also sends requests for which ethers has no function. */
export type RpcProvider = Provider & { send(method: string, params: unknown[]): Promise<unknown> };

/** A chain whose node answers. */
export interface Connection {
  /** Name of the chain, as in CHAINS. */
  name: string;
  chain: Chain;
  chainId: bigint;
  provider: RpcProvider;
}

/** Writes an amount of a chain's own coin with its symbol, as "0.01 ETH". */
export function formatCoins(wei: bigint, currency: string): string {
  return `${formatEther(wei)} ${currency}`;
}

/** Thrown when no RPC URL is known for a chain. */
export class NoRpcUrlError extends TuringFogError {
  constructor(
    readonly chain: string,
    readonly variable: string,
  ) {
    super(`The RPC URL of ${chain} is not known: set ${variable}`);
  }
}

/** Thrown when an RPC URL is none. The message never contains it. */
export class InvalidRpcUrlError extends TuringFogError {
  constructor(readonly variable: string) {
    super(`${variable} is not the address of a node: expected a URL that begins with http:// or https://`);
  }
}

/** Thrown when a node is on another chain than the one it was named for. */
export class WrongChainError extends TuringFogError {
  constructor(
    readonly chain: string,
    readonly chainId: bigint,
    readonly expected: number,
  ) {
    super(`The node of ${chain} is on chain ${chainId}, must be on ${expected}: check ${rpcVariable(chain)}`);
  }
}

/** Thrown when the chain of Hardhat's process is asked for outside of a checkout, which alone has Hardhat. */
export class NoHardhatError extends TuringFogError {
  constructor() {
    super(`--network ${IN_PROCESS} needs a checkout of TuringFog: run it there, or use a node and --network localhost`);
  }
}

/**
 * Connects to a chain by its name. Takes the RPC URL from the environment, and shows nothing of it but the
 * host.
 * @throws UnknownChainError, NoRpcUrlError, InvalidRpcUrlError, WrongChainError, UnreachableError, NodeRefusalError
 */
export async function connect(name: string): Promise<Connection> {
  const chain = chainNamed(name);
  const provider = name === IN_PROCESS ? await inProcess() : await remote(name);
  const { chainId } = await provider.getNetwork();
  if (chain.chainId !== undefined && chainId !== BigInt(chain.chainId)) {
    throw new WrongChainError(name, chainId, chain.chainId);
  }
  return { name, chain, chainId, provider };
}

/**
 * Tells whether a connection is to a local node whose chain is nowhere else, so that nothing sent there costs anything. A
 * fork under a public chain's id is none: the same transaction would be valid on that chain.
 */
export function isPlayground({ name, chainId }: Connection): boolean {
  return isLocal(name) && Object.values(CHAINS).every((each) => BigInt(each.chainId ?? 0) !== chainId);
}

/** Returns a chain's latest block. Every chain has one: an answer without it is none. */
export async function latestBlock(provider: Provider): Promise<Block> {
  return (await provider.getBlock("latest")) as Block;
}

async function inProcess(): Promise<RpcProvider> {
  // Hardhat reads its network from here when it is first imported
  process.env.HARDHAT_NETWORK = IN_PROCESS;
  try {
    // only this module of Hardhat's can load a configuration in TypeScript in a program that is not Hardhat's own
    await import("hardhat/register");
    const hardhat: unknown = await import("hardhat");
    return (hardhat as { ethers: { provider: RpcProvider } }).ethers.provider;
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "MODULE_NOT_FOUND" ? new NoHardhatError() : error;
  }
}

/** Asks a node for its chain before there is a provider, which would ask again and again without end. */
async function remote(name: string): Promise<RpcProvider> {
  const url = rpcUrl(name);
  if (url === undefined) throw new NoRpcUrlError(name, rpcVariable(name));

  const node = new Node(name, parseUrl(name, url), rpcTimeout());
  const answer = await node.ask({ jsonrpc: "2.0", id: 0, method: "eth_chainId", params: [] });
  return new NodeProvider(node, BigInt((answer as { result: string }).result));
}

function parseUrl(name: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) throw new InvalidRpcUrlError(rpcVariable(name));
  return url;
}
