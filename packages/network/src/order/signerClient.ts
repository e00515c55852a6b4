import { createHash } from "node:crypto";

import { HEADS, type Reading, type Signed } from "@turingfog/sdk/wire";
import { TuringFogError } from "@turingfog/sdk";

import { type HttpClient, HttpError } from "../http/index.js";
import { reasonOf } from "../runtime/index.js";
import { type NodeClient, saveStream } from "./nodeClient.js";

/** Thrown when a node names another result than in the readings that it has posted. */
export class UnpostedEvidenceError extends TuringFogError {
  constructor(
    readonly orderId: bigint,
    readonly evidence: string,
    readonly posted: readonly string[],
  ) {
    super(
      `The node names a result of order ${orderId} by the evidence ${evidence}; its last readings at the signers name ` +
        `${posted.join(" and ")}: it tells you something else than the signers`,
    );
  }
}

/** Asks an oracle signer about one order of a node. */
export class SignerClient {
  constructor(
    private readonly client: HttpClient,
    readonly endpoint: string,
    private readonly order: { orderId: bigint; nodeId: bigint },
  ) {}

  /**
   * Returns the node's last reading of the order, as far as the signer has it; undefined if it has none or the order is
   * closed.
   * @throws HttpError
   */
  async lastReading(): Promise<Signed<Reading> | undefined> {
    const { orderId, nodeId } = this.order;
    const settings = { maxBytes: HEADS.maxBytes };
    const answer = await this.client.get(`${this.endpoint}/v1/nodes/${nodeId}/head`, settings);
    return HEADS.decode(answer).heads.find((head) => head.orderId === orderId && head.nodeId === nodeId);
  }

  /**
   * Fetches the result's ciphertext, which signers keep for fourteen days, into a file.
   * @param file must not exist yet; nothing stays of it after an error
   * @returns the SHA-256
   * @throws HttpError
   */
  result(file: string, maxBytes: number): Promise<string> {
    const { orderId, nodeId } = this.order;
    const url = `${this.endpoint}/v1/orders/${orderId}/result?node=${nodeId}`;
    return saveStream(this.client.stream(url, { maxBytes }), file);
  }
}

export interface ResultSources {
  orderId: bigint;
  node: NodeClient;
  /** Asked what the node has told them, and for the result if it gives no answer. */
  signers: readonly SignerClient[];
  /** Hears why somebody was not asked any further. */
  note: (line: string) => void;
}

/**
 * Fetches an order's result from its node, or from a signer if the node gives none.
 * @param file must not exist yet
 * @returns the SHA-256
 * @throws HttpError if nobody has it, WrongResultError, UnpostedEvidenceError
 */
export async function fetchResult(sources: ResultSources, file: string, maxBytes: number): Promise<string> {
  const { node, signers, note } = sources;
  try {
    await checkPosted(sources);
    return await node.result(file, maxBytes, note);
  } catch (error) {
    if (!(error instanceof HttpError) || signers.length === 0) throw error;
    note(`${error.message}; asking the signers`);
    for (const signer of signers) {
      const hash = await orNote(signer.result(file, maxBytes), note);
      if (hash !== undefined) return hash;
    }
    throw error;
  }
}

/** Checks that the evidence that the node tells is that of its last reading at a signer, if one has any. */
async function checkPosted({ orderId, node, signers, note }: ResultSources): Promise<void> {
  const { evidence: line } = await node.state();
  if (line === undefined || signers.length === 0) return;
  const evidence = `0x${createHash("sha256").update(line).digest("hex")}`;
  const posted: string[] = [];
  for (const signer of signers) {
    const reading = await orNote(signer.lastReading(), note);
    if (reading?.evidence === evidence) return;
    if (reading !== undefined) posted.push(reading.evidence);
  }
  if (posted.length > 0) throw new UnpostedEvidenceError(orderId, evidence, posted);
}

/** Resolves to undefined if something fails, and says why. */
async function orNote<T>(asked: Promise<T>, note: (line: string) => void): Promise<T | undefined> {
  try {
    return await asked;
  } catch (error) {
    note(reasonOf(error));
    return undefined;
  }
}
