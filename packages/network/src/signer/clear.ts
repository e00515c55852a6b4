import type { Kysely } from "kysely";

import type { ChainTables } from "../chain/index.js";
import { fromBytes, toBlob, toBytes } from "../store/index.js";
import { type BatchTables, Vetoes } from "./batch/index.js";
import type { SignerConfig } from "./config.js";
import { openSignerStore } from "./run.js";

type StoreConfig = Pick<SignerConfig, "store">;

/** What names receipt files: one by its own hash or its root, or all of an interval. */
export type FileName = { hash: string } | { interval: bigint };

/** A receipt file that a signer has signed. */
export interface SignedFile {
  dataHash: string;
  receiptsRoot: string;
  interval: bigint;
  /** Whether a veto of its root was seen, and is cleared. */
  veto: "none" | "open" | "cleared";
}

export interface RootClearing {
  /** Whether a veto was cleared; if so, `named` is that one file. */
  isCleared: boolean;
  /** Files that were meant; of several with a veto that is not cleared, none is cleared. */
  named: SignedFile[];
  /** All files whose veto is not cleared now. */
  open: SignedFile[];
  /** The last final block that the signer has read; undefined before the first. */
  seen?: { block: bigint; time: bigint };
}

/** Lets a signer sign receipts of a vetoed root again, also while it runs. */
export async function clearRoot(config: StoreConfig, name: FileName): Promise<RootClearing> {
  const store = await openSignerStore(config);
  try {
    const db = store.db as unknown as Kysely<BatchTables>;
    const chain = store.db as unknown as Kysely<ChainTables>;
    const seen = await chain.selectFrom("chain_cursor").select(["block", "time"]).executeTakeFirst();
    const named = await filesOf(db, name);
    const [meant, ...more] = named.filter(({ veto }) => veto === "open");
    const isCleared = meant !== undefined && more.length === 0 && (await new Vetoes(db).clear(meant.dataHash));
    return { isCleared, named: isCleared ? [meant] : named, open: await filesOf(db, "vetoed"), seen };
  } finally {
    await store.close();
  }
}

/**
 * Lets a signer take readings of a stopped node again, also while it runs.
 * @returns whether it was stopped
 */
export async function clearNode(config: StoreConfig, nodeId: bigint): Promise<boolean> {
  const store = await openSignerStore(config);
  try {
    const { numDeletedRows } = await store.db
      .deleteFrom("stopped_nodes")
      .where("node_id", "=", toBlob(nodeId))
      .executeTakeFirst();
    return numDeletedRows > 0n;
  } finally {
    await store.close();
  }
}

/** Returns the files of a name, or those whose veto is not cleared, the earliest first. */
async function filesOf(db: Kysely<BatchTables>, name: FileName | "vetoed"): Promise<SignedFile[]> {
  const rows = await db
    .selectFrom("batch_files")
    .leftJoin("batch_vetoes", "batch_vetoes.data_hash", "batch_files.data_hash")
    .select(["batch_files.data_hash", "receipts_root", "interval", "cleared"])
    .where((is) => {
      if (name === "vetoed") return is("cleared", "=", 0n);
      if ("interval" in name) return is("interval", "=", name.interval);
      const hash = toBytes(name.hash);
      return is.or([is("batch_files.data_hash", "=", hash), is("receipts_root", "=", hash)]);
    })
    .orderBy("number")
    .execute();
  return rows.map(({ data_hash, receipts_root, interval, cleared }) => ({
    dataHash: fromBytes(data_hash),
    receiptsRoot: fromBytes(receipts_root),
    interval,
    veto: cleared === null ? "none" : cleared === 0n ? "open" : "cleared",
  }));
}
