import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http, { createServer, type RequestListener, type Server } from "node:http";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

import {
  Health,
  HttpClient,
  HttpError,
  LINK_MIGRATIONS,
  type LinkTables,
  Members,
  openRelayServer,
  RELAY_MIGRATIONS,
  relayConfig,
  type RelayLimits,
  RelayLink,
  type RelayTables,
  type Store,
  TUNNEL,
  tunnelPath,
  Tunnels,
} from "@turingfog/network";
import {
  ENVELOPE,
  ENVELOPE_HEADER,
  linkDomain,
  NODE_DOCUMENT,
  type NodeDocument,
  nodeDomain,
} from "@turingfog/sdk/wire";
import { Wallet } from "ethers";
import { Registry } from "prom-client";

import { LOG, StoppedClock } from "./intake";
import { JOB_OF_TESTS } from "./jobs";
import { freePorts } from "./signers";
import { Stores } from "./stores";

export const [OWNER, METER, STRANGER] = ["owner", "meter", "stranger"].map(
  (name) => new Wallet(`0x${createHash("sha256").update(`relay.test ${name}`).digest("hex")}`),
);
const ADDRESS = `0x${"11".repeat(20)}`;
const DOMAINS = { node: nodeDomain(31_337n, ADDRESS), link: linkDomain(31_337n, ADDRESS) };
export const NODE = 7n;
const NO_BODY = `0x${createHash("sha256").update("").digest("hex")}`;
export const NOW = 1_800_000_000n;

const LIMITS = relayConfig.shape.limits.parse(undefined);

/** A relay and the server of a node, to be connected by links. */
export class RelayWorld {
  owner = OWNER.address.toLowerCase();
  readonly attested = new Set<bigint>();
  readonly metrics = new Registry();
  readonly client = new HttpClient();
  trustedProxies: string[] = [];
  /** Requests that have come to the node. */
  asked = 0;
  private readonly ends: (() => unknown)[] = [];
  private stop: () => Promise<unknown> = async () => undefined;

  private constructor(
    readonly folder: string,
    readonly port: number,
    private readonly limits: RelayLimits,
    private readonly node: Server,
    private readonly stores: Stores,
    private readonly store: Store<RelayTables & LinkTables>,
    private readonly patience: number | undefined,
  ) {}

