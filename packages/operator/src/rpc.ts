import { CHAINS, LOCAL_RPC_URL, rpcVariable, TuringFogError } from "@turingfog/sdk";

export { rpcVariable };

/** Name of the chain that runs in the process of a command and ends with it. */
export const IN_PROCESS = "hardhat";

const LOCAL = "localhost";

/** Checks whether a chain's accounts are those that every Hardhat node knows, so that their money is worth nothing. */
export function isLocal(name: string): boolean {
  return name === IN_PROCESS || name === LOCAL;
}

/** Returns a chain's RPC URL; undefined if the environment does not set it and the chain is not a local node. */
export function rpcUrl(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env[rpcVariable(name)] || (name === LOCAL ? LOCAL_RPC_URL : undefined);
}

/**
 * Returns the chains whose RPC URL the environment sets, in the form of Hardhat's configuration. None of them has a
 * key.
 */
export function configuredNetworks(env: NodeJS.ProcessEnv = process.env) {
  const names = Object.keys(CHAINS).filter((name) => name !== IN_PROCESS && rpcUrl(name, env) !== undefined);
  return Object.fromEntries(
    names.map((name) => [name, { url: rpcUrl(name, env) as string, chainId: CHAINS[name].chainId }]),
  );
}

const TIMEOUT_VARIABLE = "TURINGFOG_RPC_TIMEOUT";
const DEFAULT_TIMEOUT = "20";

/** Thrown when the time in which a node must answer is not one. */
export class InvalidTimeoutError extends TuringFogError {
  constructor(readonly seconds: string) {
    super(`${TIMEOUT_VARIABLE} is ${seconds}, must be seconds from 0.1 to 600`);
  }
}

/**
 * Returns the milliseconds in which a node must answer each question, from the environment.
 * @throws InvalidTimeoutError
 */
export function rpcTimeout(env: NodeJS.ProcessEnv = process.env): number {
  const text = env[TIMEOUT_VARIABLE] || DEFAULT_TIMEOUT;
  const seconds = /^\d{1,3}(\.\d{1,3})?$/.test(text) ? Number(text) : NaN;
  if (seconds >= 0.1 && seconds <= 600) return seconds * 1_000;
  throw new InvalidTimeoutError(text);
}
