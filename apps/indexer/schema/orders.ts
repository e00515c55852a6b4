import { index, onchainTable, primaryKey } from "ponder";

import { origin } from "./origin";

/** Every order ever opened, with what was settled on it. */
export const order = onchainTable(
  "orders_rows",
  (t) => ({
    id: t.bigint().primaryKey(),
    status: t.text({ enum: ["open", "closed"] }).notNull(),
    /** The node's id; 0 for a joint order. */
    nodeId: t.bigint().notNull(),
    payer: t.hex().notNull(),
    /** Who received the order's token first. */
    renter: t.hex().notNull(),
    /** Who holds the token; who held it last, once the order is closed. */
    holder: t.hex().notNull(),
    asset: t.hex().notNull(),
    tuAmount: t.bigint().notNull(),
    unitPrice: t.bigint().notNull(),
    deposit: t.bigint().notNull(),
    tuSettled: t.bigint().notNull(),
    /** Part of the deposit that has left for the buyback. */
    earned: t.bigint().notNull(),
    startedAt: t.bigint().notNull(),
    endsAt: t.bigint().notNull(),
    /** When its holder stopped it, if they did. */
    stoppedAt: t.bigint(),
    lastSettledAt: t.bigint(),
    closedAt: t.bigint(),
    /** Who is refunded if not the holder; zero for the holder. */
    refundTo: t.hex().notNull(),
    refundedTo: t.hex(),
    refund: t.bigint(),
    jobHash: t.hex().notNull(),
    paymentRef: t.hex().notNull(),
    /** Transfers of the token after it was minted. */
    transfers: t.integer().notNull(),
    ...origin(t),
  }),
  (table) => ({
    byStatus: index().on(table.status, table.startedAt),
    byStart: index().on(table.startedAt),
    byEnd: index().on(table.endsAt),
    byNode: index().on(table.nodeId, table.startedAt),
    byHolder: index().on(table.holder, table.startedAt),
    byPayer: index().on(table.payer, table.startedAt),
    byAsset: index().on(table.asset, table.startedAt),
    byAmount: index().on(table.tuAmount),
    byJob: index().on(table.jobHash),
  }),
);

/** What each node has delivered on each order. */
export const orderNode = onchainTable(
  "order_nodes_rows",
  (t) => ({
    orderId: t.bigint().notNull(),
    nodeId: t.bigint().notNull(),
    tuSettled: t.bigint().notNull(),
    earned: t.bigint().notNull(),
    ...origin(t),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.orderId, table.nodeId] }),
    byNode: index().on(table.nodeId),
  }),
);

/** Transfers of the orders' tokens; from zero when one is minted, to zero when it is burned. */
export const orderTransfer = onchainTable(
  "order_transfers_rows",
  (t) => ({
    id: t.text().primaryKey(),
    orderId: t.bigint().notNull(),
    from: t.hex().notNull(),
    to: t.hex().notNull(),
    ...origin(t),
  }),
  (table) => ({
    byOrder: index().on(table.orderId, table.id),
    bySender: index().on(table.from, table.id),
    byRecipient: index().on(table.to, table.id),
  }),
);

/** Receipts and acknowledgements that raised what an order owes its node. */
export const settlement = onchainTable(
  "settlements_rows",
  (t) => ({
    id: t.text().primaryKey(),
    kind: t.text({ enum: ["receipt", "acknowledgement"] }).notNull(),
    orderId: t.bigint().notNull(),
    nodeId: t.bigint().notNull(),
    asset: t.hex().notNull(),
    payout: t.hex().notNull(),
    /** All TU settled: for the node on the order by a receipt, on the order by an acknowledgement. */
    tuSettled: t.bigint().notNull(),
    earned: t.bigint().notNull(),
    /** The bucket that it was earned in; null if all that was settled in one call earned nothing. */
    bucketId: t.bigint(),
    ...origin(t),
  }),
  (table) => ({
    byOrder: index().on(table.orderId, table.id),
    byNode: index().on(table.nodeId, table.id),
    byPayout: index().on(table.payout, table.id),
    byBucket: index().on(table.bucketId),
    byTransaction: index().on(table.transactionHash),
  }),
);

/** Receipts and acknowledgements that were passed over. */
export const skip = onchainTable(
  "skips_rows",
  (t) => ({
    id: t.text().primaryKey(),
    kind: t.text({ enum: ["receipt", "acknowledgement"] }).notNull(),
    orderId: t.bigint().notNull(),
    /** Null for an acknowledgement. */
    nodeId: t.bigint(),
    /** `SkipReason` of IComputeEscrow.sol, by its number and its name. */
    reason: t.integer().notNull(),
    reasonName: t.text().notNull(),
    ...origin(t),
  }),
  (table) => ({
    byOrder: index().on(table.orderId, table.id),
    byNode: index().on(table.nodeId, table.id),
  }),
);

/** The assets that orders were ever taken in, with the escrow's accounts. */
export const asset = onchainTable("assets_rows", (t) => ({
  address: t.hex().primaryKey(),
  /** The index that the ids of its orders carry. */
  index: t.integer().notNull(),
  isListed: t.boolean().notNull(),
  decimals: t.integer().notNull(),
  /** As the token calls itself, which anybody can choose: at most 32 characters; null if it does not say. */
  symbol: t.text(),
  /** Of its auction now; null for TFT, which is not sold. */
  referencePrice: t.bigint(),
  paidIn: t.bigint().notNull(),
  earned: t.bigint().notNull(),
  refunded: t.bigint().notNull(),
  /** paidIn − earned − refunded: what the escrow owes. */
  liabilities: t.bigint().notNull(),
  orders: t.integer().notNull(),
  openOrders: t.integer().notNull(),
  /** The last round that has weight; 0 for none. */
  latestRound: t.bigint().notNull(),
  ...origin(t),
}));
