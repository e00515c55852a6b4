import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, rm, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import { ACKNOWLEDGEMENT, type Acknowledgement, EVIDENCE, GRANT, type Grant, type Signed } from "@turingfog/sdk/wire";
import { TuringFogError } from "@turingfog/sdk";
import { z } from "zod";

import { type HttpClient, HttpError } from "../http/index.js";
import { decryptText } from "../job/index.js";
import { plainText } from "../runtime/index.js";

const BINARY = { "content-type": "application/octet-stream" };
/** Milliseconds between two tries. */
const RETRY = 2_000;
const HOUR = 3_600_000;
const NO_RESULT = `0x${"00".repeat(32)}`;

/** Names of refusals that pass by themselves: of the node, of what is on the way, and of a relay. */
const PASSING = [
  ...["unknown-order", "busy", "unreachable", "timeout", "stopped"],
  ...["not-connected", "no-answer", "too-slow", "not-ready", "used-up"],
];

const integer = z
  .string()
  .regex(/^\d{1,78}$/)
  .transform(BigInt);
const hash = z.string().regex(/^0x[0-9a-f]{64}$/);
/** The most characters of a node's words. */
const MAX_WORDS = 1_000;
const words = z
  .string()
  .max(MAX_WORDS)
  .transform((text) => plainText(text, MAX_WORDS));

/** An order's state as its node tells it; see `OrderState`. */
const stateSchema = z.object({
  state: z.enum(["unknown", "waiting", "refused", "queued", "running", "paused", "ended", "released"]),
  reason: words,
  heldSeconds: z.number(),
  images: z.number(),
  cumulativeTU: integer,
  result: hash.optional(),
  /** The line that is the evidence of the last reading. */
  evidence: z.string().max(1_024).optional(),
  line: words.optional(),
});

export type ToldState = z.infer<typeof stateSchema>;

/** Thrown when what a node hands out is not what it has named. */
export class WrongResultError extends TuringFogError {
  constructor(
    readonly orderId: bigint,
    readonly found: string,
    readonly named: string,
  ) {
    super(`The result of order ${orderId} has the SHA-256 ${found}, the last reading's evidence names ${named}`);
  }
}

/** Asks a node about one order. */
export class NodeClient {
  constructor(
    private readonly client: HttpClient,
    private readonly endpoint: string,
    private readonly orderId: bigint,
  ) {}

  /** @throws HttpError */
  async state(): Promise<ToldState> {
    const answer = await this.client.get(this.url(""), { maxBytes: 65_536 });
    return stateSchema.parse(JSON.parse(answer.toString()));
  }

  /**
   * Hands the grant and the bundle in, again and again until the node has both.
   * @param until when to give up, on the monotonic clock
   * @throws HttpError if it refuses for good, or at that time still
   */
  async send(grant: Signed<Grant>, bundle: string, until: number, note: (line: string) => void): Promise<void> {
    await retrying(until, note, () => this.client.put(this.url("/grants"), GRANT.encode(grant)));
    const { size } = await stat(bundle);
    await retrying(until, note, () => {
      const headers = { ...BINARY, "content-length": String(size) };
      return this.client.put(this.url("/bundle"), createReadStream(bundle), { headers, timeout: HOUR });
    });
  }

  /** @throws HttpError */
  async acknowledge(acknowledgement: Acknowledgement): Promise<void> {
    await this.client.put(this.url("/acknowledgements"), ACKNOWLEDGEMENT.encode(acknowledgement));
  }

  /**
   * Fetches the result's ciphertext into a file, and checks that it is what the evidence names. Of an order that ended
   * before a reading could name its result, it is what the node says.
   * @param file must not exist yet; nothing stays of another one
   * @throws HttpError, WrongResultError
   */
  async result(file: string, maxBytes: number, note: (line: string) => void = () => undefined): Promise<string> {
    const { evidence, result } = await this.state();
    const inReading = evidence === undefined ? NO_RESULT : EVIDENCE.decode(evidence).result;
    const named = inReading === NO_RESULT ? (result ?? NO_RESULT) : inReading;
    const found = await saveStream(this.client.stream(this.url("/result"), { maxBytes }), file);
    if (found !== named) {
      await rm(file);
      throw new WrongResultError(this.orderId, found, named);
    }
    if (named !== inReading)
      note("No reading names this result, because the order ended before: the node alone says that it is");
    return found;
  }

  /**
   * Follows the order's progress until its result is there or it is refused.
   * @param identity that of the result, for a job whose progress is encrypted
   * @throws HttpError
   */
  async *progress(identity: string, signal?: AbortSignal): AsyncGenerator<ToldState> {
    let rest = "";
    for await (const chunk of this.client.stream(this.url("/progress"), { maxBytes: Infinity, signal })) {
      const events = (rest + chunk.toString()).split("\n\n");
      rest = (events.pop() as string).slice(0, 65_536);
      // comments keep the connection open
      const told = events.filter((event) => event.startsWith("data: "));
      for (const event of told) yield this.read(event.slice("data: ".length), identity);
    }
  }

  private async read(data: string, identity: string): Promise<ToldState> {
    const isPlain = data.startsWith("{");
    const text = isPlain ? data : await decryptText(identity, Buffer.from(data, "base64"), "The progress");
    return stateSchema.parse(JSON.parse(text));
  }

  private url(what: string): string {
    return `${this.endpoint}/v1/orders/${this.orderId}${what}`;
  }
}

/**
 * Writes what comes into a file.
 * @param file must not exist yet; nothing stays of it after an error
 * @returns the SHA-256
 */
export async function saveStream(chunks: AsyncIterable<Uint8Array>, file: string): Promise<string> {
  const sha256 = createHash("sha256");
  const handle = await open(file, "wx", 0o600);
  try {
    for await (const chunk of chunks) {
      sha256.update(chunk);
      await handle.writeFile(chunk);
    }
    return `0x${sha256.digest("hex")}`;
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    await handle.close();
  }
}

async function retrying(until: number, note: (line: string) => void, put: () => Promise<unknown>): Promise<void> {
  for (let told = ""; ;) {
    try {
      await put();
      return;
    } catch (error) {
      const isPassing = error instanceof HttpError && (PASSING.includes(error.error) || error.status >= 500);
      if (!isPassing || performance.now() > until) throw error;
      if (error.message !== told) note(`${error.message}; trying again`);
      told = error.message;
      await sleep(RETRY);
    }
  }
}
