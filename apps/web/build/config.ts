import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

import type { Plugin } from "vite";

const CONFIG = "config.json";

/** The parts of a network that the build looks at; `src/config.ts` checks the whole. */
interface Network {
  chain: string;
  rpc: string;
  index: string;
  receipts?: string[];
  book?: unknown;
}

/**
 * Returns the content security policy of a page with these networks: its own files, and requests to the hosts that its
 * networks name. WebAssembly hashes receipts; pictures of orders are data.
 */
export function policyOf(networks: readonly Network[]): string {
  const urls = networks.flatMap(({ rpc, index, receipts = [] }) => [rpc, index, ...receipts]);
  const hosts = [...new Set(urls.map((url) => new URL(url).origin))].sort();
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src ${["'self'", ...hosts].join(" ")}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; ");
}

/**
 * Builds a page for the networks of one configuration file: writes it beside the page, with the address book of each
 * network that names none, and the policy that allows its hosts and no other.
 */
export function configured(file: string): Plugin {
  const require = createRequire(import.meta.url);
  const { networks } = JSON.parse(readFileSync(file, "utf8")) as { networks: Network[] };
  const complete = networks.map((network) => {
    if (network.book !== undefined) return network;
    const deployments = path.join(path.dirname(require.resolve("@turingfog/sdk/package.json")), "dist/deployments");
    const book = path.join(deployments, `${network.chain}.json`);
    if (!existsSync(book)) throw new Error(`${file}: no address book of ${network.chain} is known: give its "book"`);
    return { ...network, book: JSON.parse(readFileSync(book, "utf8")) as unknown };
  });
  return {
    name: "turingfog-config",
    apply: "build",
    transformIndexHtml: () => [
      {
        tag: "meta",
        attrs: { "http-equiv": "Content-Security-Policy", content: policyOf(complete) },
        injectTo: "head-prepend",
      },
    ],
    generateBundle() {
      this.emitFile({
        type: "asset",
        fileName: CONFIG,
        source: `${JSON.stringify({ networks: complete }, null, 2)}\n`,
      });
    },
  };
}
