import { type HttpClient, HttpError } from "../http/index.js";
import { reasonOf } from "../runtime/index.js";
import { NodeClient } from "./nodeClient.js";
import { type NodeDocumentSource, readNodeDocument } from "./nodeDocument.js";
import type { Rental, RentalRecord } from "./rental.js";

/** What a relay says of a node that has left it, or is away. */
const AWAY = "not-connected";

export interface Following {
  client: HttpClient;
  /** Connects to the chain, which is asked only if the node does not answer. */
  source: () => Promise<Omit<NodeDocumentSource, "client" | "allowPrivate">>;
  /** Hears where the node is now, or why that is not known. */
  note: (line: string) => void;
}

/**
 * Returns a client of an order's node. If the node does not answer where the order's folder has it, asks the chain for its
 * document, and writes down the new address. A node with another key cannot open the job, and is not followed.
 */
export async function nodeOf(
  rental: Rental,
  record: RentalRecord & { orderId: bigint },
  following: Following,
): Promise<NodeClient> {
  const { client, note } = following;
  const { orderId, endpoint } = record;
  const kept = new NodeClient(client, endpoint, orderId);
  try {
    await kept.state();
    return kept;
  } catch (error) {
    if (!(error instanceof HttpError) || (error.status !== 0 && error.error !== AWAY)) return kept;
  }
  try {
    const moved = await movedTo(record, following);
    if (moved === undefined) return kept;
    await rental.write({ ...record, endpoint: moved });
    note(`Node ${record.nodeId} does not answer at ${endpoint}, and by its document on the chain is at ${moved} now`);
    return new NodeClient(client, moved, orderId);
  } catch (error) {
    note(`Node ${record.nodeId} does not answer at ${endpoint}, and no other address is known: ${reasonOf(error)}`);
    return kept;
  }
}

/** Returns where a node's document says that it is, if that is elsewhere and the node has the same key. */
async function movedTo(
  { nodeId, endpoint, recipient, allowPrivate = false }: RentalRecord,
  { client, source, note }: Following,
): Promise<string | undefined> {
  const document = await readNodeDocument(nodeId, { ...(await source()), client, allowPrivate });
  if (document.endpoint === endpoint) return undefined;
  if (document.encryptionKey === recipient) return document.endpoint;
  note(`Node ${nodeId} has another key by its document at ${document.endpoint}, with which it cannot open this job`);
  return undefined;
}
