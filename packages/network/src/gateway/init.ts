import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { Wallet } from "ethers";

import { makeEmptyFolder, parseConfig } from "../runtime/index.js";
import { gatewayConfig } from "./config.js";

export interface NewGateway {
  config: string;
  /** To be given the asset that orders are paid in, and coins for gas. */
  payer: string;
}

export interface GatewayTerms {
  folder: string;
  network: string;
  /** Folder of address books. */
  deployments: string;
  /** Where customers reach it. */
  endpoint: string;
  /** What orders are paid in. */
  asset: string;
  /** Code of a currency, and units of it for a whole unit of the asset. */
  currency: string;
  rate: string;
  /** Whole units of the asset in 24 hours. */
  spending: string;
  signers: readonly string[];
  port: number;
}

/**
 * Writes a new gateway's payer key, empty files for the secrets of Stripe, and its configuration file, or nothing.
 * @throws ConfigError, FolderInUseError
 */
export async function initGateway(terms: GatewayTerms): Promise<NewGateway> {
  const { folder } = terms;
  const config = path.join(folder, "gateway.json5");
  const text = configText(terms);
  parseConfig(config, text, gatewayConfig);
  await makeEmptyFolder(folder);
  const wallet = Wallet.createRandom();
  const secrets = { "payer.key": `${wallet.privateKey}\n`, "stripe.key": "", "webhook.secret": "" };
  for (const [name, content] of Object.entries(secrets)) {
    await writeFile(path.join(folder, name), content, { mode: 0o600, flag: "wx" });
  }
  await mkdir(path.join(folder, "jobs"), { mode: 0o700 });
  await writeFile(config, text, { mode: 0o600, flag: "wx" });
  return { config, payer: wallet.address };
}

function configText(terms: GatewayTerms): string {
  const { network, deployments, endpoint, asset, currency, rate, spending, signers, port } = terms;
  return `// turingfog gateway run --config THIS_FILE; paths are relative to it
{
  chain: { network: ${JSON.stringify(network)}, deployments: ${JSON.stringify(path.resolve(deployments))} },
  // a file of SQLite, or postgres://…
  store: "gateway.db",
  // customers' jobs and results, and the keys of their orders
  jobs: "jobs",
  // behind a proxy that has the certificate of the endpoint
  listen: { host: "127.0.0.1", port: ${port}, trustedProxies: ["127.0.0.1"] },
  endpoint: ${JSON.stringify(endpoint.replace(/\/$/, ""))},
  // pays for orders, holds them and is refunded; nothing else may send from it
  payer: "payer.key",
  asset: ${JSON.stringify(asset)},
  // or "approve", for an asset without permits
  allowance: "permit",
  signers: ${JSON.stringify(signers)},
  // put the secrets into these files: sk_… and whsec_…
  stripe: { key: "stripe.key", webhookSecret: "webhook.secret", threeDSecure: "any" },
  // units of the currency for one of the asset; see docs/operators/gateway.md for the other terms
  currencies: {
    ${currency}: { rate: ${JSON.stringify(rate)}, marginPercent: 5, refundFee: "0", least: "5", most: "500" },
  },
  // the most of the asset that goes into orders in 24 hours, and of coins into gas
  dailySpending: ${JSON.stringify(spending)},
  dailyGas: "0.05",
  // /health and /metrics, for this machine alone
  monitor: { host: "127.0.0.1", port: ${port + 1} },
}
`;
}
