import { writeFile } from "node:fs/promises";
import path from "node:path";

import { makeEmptyFolder, parseConfig } from "../runtime/index.js";
import { relayConfig } from "./config.js";

/**
 * Writes a new relay's configuration file, or nothing. It needs no key.
 * @returns the file
 * @throws ConfigError, FolderInUseError
 */
export async function initRelay(options: {
  folder: string;
  network: string;
  /** Folder of address books. */
  deployments: string;
  endpoint: string;
  port: number;
}): Promise<string> {
  const { folder } = options;
  const config = path.join(folder, "relay.json5");
  const text = configText(options);
  parseConfig(config, text, relayConfig);
  await makeEmptyFolder(folder);
  await writeFile(config, text, { mode: 0o600, flag: "wx" });
  return config;
}

function configText(given: Parameters<typeof initRelay>[0]): string {
  const { network, deployments, endpoint, port } = given;
  return `// turingfog relay run --config THIS_FILE; paths are relative to it
{
  chain: { network: ${JSON.stringify(network)}, deployments: ${JSON.stringify(path.resolve(deployments))} },
  // a file of SQLite, or postgres://…
  store: "relay.db",
  // behind a proxy that has the certificate of the endpoint: it must hand upgrades on, and be in trustedProxies
  listen: { host: "127.0.0.1", port: ${port}, trustedProxies: ["127.0.0.1"] },
  endpoint: ${JSON.stringify(endpoint)},
  // /health and /metrics, for this machine alone
  monitor: { host: "127.0.0.1", port: ${port + 1} },
}
`;
}
