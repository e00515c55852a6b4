import { onchainTable } from "ponder";

export const event = onchainTable("event", (t) => ({
  id: t.text().primaryKey(),
  name: t.text().notNull(),
  args: t.json().notNull(),
  block: t.bigint().notNull(),
  transactionHash: t.hex().notNull(),
}));
