import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import path from "node:path";

import { Wallet } from "ethers";

import { newAgeKey } from "../job/age.js";
import { makeEmptyFolder, parseConfig } from "../runtime/index.js";
import { signerConfig } from "./config.js";

export interface NewSigner {
  config: string;
  /** To be named as a signer by the governor. */
  signer: string;
  /** To be given coins for gas. */
  gas: string;
}

/**
 * Writes a new signer's keys and its configuration file, or nothing.
 * @throws ConfigError, FolderInUseError
 */
export async function initSigner(options: {
  folder: string;
  network: string;
  /** Folder of address books. */
  deployments: string;
  endpoint: string;
  port: number;
  peers: readonly string[];
}): Promise<NewSigner> {
  const { folder, network, deployments, endpoint, port, peers } = options;
  const config = path.join(folder, "signer.json5");
  const text = configText({ network, deployments: path.resolve(deployments), endpoint, port, peers });
  parseConfig(config, text, signerConfig);
  await makeEmptyFolder(folder);
  const [signer, link, gas] = Array.from({ length: 3 }, () => Wallet.createRandom());
  const age = await newAgeKey();
  const secrets = {
    "signer.key": signer.privateKey,
    "link.key": link.privateKey,
    "gas.key": gas.privateKey,
    "draw.key": `0x${randomBytes(32).toString("hex")}`,
    "age.key": age.identity,
  };
  for (const [name, secret] of Object.entries(secrets)) {
    await writeFile(path.join(folder, name), `${secret}\n`, { mode: 0o600, flag: "wx" });
  }
  await writeFile(config, text, { mode: 0o600, flag: "wx" });
  return { config, signer: signer.address, gas: gas.address };
}

function configText(given: {
  network: string;
  deployments: string;
  endpoint: string;
  port: number;
  peers: readonly string[];
}): string {
  const { network, deployments, endpoint, port, peers } = given;
  return `// turingfog signer run --config THIS_FILE; paths are relative to it
{
  chain: { network: ${JSON.stringify(network)}, deployments: ${JSON.stringify(deployments)} },
  // a file of SQLite, or postgres://…
  store: "signer.db",
  folder: "state",
  keys: { signer: "signer.key", link: "link.key", gas: "gas.key", draw: "draw.key", age: "age.key" },
  // behind a proxy that has the certificate of the endpoint
  listen: { host: "127.0.0.1", port: ${port} },
  endpoint: ${JSON.stringify(endpoint)},
  // where other signers are, to begin with
  peers: ${JSON.stringify(peers)},
  // /health and /metrics, for this machine alone
  monitor: { host: "127.0.0.1", port: ${port + 1} },
  // the same for all signers
  interval: 3600,
  delay: 300,
}
`;
}
