import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { setBalance } from "@nomicfoundation/hardhat-network-helpers";
import { ChainClock, Health, initKeeper, keeperConfig, openKeeper, readConfig } from "@turingfog/network";
import type { Receipt } from "@turingfog/sdk/wire";
import JSON5 from "json5";
import pino from "pino";
import { Registry } from "prom-client";

import type { Protocol } from "../../../../test/helpers/fixture";
import { ChainServer } from "./chainServer";
import { FileServer } from "./fileServer";

/** What a part of a keeper's health is. */
type Parts = Record<string, { state: string; reason?: string }>;

/** A chain and a server of receipt files, before which keepers can be opened. */
export class KeeperWorld {
  private constructor(
    readonly protocol: Protocol,
    readonly folder: string,
    readonly chain: ChainServer,
    readonly signer: FileServer,
    private readonly before: string | undefined,
  ) {}

  static async open(protocol: Protocol): Promise<KeeperWorld> {
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-keeper-"));
    const book = { network: "localhost", chainId: 31_337, addresses: protocol.addresses, firstBlock: 0 };
    await mkdir(path.join(folder, "deployments"));
    await writeFile(path.join(folder, "deployments/localhost.json"), JSON.stringify(book));
    const chain = await ChainServer.open();
    const world = new KeeperWorld(protocol, folder, chain, await FileServer.open(), process.env.LOCALHOST_RPC_URL);
    process.env.LOCALHOST_RPC_URL = chain.url;
    return world;
  }

  /** Files by their SHA-256, and how often each was asked for. */
  get files(): Map<string, Uint8Array> {
    return this.signer.files;
  }

  get asked(): readonly string[] {
    return this.signer.asked;
  }

  /** Publishes the file of receipts that were submitted. */
  publish(receipts: readonly Receipt[]): Promise<string> {
    return this.signer.publish(receipts);
  }

  /** Makes a keeper's folder, with coins for its key. */
  async init(
    name: string,
    changes: { chain?: object; [field: string]: unknown } = {},
  ): Promise<{ config: string; keeper: string }> {
    const made = await initKeeper({
      folder: path.join(this.folder, name),
      network: "localhost",
      deployments: path.join(this.folder, "deployments"),
      signers: [this.signer.endpoint],
      budget: "1",
      port: 0,
    });
    await setBalance(made.keeper, 10n ** 20n);
    const config = JSON5.parse<{ chain: object }>(await readFile(made.config, "utf8"));
    const chain = { ...config.chain, confirmationSeconds: 0, poll: 0.1, ...changes.chain };
    const text = JSON.stringify({ ...config, clock: "chain", tick: 0.1, ...changes, chain });
    await writeFile(made.config, text, { mode: 0o600 });
    return made;
  }

  /** Changes some of a keeper's configuration. */
  async change(config: string, changes: object): Promise<void> {
    const given = JSON.parse(await readFile(config, "utf8")) as object;
    await writeFile(config, JSON.stringify({ ...given, ...changes }), { mode: 0o600 });
  }

  /** Opens a keeper in this process, which looks at the chain when it is told to. */
  async keeper(config: string) {
    const parts: Parts = {};
    const health = new Health((part, { state, reason }) => (parts[part] = { state, reason }));
    const metrics = new Registry();
    const context = { health, clock: new ChainClock(), log: pino({ level: "silent" }), metrics };
    const signal = new AbortController().signal;
    const { keeper, facts, close } = await openKeeper(await readConfig(config, keeperConfig), { ...context, signal });
    const advance = async () => {
      await facts.advance();
      await keeper.advance(signal);
    };
    /** Returns how many acts were done, by whom. */
    const acts = async (by: "this keeper" | "others") => {
      const { values } = await metrics.getSingleMetric("turingfog_keeper_acts_total")!.get();
      return values.filter(({ labels }) => labels.by === by).reduce((sum, { value }) => sum + value, 0);
    };
    return { acts, advance, close, metrics, parts };
  }

  async close(): Promise<void> {
    await this.signer.close();
    await this.chain.close();
    if (this.before === undefined) delete process.env.LOCALHOST_RPC_URL;
    else process.env.LOCALHOST_RPC_URL = this.before;
    await rm(this.folder, { recursive: true });
  }
}
