import http, { type IncomingMessage, type RequestOptions } from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

import { plainText } from "../runtime/index.js";
import { HttpError } from "./errors.js";

/** The most bytes of an answer, unless the caller says otherwise. */
const MAX_BYTES = 1_048_576;

/** Milliseconds until an answer begins, and between two parts of it. */
const TIMEOUT = 10_000;

/** Milliseconds until an answer is there as a whole, unless it is streamed. */
const TOTAL = 60_000;

export interface RequestSettings {
  /** Bytes of the answer. */
  maxBytes?: number;
  headers?: Record<string, string>;
  signal?: AbortSignal;
  /** Resolves the host's name. */
  lookup?: LookupFunction;
  /** Milliseconds until the answer is there as a whole. */
  timeout?: number;
}

type Method = "GET" | "POST" | "PUT";

/** Asks servers, of which it expects nothing. Follows no redirect, and asks for nothing compressed. */
export class HttpClient {
  private readonly agents = {
    "http:": new http.Agent({ keepAlive: true, maxSockets: 32 }),
    "https:": new https.Agent({ keepAlive: true, maxSockets: 32 }),
  };

  /**
   * Asks for what is at an address.
   * @throws HttpError
   */
  get(url: string | URL, settings: RequestSettings = {}): Promise<Buffer> {
    return this.whole("GET", url, undefined, settings);
  }

  /** @throws HttpError */
  post(url: string | URL, body: Uint8Array | string, settings: RequestSettings = {}): Promise<Buffer> {
    return this.whole("POST", url, body, settings);
  }

  /** @throws HttpError */
  put(url: string | URL, body: Uint8Array | string | Readable, settings: RequestSettings = {}): Promise<Buffer> {
    return this.whole("PUT", url, body, settings);
  }

  /**
   * Asks for what is at an address, piece by piece. Ends with an HttpError above the limit, and when nothing comes.
   * @throws HttpError
   */
  async *stream(url: string | URL, settings: RequestSettings = {}): AsyncGenerator<Buffer, void> {
    const { maxBytes = MAX_BYTES } = settings;
    const { host } = new URL(url);
    let answer: IncomingMessage | undefined;
    try {
      answer = await this.send("GET", new URL(url), undefined, settings);
      if (answer.statusCode !== 200) throw refusalOf(host, answer, await read(host, answer, MAX_BYTES));
      yield* limited(host, answer, maxBytes);
    } catch (error) {
      throw asHttpError(host, error, answer?.statusCode);
    } finally {
      answer?.destroy();
    }
  }

  /** Closes the connections that are kept. */
  close(): void {
    for (const agent of Object.values(this.agents)) agent.destroy();
  }

  private async whole(
    method: Method,
    to: string | URL,
    body: Uint8Array | string | Readable | undefined,
    settings: RequestSettings,
  ): Promise<Buffer> {
    const url = new URL(to);
    const { host } = url;
    const { maxBytes = MAX_BYTES, timeout = TOTAL } = settings;
    const late = AbortSignal.timeout(timeout);
    const signal = settings.signal === undefined ? late : AbortSignal.any([late, settings.signal]);
    try {
      const answer = await this.send(method, url, body, { ...settings, signal });
      const bytes = await read(host, answer, maxBytes);
      const status = answer.statusCode ?? 0;
      if (status < 200 || status > 299) throw refusalOf(host, answer, bytes);
      return bytes;
    } catch (error) {
      if (late.aborted) throw new HttpError(host, 0, "timeout", `nothing whole came in ${timeout / 1_000} s`);
      throw asHttpError(host, error);
    }
  }

  private send(
    method: Method,
    url: URL,
    body: Uint8Array | string | Readable | undefined,
    { headers, signal, lookup }: RequestSettings,
  ): Promise<IncomingMessage> {
    const isSecure = url.protocol === "https:";
    const agent = lookup === undefined ? this.agents[isSecure ? "https:" : "http:"] : undefined;
    const options: RequestOptions = { method, headers: { ...headers }, signal, lookup, agent, timeout: TIMEOUT };
    return new Promise((resolve, reject) => {
      const request = (isSecure ? https : http).request(url, options, resolve);
      request.on("error", reject);
      request.on("timeout", () => {
        request.destroy(new HttpError(url.host, 0, "timeout", `nothing came for ${TIMEOUT / 1_000} s`));
      });
      if (body === undefined) request.end();
      else if (typeof body === "string" || body instanceof Uint8Array) {
        request.setHeader("content-length", Buffer.byteLength(body));
        if (request.getHeader("content-type") === undefined) request.setHeader("content-type", "application/json");
        request.end(body);
      } else pipeline(body, request).catch(reject);
    });
  }
}

async function* limited(host: string, answer: IncomingMessage, maxBytes: number): AsyncGenerator<Buffer> {
  const tooLarge = () => new HttpError(host, answer.statusCode ?? 0, "too-large", `more than ${maxBytes} bytes come`);
  if (Number(answer.headers["content-length"] ?? 0) > maxBytes) throw tooLarge();
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge();
    yield chunk;
  }
}

async function read(host: string, answer: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of limited(host, answer, maxBytes)) chunks.push(chunk);
  } finally {
    // an answer that is not read to its end would hold its connection
    if (!answer.complete) answer.destroy();
  }
  return Buffer.concat(chunks);
}

/** The most characters of another server's words that are repeated. */
const MAX_WORDS = 300;

/** Returns the error that an answer has, without what a terminal would obey. */
function refusalOf(host: string, { statusCode = 0 }: IncomingMessage, body: Buffer): HttpError {
  let given: { error?: unknown; message?: unknown } = {};
  try {
    given = (JSON.parse(body.toString()) ?? {}) as typeof given;
  } catch {
    // an answer of something else than our servers
  }
  const error = typeof given.error === "string" && /^[a-z0-9-]{1,64}$/.test(given.error) ? given.error : "refused";
  const words = typeof given.message === "string" ? given.message : "it gives no reason";
  return new HttpError(host, statusCode, error, plainText(words, MAX_WORDS));
}

function asHttpError(host: string, error: unknown, status = 0): HttpError {
  if (error instanceof HttpError) return error;
  const { code, message, name } = error as NodeJS.ErrnoException;
  return new HttpError(host, status, name === "AbortError" ? "stopped" : "unreachable", code ?? message);
}
