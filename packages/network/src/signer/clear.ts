import type { Kysely } from "kysely";

import { toBlob } from "../store/index.js";
import { type BatchTables, Vetoes } from "./batch/index.js";
import type { SignerConfig } from "./config.js";
import { openSignerStore } from "./run.js";

/**
 * Lets a signer sign receipts of a vetoed root again, or take readings of a stopped node, also while it runs.
 * @returns whether there was something to clear
 */
export async function clearSigner(
  config: Pick<SignerConfig, "store">,
  what: { dataHash: string } | { nodeId: bigint },
): Promise<boolean> {
  const store = await openSignerStore(config);
  try {
    if ("dataHash" in what) return await new Vetoes(store.db as unknown as Kysely<BatchTables>).clear(what.dataHash);
    const { numDeletedRows } = await store.db
      .deleteFrom("stopped_nodes")
      .where("node_id", "=", toBlob(what.nodeId))
      .executeTakeFirst();
    return numDeletedRows > 0n;
  } finally {
    await store.close();
  }
}
