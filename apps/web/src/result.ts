import { Decrypter } from "age-encryption";

import { TuringFogError } from "@turingfog/sdk";
import { InvalidBundleError, JOB, JOB_FILE, readBundle } from "@turingfog/sdk/wire";

/** The most bytes that a browser is asked to unpack. */
const MAX_BYTES = 512 * 1_048_576;

/** A file of a result. */
export interface ResultFile {
  path: string;
  content: Blob;
}

/** What the order says that its result must be of. */
export interface ResultTerms {
  chainId: number;
  escrow: string;
  nodeId: bigint;
}

/** Thrown when a ciphertext is none, was made for another key, or was changed. */
export class UndecipherableError extends TuringFogError {
  constructor(options: ErrorOptions) {
    super("The result cannot be decrypted with this key: it was made for another one, or was changed", options);
  }
}

/** Thrown when a result is of another job than the order's. */
export class OtherJobError extends TuringFogError {
  constructor(what: string, got: string, expected: string) {
    super(`The result's job names ${what} ${got}, the order has ${expected}: it is the result of another order`);
  }
}

/**
 * Decrypts a result in the browser and unpacks it in memory. Nothing leaves the browser.
 * @param identity text of the order's `result.key`
 * @throws UndecipherableError, OtherJobError, InvalidBundleError, BundleTooLargeError, InvalidMessageError
 */
export async function openResult(sealed: Blob, identity: string, terms: ResultTerms): Promise<ResultFile[]> {
  const files: ResultFile[] = [];
  for await (const entry of readBundle(chunksOf(await decrypted(sealed, identity)), MAX_BYTES)) {
    if (entry.isDirectory) continue;
    const parts: BlobPart[] = [];
    for await (const part of entry.content) parts.push(new Uint8Array(part));
    files.push({ path: entry.path, content: new Blob(parts) });
  }
  const [job] = files;
  if (job?.path !== JOB_FILE) throw new InvalidBundleError(1, `is ${job?.path ?? "missing"}, expected ${JOB_FILE}`);
  checkJob(new Uint8Array(await job.content.arrayBuffer()), terms);
  return files;
}

async function decrypted(sealed: Blob, identity: string): Promise<ReadableStream<Uint8Array>> {
  try {
    const decrypter = new Decrypter();
    decrypter.addIdentity(keyIn(identity));
    return await decrypter.decrypt(sealed.stream());
  } catch (cause) {
    throw new UndecipherableError({ cause });
  }
}

/** Returns the key in the text of a key file, which may have comments. */
function keyIn(text: string): string {
  return /AGE-SECRET-KEY-1[\dA-Z]+/.exec(text)?.[0] ?? text.trim();
}

function checkJob(content: Uint8Array, terms: ResultTerms): void {
  const { chainId, escrow, nodeId } = JOB.decode(content);
  if (chainId !== BigInt(terms.chainId)) throw new OtherJobError("chain", String(chainId), String(terms.chainId));
  if (escrow !== terms.escrow.toLowerCase()) throw new OtherJobError("escrow", escrow, terms.escrow);
  if (nodeId !== terms.nodeId) throw new OtherJobError("node", String(nodeId), String(terms.nodeId));
}

/** A stream's chunks: not every browser iterates over streams. */
async function* chunksOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (cause) {
    throw new UndecipherableError({ cause });
  } finally {
    reader.releaseLock();
  }
}
