import type { Kysely } from "kysely";

import { step } from "../../runtime/index.js";
import { fromBytes, toBytes } from "../../store/index.js";
import type { ReceiptIndex } from "./files.js";
import type { BatchOptions } from "./options.js";
import type { BatchTables } from "./tables.js";

export const VETO_STEPS = ["signer.veto.before-store", "signer.veto.stored"] as const;

/** The roots that the guardian has vetoed. Their receipts are signed no more, until a person has looked into it. */
export class Vetoes {
  constructor(private readonly db: Kysely<BatchTables>) {}

  /** Notes the files whose root was vetoed. */
  async note({
    chain,
    files,
    log,
    metrics,
    health,
  }: Pick<BatchOptions, "chain" | "files" | "log" | "metrics" | "health">) {
    const known = await this.db.selectFrom("batch_vetoes").selectAll().execute();
    const hashes = new Set(known.map((row) => fromBytes(row.data_hash)));
    for (const { dataHash, receiptsRoot } of await files.all()) {
      if (hashes.has(dataHash) || chain.root(dataHash)?.state !== "vetoed") continue;
      step("signer.veto.before-store");
      await this.db
        .insertInto("batch_vetoes")
        .values({ data_hash: toBytes(dataHash), cleared: 0n })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      step("signer.veto.stored");
      log.error({ dataHash, receiptsRoot }, "root vetoed");
    }
    const open = await this.open();
    metrics.vetoed.set(open.size);
    if (open.size === 0) health.report("vetoes", "ok");
    else health.report("vetoes", "failed", `vetoed and not cleared: ${[...open].join(", ")}`);
  }

  /** Returns the hashes of the files that were vetoed and not cleared. */
  async open(): Promise<Set<string>> {
    const rows = await this.db.selectFrom("batch_vetoes").selectAll().where("cleared", "=", 0n).execute();
    return new Set(rows.map((row) => fromBytes(row.data_hash)));
  }

  /** Lets a vetoed file's receipts be signed again; returns whether there was such a file. */
  async clear(dataHash: string): Promise<boolean> {
    const { numUpdatedRows } = await this.db
      .updateTable("batch_vetoes")
      .set({ cleared: 1n })
      .where("data_hash", "=", toBytes(dataHash))
      .where("cleared", "=", 0n)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }
}

/** Says whether a chain has a receipt in one of some files. */
export function isIn(files: ReadonlySet<string>, index: ReceiptIndex, orderId: bigint, nodeId: bigint): boolean {
  return index.of(orderId, nodeId).some(({ dataHash }) => files.has(dataHash));
}
