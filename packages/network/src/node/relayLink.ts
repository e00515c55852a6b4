import { createHash, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import http, { type IncomingMessage, type Server } from "node:http";
import https from "node:https";
import type { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

import { ENVELOPE, ENVELOPE_HEADER, NODE_DOCUMENT } from "@turingfog/sdk/wire";
import type { TypedDataDomain, Wallet } from "ethers";

import type { HttpClient } from "../http/index.js";
import { TUNNEL, tunnelPath } from "../relay/protocol.js";
import { type Clock, type Health, plainText, reasonOf } from "../runtime/index.js";

/** Stands for a relay's address, which no connection has: strangers come through it, as through a proxy. */
export const RELAYED = "0.0.0.0";

/** Connections that wait for a request, and the most that are open. */
const SPARE = 4;
const MOST = 24;

/** Milliseconds for which a connection is there for its answer. */
const LINGER = 1_000;

/** Seconds for which an envelope is valid. */
const LIFETIME = 120n;

/** Milliseconds until what failed is tried again, twice as long each time. */
const FIRST = 250;
const LONGEST = 15_000;

/** Milliseconds in which a relay must answer, and without a byte after which it is asked whether it is there. */
const TIMEOUT = 10_000;
const KEEP_ALIVE = 15_000;

const NO_BODY = `0x${createHash("sha256").update("").digest("hex")}`;

export interface RelayLinkOptions {
  nodeId: bigint;
  meter: Wallet;
  /** That of envelopes. */
  domain: TypedDataDomain;
  /** File of the node's document, whose endpoint is at the relay. */
  document: string;
  /** Answers the requests. */
  server: Server;
  client: HttpClient;
  clock: Clock;
  health: Health;
}

/** Keeps connections to a relay, by each of which the relay sends one request of a renter or a signer. */
export class RelayLink {
  private readonly open = new Set<Socket>();
  /** Those that have no request yet. */
  private readonly idle = new Set<Socket>();
  private wake: () => void = () => undefined;

  constructor(private readonly options: RelayLinkOptions) {}

  /** Connects again and again, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { health } = this.options;
    const end = () => {
      this.wake();
      for (const socket of this.open) socket.destroy();
    };
    signal.addEventListener("abort", end, { once: true });
    let wait = FIRST;
    let isKnown = false;
    while (!signal.aborted) {
      try {
        if (!isKnown) await this.introduce();
        isKnown = true;
        for (let missing = this.missing; missing > 0 && !signal.aborted; missing = this.missing) {
          await Promise.all(Array.from({ length: missing }, () => this.connect(signal)));
        }
        health.report("relay", "ok");
        wait = FIRST;
        await this.changed(signal);
      } catch (error) {
        isKnown = false;
        if (signal.aborted) return;
        health.report("relay", "waiting", reasonOf(error));
        await sleep(wait, undefined, { signal }).catch(() => undefined);
        wait = Math.min(2 * wait, LONGEST);
      }
    }
  }

  /** Number of connections to be opened. */
  private get missing(): number {
    return Math.min(SPARE - this.idle.size, MOST - this.open.size);
  }

  /** Shows the relay the document that is in force. */
  private async introduce(): Promise<void> {
    const { client, document } = this.options;
    const text = await readFile(document, "utf8");
    await client.put(`${NODE_DOCUMENT.decode(text).endpoint}/document`, text, { timeout: TIMEOUT });
  }

  private async connect(signal: AbortSignal): Promise<void> {
    const { clock, document, domain, meter, nodeId } = this.options;
    const url = new URL(NODE_DOCUMENT.decode(await readFile(document, "utf8")).endpoint);
    const envelope = await ENVELOPE.sign(meter, domain, {
      // a relay has no account: the document in force names its address
      receiver: meter.address.toLowerCase(),
      request: `GET ${tunnelPath(nodeId)}`,
      bodyHash: NO_BODY,
      nonce: `0x${randomBytes(32).toString("hex")}`,
      expiresAt: clock.now() + LIFETIME,
    });
    const headers = { connection: "upgrade", upgrade: TUNNEL, [ENVELOPE_HEADER]: ENVELOPE.encode(envelope) };
    const { request } = url.protocol === "https:" ? https : http;
    const asked = request(url, { headers, agent: false, signal, timeout: TIMEOUT });
    const [socket, head] = await new Promise<[Socket, Buffer]>((resolve, reject) => {
      asked.on("error", reject).on("timeout", () => asked.destroy(new Error(`${url.host} does not answer`)));
      asked.on("response", (answer) => void refusalOf(url.host, answer).then(reject, reject));
      asked.on("upgrade", (_, upgraded, first) => resolve([upgraded, first]));
      asked.end();
    });
    this.keep(socket, head);
  }

  private keep(socket: Socket, head: Buffer): void {
    this.open.add(socket);
    this.idle.add(socket);
    socket.setTimeout(0).setNoDelay(true).setKeepAlive(true, KEEP_ALIVE);
    socket
      .on("error", () => undefined)
      .once("close", () => {
        this.open.delete(socket);
        this.idle.delete(socket);
        this.wake();
      });
    // the server takes a connection on which nothing comes for one that is too slow
    const serve = (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      this.idle.delete(socket);
      this.wake();
      Object.defineProperty(socket, "remoteAddress", { value: RELAYED });
      // an answer that comes before the end of a body would be lost with a connection that is broken off
      socket.destroySoon = () => {
        socket.end().resume();
        this.open.delete(socket);
        this.wake();
        setTimeout(() => socket.destroy(), LINGER).unref();
      };
      this.options.server.emit("connection", socket);
      socket.resume();
    };
    if (head.length > 0) serve(head);
    else socket.once("data", serve).resume();
  }

  private changed(signal: AbortSignal): Promise<void> {
    if (this.missing > 0 || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => (this.wake = resolve));
  }
}

/** The most bytes of a refusal that are read. */
const MAX_REFUSAL = 4_096;
const MAX_WORDS = 300;

async function refusalOf(host: string, answer: IncomingMessage): Promise<Error> {
  let text = "";
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    text += chunk.toString();
    if (text.length > MAX_REFUSAL) answer.destroy();
  }
  return new Error(`${host} answers ${answer.statusCode}: ${plainText(text, MAX_WORDS)}`);
}
