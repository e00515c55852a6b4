import { writeFile } from "node:fs/promises";
import path from "node:path";

import { Wallet } from "ethers";

import { makeEmptyFolder, parseConfig } from "../runtime/index.js";
import { keeperConfig } from "./config.js";

export interface NewKeeper {
  config: string;
  /** To be given coins for gas. */
  keeper: string;
}

/**
 * Writes a new keeper's key and its configuration file, or nothing.
 * @throws ConfigError, FolderInUseError
 */
export async function initKeeper(options: {
  folder: string;
  network: string;
  /** Folder of address books. */
  deployments: string;
  signers: readonly string[];
  /** In the chain's coin, in 24 hours. */
  budget: string;
  port: number;
}): Promise<NewKeeper> {
  const { folder } = options;
  const config = path.join(folder, "keeper.json5");
  const text = configText(options);
  parseConfig(config, text, keeperConfig);
  await makeEmptyFolder(folder);
  const wallet = Wallet.createRandom();
  await writeFile(path.join(folder, "gas.key"), `${wallet.privateKey}\n`, { mode: 0o600, flag: "wx" });
  await writeFile(config, text, { mode: 0o600, flag: "wx" });
  return { config, keeper: wallet.address };
}

function configText(given: Parameters<typeof initKeeper>[0]): string {
  const { network, deployments, signers, budget, port } = given;
  return `// turingfog keeper run --config THIS_FILE; paths are relative to it
{
  chain: { network: ${JSON.stringify(network)}, deployments: ${JSON.stringify(path.resolve(deployments))} },
  // a file of SQLite, or postgres://…
  store: "keeper.db",
  // pays for gas; two processes must not send from one key
  key: "gas.key",
  // where receipt files are
  signers: ${JSON.stringify(signers)},
  // the most that gas may cost in 24 hours, in the chain's coin
  dailyBudget: ${JSON.stringify(budget)},
  // seconds that each act is left to others first
  delay: 0,
  // what it does; see docs/operators/keeper.md for fillers, claims and operations
  settle: true,
  burn: true,
  writeOff: true,
  close: true,
  // /health and /metrics, for this machine alone
  monitor: { host: "127.0.0.1", port: ${port} },
}
`;
}
