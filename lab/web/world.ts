import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";

import { JsonRpcProvider } from "ethers";

import { freePorts } from "../../packages/network/test/helpers/signers";
import { Life } from "../life/process";
import type { LocalBook } from "../life/live";
import { Index } from "./ponder";
import { type ReceiptFiles, setScene } from "./scene";
import { servePage, serveReceipts } from "./serve";

const ROOT = path.join(__dirname, "../..");
const VITE = path.join(ROOT, "node_modules/vite/bin/vite.js");

/** Origin of the Safe's interface that may frame the page. */
export const SAFE = "https://safe.example";

/** A chain with ten days of life, its index, and the page that shows both, each in a process or at a port of its own. */
export class ShownWorld {
  private readonly ends: (() => Promise<void>)[] = [];

  private constructor(
    readonly provider: JsonRpcProvider,
    readonly book: LocalBook,
    readonly index: Index,
    /** Files of the scene's roots, which the page can fetch. */
    readonly files: ReceiptFiles,
    /** The page's address. */
    readonly url: string,
    /** Hosts that the page may ask: its own, the node, the index and the files. */
    readonly hosts: readonly string[],
  ) {}

  /** @param port where the page is served; 0 for a port that is free */
  static async start(port: number, say: (text: string) => void): Promise<ShownWorld> {
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-web-"));
    const ends = [() => rm(folder, { recursive: true, force: true })];
    try {
      say("Living ten days on a chain of its own…");
      const life = await Life.start();
      ends.unshift(() => life.stop());
      const book = JSON.parse(await readFile(life.book, "utf8")) as LocalBook;
      const provider = new JsonRpcProvider(life.url, book.chainId, { staticNetwork: true, cacheTimeout: -1 });
      ends.unshift(async () => provider.destroy());

      const [indexPort] = await freePorts(1);
      const index = Index.start(life.url, path.dirname(life.book), path.join(folder, "index"), indexPort);
      ends.unshift(() => index.stop());
      const files = await setScene(provider, book);

      const [receipts, receiptsUrl] = await serveReceipts(files);
      ends.unshift(() => closed(receipts));
      say("Building the page…");
      const network = {
        chain: "localhost",
        rpc: life.url,
        index: index.url,
        receipts: [receiptsUrl],
        safe: SAFE,
        book,
      };
      const [page, url] = await servePage(await buildPage(folder, { networks: [network] }), port);
      ends.unshift(() => closed(page));

      say("Waiting for the index…");
      await index.reaches(await lastTold(provider, book));
      const hosts = [url, life.url, index.url, receiptsUrl].map((each) => new URL(each).host);
      const world = new ShownWorld(provider, book, index, files, url, hosts);
      world.ends.push(...ends);
      return world;
    } catch (error) {
      for (const end of ends) await end();
      throw error;
    }
  }

  async stop(): Promise<void> {
    for (const end of this.ends.splice(0)) await end();
  }
}

/** Returns the last block in which a contract of a deployment has told anything. */
export async function lastTold(provider: JsonRpcProvider, { addresses, firstBlock }: LocalBook): Promise<number> {
  const logs = await provider.getLogs({ address: Object.values(addresses), fromBlock: firstBlock });
  return Math.max(...logs.map(({ blockNumber }) => blockNumber));
}

/** Builds the page for a configuration, and returns its folder. */
export async function buildPage(folder: string, config: object): Promise<string> {
  const [file, out] = [path.join(folder, "config.json"), path.join(folder, "page")];
  await writeFile(file, JSON.stringify(config));
  const child = spawn(process.execPath, [VITE, "build", path.join(ROOT, "apps/web"), "--logLevel", "warn"], {
    env: { ...process.env, WEB_CONFIG: file, WEB_OUT: out },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [code] = (await once(child, "exit")) as [number | null];
  if (code !== 0) throw new Error(`The page could not be built: vite ended with ${code}`);
  return out;
}

async function closed(server: Server): Promise<void> {
  const ended = once(server, "close");
  server.close();
  server.closeAllConnections();
  await ended;
}
