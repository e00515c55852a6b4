import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";

import { ChainClock, Health, initWatch, openWatch, readConfig, watchConfig } from "@turingfog/network";
import { RootStatus } from "@turingfog/sdk";
import { Wallet } from "ethers";
import JSON5 from "json5";
import pino from "pino";
import { Registry } from "prom-client";

import { accountKeys } from "../../../../test/helpers/keys";
import { signByQuorum } from "../../../../test/helpers/market";
import type { Protocol } from "../../../../test/helpers/fixture";
import type { FileServer } from "./fileServer";
import { KeeperWorld } from "./keeping";

/** What a webhook was told. */
export interface Told {
  id: string;
  alarm: string;
  text: string;
  receiptsRoot?: string;
}

/** A chain, a server of receipt files and a webhook, before which watches can be opened. */
export class WatchWorld {
  readonly told: Told[] = [];
  /** The webhook's answer; 0 for none. */
  answer = 200;
  /** Alarms that the webhook never takes. */
  readonly refused = new Set<string>();
  /** Number of posts to the webhook. */
  posts = 0;

  private constructor(
    private readonly base: KeeperWorld,
    private readonly hook: Server,
  ) {}

  static async open(protocol: Protocol): Promise<WatchWorld> {
    const hook = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const told = JSON.parse(Buffer.concat(chunks).toString()) as Told;
        const answer = world.refused.has(told.alarm) ? 400 : world.answer;
        ++world.posts;
        if (answer === 200) world.told.push(told);
        if (answer === 0) response.destroy();
        else response.writeHead(answer).end();
        hook.emit("told");
      });
    });
    hook.listen(0, "127.0.0.1");
    await once(hook, "listening");
    const world = new WatchWorld(await KeeperWorld.open(protocol), hook);
    return world;
  }

  get protocol(): Protocol {
    return this.base.protocol;
  }

  get signer(): FileServer {
    return this.base.signer;
  }

  get rpcUrl(): string {
    return this.base.chain.url;
  }

  get folder(): string {
    return this.base.folder;
  }

  get webhook(): string {
    return `http://127.0.0.1:${(this.hook.address() as AddressInfo).port}/hook`;
  }

  /** Names of the alarms that the webhook was told, in their order. */
  get alarms(): string[] {
    return this.told.map(({ alarm }) => alarm);
  }

  /** Resolves when the webhook was told an alarm. */
  async hears(alarm: string): Promise<void> {
    while (!this.alarms.includes(alarm)) await once(this.hook, "told");
  }

  /** Makes a watch's folder. */
  async init(changes: { chain?: object; [field: string]: unknown } = {}, name = "watch"): Promise<string> {
    const file = await initWatch({
      folder: path.join(this.folder, name),
      network: "localhost",
      deployments: path.join(this.folder, "deployments"),
      signers: [this.signer.endpoint],
      webhooks: [this.webhook],
      port: 0,
    });
    const config = JSON5.parse<{ chain: object }>(await readFile(file, "utf8"));
    const chain = { ...config.chain, confirmationSeconds: 0, poll: 0.1, ...changes.chain };
    await writeFile(file, JSON.stringify({ ...config, clock: "chain", ...changes, chain }), { mode: 0o600 });
    return file;
  }

  /** Writes a key to a file, by default the guardian's, and resolves to what a configuration has of it. */
  async guardian(account: { address: string } = this.protocol.actors.guardian): Promise<{ key: string }> {
    const wallet = accountKeys().map((each) => new Wallet(each));
    const { privateKey } = wallet.find(({ address }) => address === account.address) as Wallet;
    const key = path.join(this.folder, "guardian.key");
    await writeFile(key, privateKey, { mode: 0o600 });
    return { key };
  }

  /** Opens a watch in this process, which looks when it is told to. */
  async watch(config: string, vetoes = false) {
    const parts: Record<string, { state: string; reason?: string }> = {};
    const health = new Health((part, { state, reason }) => (parts[part] = { state, reason }));
    const lines: Record<string, unknown>[] = [];
    const log = pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
    const context = { health, clock: new ChainClock(), log, metrics: new Registry() };
    const { watch, close } = await openWatch(await readConfig(config, watchConfig), { vetoes }, context);
    return { look: () => watch.look(), close, parts, lines };
  }

  /** Has the quorum sign any root and file, and submits them. */
  async submit(receiptsRoot: string, dataHash: string): Promise<void> {
    const signatures = await signByQuorum(this.protocol, "ReceiptBatch", { receiptsRoot, dataHash });
    await this.protocol.contracts.oracle.submit(receiptsRoot, dataHash, signatures);
  }

  async status(receiptsRoot: string): Promise<string> {
    const [status] = await this.protocol.contracts.oracle.status(receiptsRoot);
    return RootStatus[Number(status)];
  }

  async close(): Promise<void> {
    this.hook.closeAllConnections();
    this.hook.close();
    await this.base.close();
  }
}
