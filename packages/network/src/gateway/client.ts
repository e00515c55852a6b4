import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";

import { z } from "zod";

import type { HttpClient } from "../http/index.js";
import { plainText } from "../runtime/index.js";

const MAX_WORDS = 1_000;
const words = z
  .string()
  .max(10_000)
  .transform((text) => plainText(text, MAX_WORDS));

/** A path below a folder, and no way out of it. */
const filePath = z.string().regex(/^(?!\/)(?!.*(^|\/)\.{0,2}(\/|$))[A-Za-z0-9._@+=,/-]{1,255}$/);

const told = z.object({
  id: z.string().regex(/^[A-Za-z0-9_-]{32}$/),
  state: z.string().regex(/^[a-z]{1,20}$/),
  /** The price, for people. */
  shown: words,
  /** Where the card is asked for. */
  checkout: words.optional(),
  page: words,
  orderId: words.optional(),
  reason: words,
  /** Of the result, once it is there. */
  files: z.array(z.object({ path: filePath, bytes: z.number() })).max(10_000),
});

/** A session as its gateway tells it. */
export type ToldSession = z.infer<typeof told>;

/** What a gateway is asked for. */
export interface QuoteRequest {
  /** One, or those that are to work on a joint order. */
  nodes: readonly string[];
  /** Whole TU, as "0.5". */
  tu: string;
  hours: string;
  currency: string;
  runner: string;
  slots: Record<string, string>;
  imagesPerTU: string;
}

/** Asks a card gateway, of which it expects nothing. */
export class GatewayClient {
  /** @param endpoint without a / at its end */
  constructor(
    private readonly client: HttpClient,
    private readonly endpoint: string,
  ) {}

  /** @throws HttpError */
  async quote({ nodes, ...asked }: QuoteRequest): Promise<ToldSession> {
    const which = nodes.length === 1 ? { node: nodes[0] } : { node: "0", nodes };
    const answer = await this.client.post(`${this.endpoint}/v1/quotes`, JSON.stringify({ ...which, ...asked }));
    return read(answer);
  }

  /**
   * Hands in a file of the job of a quote.
   * @param name its path in the job
   * @throws HttpError
   */
  async upload(id: string, name: string, file: string): Promise<void> {
    const headers = { "content-type": "application/octet-stream" };
    await this.client.put(`${this.at(id)}/input/${name}`, createReadStream(file), { headers });
  }

  /** Accepts a quote. @throws HttpError */
  async accept(id: string): Promise<ToldSession> {
    return read(await this.client.post(`${this.at(id)}/checkout`, ""));
  }

  /** @throws HttpError */
  async session(id: string): Promise<ToldSession> {
    return read(await this.client.get(this.at(id)));
  }

  /**
   * Fetches all files of a result, or none.
   * @param folder must not exist yet
   * @throws HttpError
   */
  async fetch({ id, files }: ToldSession, folder: string): Promise<void> {
    const part = `${folder}.part`;
    await rm(part, { recursive: true, force: true });
    for (const { path: name, bytes } of files) {
      const target = path.join(part, name);
      await mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
      const chunks = this.client.stream(`${this.at(id)}/files/${name}`, { maxBytes: bytes });
      await pipeline(chunks, createWriteStream(target, { mode: 0o600, flags: "wx" }));
    }
    await rename(part, folder);
  }

  private at(id: string): string {
    return `${this.endpoint}/v1/sessions/${encodeURIComponent(id)}`;
  }
}

function read(answer: Buffer): ToldSession {
  return told.parse(JSON.parse(answer.toString()));
}
