import { writeFile } from "node:fs/promises";
import path from "node:path";

import { makeEmptyFolder, parseConfig } from "../runtime/index.js";
import { watchConfig } from "./config.js";

/**
 * Writes a new watch's configuration file, or nothing. It needs no key.
 * @returns the file
 * @throws ConfigError, FolderInUseError
 */
export async function initWatch(options: {
  folder: string;
  network: string;
  /** Folder of address books. */
  deployments: string;
  signers: readonly string[];
  webhooks: readonly string[];
  port: number;
}): Promise<string> {
  const { folder } = options;
  const config = path.join(folder, "watch.json5");
  const text = configText(options);
  parseConfig(config, text, watchConfig);
  await makeEmptyFolder(folder);
  await writeFile(config, text, { mode: 0o600, flag: "wx" });
  return config;
}

function configText(given: Parameters<typeof initWatch>[0]): string {
  const { network, deployments, signers, webhooks, port } = given;
  return `// turingfog watch run --config THIS_FILE; paths are relative to it
{
  chain: { network: ${JSON.stringify(network)}, deployments: ${JSON.stringify(path.resolve(deployments))} },
  // a file of SQLite, or postgres://…
  store: "watch.db",
  // where receipt files are, to begin with
  signers: ${JSON.stringify(signers)},
  // each alarm is posted to each of these
  webhooks: ${JSON.stringify(webhooks)},
  // seconds for which nothing can be checked until that is an alarm
  silence: 600,
  // for --veto: guardian: { key: "guardian.key" }, or guardian: { safe: "vetoes" }
  // /health and /metrics, for this machine alone
  monitor: { host: "127.0.0.1", port: ${port} },
}
`;
}
