import type { PgColumnsBuilders } from "ponder";

/** The block, its time and the transaction that made a row, or changed it last. */
export const origin = (t: PgColumnsBuilders) => ({
  block: t.bigint().notNull(),
  time: t.bigint().notNull(),
  transactionHash: t.hex().notNull(),
});
