import path from "node:path";

/** Variables with which a machine reaches its registry. */
const KEPT = ["npm_config_cache", "npm_config_registry", "npm_config_userconfig", "NODE_EXTRA_CA_CERTS"];

/** Variables that npm sets for a script, and those that change what Node, Hardhat or ts-node do. */
const DROPPED = /^(npm_|NODE|INIT_CWD$|HARDHAT_|TS_NODE_)/;

/**
 * Returns the environment of a shell that has a Node first on its path, and nothing by which a command in another clone
 * would find back to the tools and settings of this one.
 */
export function environmentOf(nodeBin: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const directories = (env.PATH ?? "").split(path.delimiter).filter((each) => !each.includes("node_modules"));
  const kept = Object.entries(env).filter(([name]) => KEPT.includes(name) || !DROPPED.test(name));
  return { ...Object.fromEntries(kept), PATH: [nodeBin, ...directories].join(path.delimiter) };
}
