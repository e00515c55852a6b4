import { index, onchainTable, primaryKey } from "ponder";

import { origin } from "./origin";

/** Who holds a role, or has held it. */
export const role = onchainTable(
  "roles_rows",
  (t) => ({
    /** `admin`, `proposer`, `canceller` or `executor` of the timelock, `guardian`, `signer` or `operationsTreasury`. */
    role: t.text().notNull(),
    account: t.hex().notNull(),
    /** Key of the contract in the address book. */
    contract: t.text().notNull(),
    isHeld: t.boolean().notNull(),
    /** When it was last granted, and last taken away. */
    grantedAt: t.bigint().notNull(),
    revokedAt: t.bigint(),
    ...origin(t),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.role, table.account] }),
    byAccount: index().on(table.account),
  }),
);

/** Operations of the timelock, which is the governor. */
export const timelockOperation = onchainTable(
  "timelock_operations_rows",
  (t) => ({
    id: t.hex().primaryKey(),
    status: t.text({ enum: ["scheduled", "executed", "cancelled"] }).notNull(),
    predecessor: t.hex().notNull(),
    salt: t.hex().notNull(),
    /** In seconds. */
    delay: t.bigint().notNull(),
    scheduledAt: t.bigint().notNull(),
    /** From when it can be executed. */
    readyAt: t.bigint().notNull(),
    executedAt: t.bigint(),
    cancelledAt: t.bigint(),
    ...origin(t),
  }),
  (table) => ({ byStatus: index().on(table.status, table.readyAt) }),
);

/** The calls of an operation, in their order. */
export const timelockCall = onchainTable(
  "timelock_calls_rows",
  (t) => ({
    timelockOperationId: t.hex().notNull(),
    index: t.integer().notNull(),
    target: t.hex().notNull(),
    /** In wei. */
    value: t.bigint().notNull(),
    data: t.hex().notNull(),
    ...origin(t),
  }),
  (table) => ({ pk: primaryKey({ columns: [table.timelockOperationId, table.index] }) }),
);
