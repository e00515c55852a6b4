import { index, onchainTable } from "ponder";

import { origin } from "./origin";

/** TFT that moved; from zero at genesis, to zero when burned. */
export const tftTransfer = onchainTable(
  "tft_transfers_rows",
  (t) => ({
    id: t.text().primaryKey(),
    from: t.hex().notNull(),
    to: t.hex().notNull(),
    amount: t.bigint().notNull(),
    ...origin(t),
  }),
  (table) => ({
    bySender: index().on(table.from, table.id),
    byRecipient: index().on(table.to, table.id),
  }),
);

/** TFT of each account that ever had any. */
export const tftBalance = onchainTable(
  "tft_balances_rows",
  (t) => ({
    account: t.hex().primaryKey(),
    balance: t.bigint().notNull(),
    ...origin(t),
  }),
  (table) => ({ byBalance: index().on(table.balance) }),
);