  static async open(serve: RequestListener, limits: Partial<RelayLimits> = {}, patience?: number): Promise<RelayWorld> {
    const node = createServer((request, response) => {
      ++world.asked;
      serve(request, response);
    }).listen(0, "127.0.0.1");
    await once(node, "listening");
    const [port] = await freePorts(1);
    const folder = await mkdtemp(path.join(tmpdir(), "turingfog-relay-"));
    const stores = new Stores();
    const store = await stores.openNew<RelayTables & LinkTables>({ ...LINK_MIGRATIONS, ...RELAY_MIGRATIONS });
    const world = new RelayWorld(folder, port, { ...LIMITS, ...limits }, node, stores, store, patience);
    await world.startRelay();
    return world;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}${tunnelPath(NODE)}`;
  }

  async startRelay(): Promise<void> {
    const facts = {
      isKnown: true,
      node: (nodeId: bigint) => (nodeId === NODE || nodeId === 8n ? ({ owner: this.owner } as never) : undefined),
      isSignedByContract: async () => false,
      attestedAt: (nodeId: bigint) => this.attested.has(nodeId),
    };
    const endpoint = `http://127.0.0.1:${this.port}`;
    const [db, nonces] = [this.store.db as never, this.store.db as never];
    const members = new Members({ endpoint, facts, domains: DOMAINS, db, nonces, clock: new StoppedClock(NOW) });
    const tunnels = new Tunnels(this.limits, this.patience);
    this.metrics.clear();
    const listen = { host: "127.0.0.1", port: this.port, trustedProxies: this.trustedProxies };
    const server = await openRelayServer({
      listen,
      limits: this.limits,
      members,
      tunnels,
      log: LOG,
      metrics: this.metrics,
    });
    this.stop = async () => {
      tunnels.close();
      await server.close();
    };
  }

  async stopRelay(): Promise<void> {
    await this.stop();
  }

  async document(changes: Partial<NodeDocument> = {}, by = OWNER): Promise<string> {
    const document = {
      nodeId: NODE,
      sequence: 1n,
      expiresAt: NOW + 86_400n,
      endpoint: this.url,
      meterKey: METER.address.toLowerCase(),
      encryptionKey: JOB_OF_TESTS.resultTo,
      runners: [{ kind: "process" as const, name: "program", slots: {} }],
      ...changes,
    };
    return NODE_DOCUMENT.encode(await NODE_DOCUMENT.sign(by, DOMAINS.node, document));
  }

  /** Shows the relay a document. */
  async introduce(changes: Partial<NodeDocument> = {}, by = OWNER): Promise<void> {
    await this.client.put(`${this.url}/document`, await this.document(changes, by));
  }

  /** Signs a request for a connection. */
  async envelope(by = METER, nodeId = NODE, nonce = `0x${randomBytes(32).toString("hex")}`): Promise<string> {
    const request = `GET ${tunnelPath(nodeId)}`;
    const content = { receiver: METER.address.toLowerCase(), request, bodyHash: NO_BODY, nonce, expiresAt: NOW + 60n };
    return ENVELOPE.encode(await ENVELOPE.sign(by, DOMAINS.link, content));
  }

  /** Asks for a connection, and resolves to it, or to the name of what refuses it. */
  async connect(envelope: string, nodeId = NODE, more: Record<string, string> = {}): Promise<Socket | string> {
    const url = `http://127.0.0.1:${this.port}${tunnelPath(nodeId)}`;
    const headers = { connection: "upgrade", upgrade: TUNNEL, [ENVELOPE_HEADER]: envelope, ...more };
    const request = http.request(url, { headers, agent: false }).end();
    return new Promise((resolve, reject) => {
      request.on("error", reject);
      request.on("upgrade", (_, socket) => {
        this.ends.push(() => socket.destroy());
        resolve(socket);
      });
      request.on("response", (answer) => {
        void answer.toArray().then((chunks: Buffer[]) => {
          resolve((JSON.parse(Buffer.concat(chunks).toString()) as { error: string }).error);
        }, reject);
      });
    });
  }

  /** Has the node keep connections to the relay, and resolves once it does. */
  async link(): Promise<void> {
    const document = path.join(this.folder, "document.json");
    await writeFile(document, await this.document());
    const end = new AbortController();
    let linked: () => void = () => undefined;
    const isLinked = new Promise<void>((resolve) => (linked = resolve));
    const health = new Health((part, { state }) => {
      if (part === "relay" && state === "ok") linked();
    });
    const clock = new StoppedClock(NOW);
    const given = { nodeId: NODE, meter: METER, domain: DOMAINS.link, document, server: this.node };
    const running = new RelayLink({ ...given, client: this.client, clock, health }).run(end.signal);
    this.ends.unshift(async () => {
      end.abort();
      await running;
    });
    await isLinked;
  }

  /** Resolves once the node has connected to the relay. */
  async isConnected(): Promise<void> {
    await this.becomes(async () => (await this.metricOf("turingfog_relay_nodes")) > 0);
  }

  /** Resolves once so many requests have come to the node. */
  async isUnderWay(count: number): Promise<void> {
    await this.becomes(async () => this.asked >= count);
  }

  /** Resolves once the relay is done with a request. */
  async hasEnded(): Promise<void> {
    await this.becomes(async () => (await this.metricOf("turingfog_relay_requests_total")) > 0);
  }

  /** Puts a body, and resolves to the answer, whatever it is. */
  async put(size: number, headers: Record<string, string>): Promise<string> {
    const given = "transfer-encoding" in headers ? headers : { "content-length": String(size) };
    const request = http.request(`${this.url}/v1`, { method: "PUT", headers: given, agent: false });
    request.on("error", () => undefined).end(Buffer.alloc(size));
    const [answer] = (await once(request, "response")) as [http.IncomingMessage];
    return Buffer.concat((await answer.toArray()) as Buffer[]).toString();
  }

  private async metricOf(name: string): Promise<number> {
    return (await this.metrics.getSingleMetric(name)?.get())?.values[0]?.value ?? 0;
  }

  private async becomes(isSo: () => Promise<boolean>): Promise<void> {
    while (!(await isSo())) await new Promise((resolve) => setImmediate(resolve));
  }

  /** Resolves to the name of the error by which something is refused. */
  async refusal(asking: Promise<unknown>): Promise<string> {
    const error: unknown = await asking.catch((reason: unknown) => reason);
    return error instanceof HttpError ? error.error : `no refusal: ${String(error)}`;
  }

  async close(): Promise<void> {
    for (const end of this.ends) await end();
    await this.stopRelay();
    this.client.close();
    this.node.closeAllConnections();
    this.node.close();
    await this.stores.close();
    await rm(this.folder, { recursive: true });
  }
}
