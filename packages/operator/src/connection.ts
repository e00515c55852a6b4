import { FetchRequest, JsonRpcProvider, type Provider } from "ethers";

import { type Chain, chainNamed, TuringFogError } from "@turingfog/sdk";
import { IN_PROCESS, isLocal, rpcUrl, rpcVariable } from "./rpc.js";
import { hide, redact } from "./secrets.js";

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

/** Thrown when no RPC URL is known for a chain. */
export class NoRpcUrlError extends TuringFogError {
  constructor(
    readonly chain: string,
    readonly variable: string,
  ) {
    super(`The RPC URL of ${chain} is not known: set ${variable}`);
  }
}

/** Thrown when a node does not answer. */
export class UnreachableError extends TuringFogError {
  constructor(chain: string, reason: string) {
    super(`The node of ${chain} does not answer (${reason}): check ${rpcVariable(chain)}`);
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

const TIMEOUT = 20_000;

/**
 * Connects to a chain by its name. Takes the RPC URL from the environment and never shows it.
 * @throws UnknownChainError, NoRpcUrlError, UnreachableError, WrongChainError
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

async function inProcess(): Promise<RpcProvider> {
  // Hardhat reads its network from here when it is first imported
  process.env.HARDHAT_NETWORK = IN_PROCESS;
  const hardhat: unknown = await import("hardhat").catch((error: NodeJS.ErrnoException) => {
    throw error.code === "MODULE_NOT_FOUND" ? new NoHardhatError() : error;
  });
  return (hardhat as { ethers: { provider: RpcProvider } }).ethers.provider;
}

async function remote(name: string): Promise<RpcProvider> {
  const url = rpcUrl(name);
  if (url === undefined) throw new NoRpcUrlError(name, rpcVariable(name));
  if (!isLocal(name)) hide(url, "RPC URL");

  try {
    const request = new FetchRequest(url);
    request.timeout = TIMEOUT;
    const chainId = await chainIdOf(request.clone());
    // the chain is known and does not change; answers must not be cached, because a resumed deployment polls
    return new JsonRpcProvider(request, chainId, { staticNetwork: true, cacheTimeout: -1, batchMaxCount: 1 });
  } catch (error) {
    throw new UnreachableError(name, redact(reasonOf(error)));
  }
}

/** Asks a node for its chain id. A provider that does not know its chain would ask again and again without end. */
async function chainIdOf(request: FetchRequest): Promise<bigint> {
  request.body = { jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] };
  const response = await request.send();
  response.assertOk();
  return BigInt((response.bodyJson as { result: string }).result);
}

function reasonOf(error: unknown): string {
  const { shortMessage, code, message } = error as { shortMessage?: string; code?: string; message?: string };
  return shortMessage ?? message ?? code ?? String(error);
}
