import { index, onchainTable } from "ponder";

import { origin } from "./origin";

/**
 * The last block with an event, in one row whose id is that of the chain. It changes in the transaction that changes the
 * other tables: they are the chain's state after this block, and after each later one until the next event.
 */
export const snapshot = onchainTable("snapshot_rows", (t) => ({
  id: t.integer().primaryKey(),
  block: t.bigint().notNull(),
  blockHash: t.hex().notNull(),
  time: t.bigint().notNull(),
}));

/** Every event of every contract of the deployment, as it was emitted. */
export const event = onchainTable(
  "events_rows",
  (t) => ({
    id: t.text().primaryKey(),
    /** Key of the contract in the address book. */
    contract: t.text().notNull(),
    address: t.hex().notNull(),
    name: t.text().notNull(),
    /** Arguments by their names; whole numbers as decimal strings. */
    args: t.jsonb().$type<Record<string, unknown>>().notNull(),
    logIndex: t.integer().notNull(),
    ...origin(t),
  }),
  (table) => ({
    byTransaction: index().on(table.transactionHash),
    byName: index().on(table.contract, table.name, table.id),
    byBlock: index().on(table.block),
  }),
);
