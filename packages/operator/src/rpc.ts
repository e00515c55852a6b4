import { CHAINS } from "@turingfog/sdk";

/** Name of the chain that runs in the process of a command and ends with it. */
export const IN_PROCESS = "hardhat";

const LOCAL = "localhost";
const LOCAL_RPC_URL = "http://127.0.0.1:8545";

/** Checks whether a chain's accounts are those that every Hardhat node knows, so that their money is worth nothing. */
export function isLocal(name: string): boolean {
  return name === IN_PROCESS || name === LOCAL;
}

/**
 * Returns the name of the environment variable that holds a chain's RPC URL: ARBITRUM_SEPOLIA_RPC_URL for
 * arbitrumSepolia.
 */
export function rpcVariable(name: string): string {
  return `${name.replace(/[A-Z]/g, "_$&").toUpperCase()}_RPC_URL`;
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
