import { createHash } from "node:crypto";

import { TuringFogError } from "@turingfog/sdk";
import { readReceiptFile, ReceiptTree } from "@turingfog/sdk/wire";

import { type HttpClient, HttpError } from "../http/index.js";
import { reasonOf } from "../runtime/index.js";

/** The most bytes of a receipt file: 700,000 receipts. */
const MAX_FILE = 200 * 2 ** 20;

/** Milliseconds until a file is there, unless the caller says otherwise. */
const PATIENCE = 300_000;

/** A server's answer to the question for a root's receipt file. */
export type Published =
  | { kind: "right"; tree: ReceiptTree }
  /** Bytes of another hash. */
  | { kind: "other"; reason: string }
  /** The bytes that were signed, which are no receipt file, or one of another root. */
  | { kind: "malformed" | "other-root"; reason: string }
  /** No file; `isAnswered` if the server has answered, though what came may have broken off. */
  | { kind: "none"; isAnswered: boolean; reason: string };

/** Fetches the file of a root from one signer, and holds it against its hash and the root. */
export async function fetchPublished(
  client: HttpClient,
  endpoint: string,
  { dataHash, receiptsRoot }: { dataHash: string; receiptsRoot: string },
  patience = PATIENCE,
): Promise<Published> {
  const { host } = new URL(endpoint);
  const sha256 = createHash("sha256");
  const signal = AbortSignal.timeout(patience);
  const chunks = client.stream(`${endpoint}/v1/receipts/${dataHash}`, { maxBytes: MAX_FILE, signal });
  try {
    const tree = await treeOf(hashed(chunks, sha256));
    // a file that is none has a hash all the same: the reader stops at the first wrong byte
    for await (const chunk of chunks) sha256.update(chunk);
    const given = `0x${sha256.digest("hex")}`;
    if (given !== dataHash) return { kind: "other", reason: `${host} gives another: ${given}` };
    if (typeof tree === "string")
      return { kind: "malformed", reason: `${host} gives what is no receipt file: ${tree}` };
    if (tree.root === receiptsRoot) return { kind: "right", tree };
    return { kind: "other-root", reason: `${host} gives the file, whose receipts make the root ${tree.root}` };
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
    return { kind: "none", isAnswered: error.status > 0, reason: reasonOf(error) };
  } finally {
    await chunks.return(undefined);
  }
}

/** Returns the tree of a file's receipts, or why the file is none. */
async function treeOf(chunks: AsyncIterable<Uint8Array>): Promise<ReceiptTree | string> {
  try {
    return await ReceiptTree.of((await readReceiptFile(chunks)).receipts);
  } catch (error) {
    if (error instanceof HttpError || !(error instanceof TuringFogError)) throw error;
    return reasonOf(error);
  }
}

/** Yields chunks without ending them when nobody asks for more. */
async function* hashed(
  chunks: AsyncGenerator<Buffer, void>,
  sha256: ReturnType<typeof createHash>,
): AsyncGenerator<Buffer> {
  for (;;) {
    const next = await chunks.next();
    if (next.done === true) return;
    sha256.update(next.value);
    yield next.value;
  }
}
