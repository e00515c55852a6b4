import { bigint, hex, index, integer, onchainTable, onchainView, primaryKey, sql } from "ponder";

import { asset } from "./orders";
import { origin } from "./origin";

/** Rounds of an asset, which are the buckets of the reward pool. Lots are the closed ones of assets other than TFT. */
export const round = onchainTable(
  "rounds_rows",
  (t) => ({
    bucketId: t.bigint().primaryKey(),
    round: t.bigint().notNull(),
    asset: t.hex().notNull(),
    openedAt: t.bigint().notNull(),
    /** When it closes or has closed: then its clock starts as a lot. Null until the round before it is final. */
    closesAt: t.bigint(),
    finalAt: t.bigint(),
    isFinal: t.boolean().notNull(),
    /** Base units of the asset earned in it, and the part of them that was sold or burned. */
    weight: t.bigint().notNull(),
    sold: t.bigint().notNull(),
    /** TFT that was bought back with it. */
    proceeds: t.bigint().notNull(),
    /** Base units given up for good. */
    writtenOff: t.bigint().notNull(),
    /** The reference price that the lot was sold at; null until it is sold out. */
    referencePrice: t.bigint(),
    reward: t.bigint().notNull(),
    claimed: t.bigint().notNull(),
    miners: t.integer().notNull(),
    fills: t.integer().notNull(),
    ...origin(t),
  }),
  (table) => ({ byAsset: index().on(table.asset, table.round), byEnd: index().on(table.finalAt) }),
);

/** What each miner has earned in each bucket. */
export const weight = onchainTable(
  "weights_rows",
  (t) => ({
    bucketId: t.bigint().notNull(),
    miner: t.hex().notNull(),
    /** Base units of the asset earned, claimed or not. */
    weight: t.bigint().notNull(),
    /** TFT claimed for it, and when; null until it is claimed. */
    claimed: t.bigint().notNull(),
    claimedAt: t.bigint(),
    ...origin(t),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.bucketId, table.miner] }),
    byMiner: index().on(table.miner, table.bucketId),
  }),
);

/** Sales of lots, or of parts of them. */
export const fill = onchainTable(
  "fills_rows",
  (t) => ({
    id: t.text().primaryKey(),
    bucketId: t.bigint().notNull(),
    round: t.bigint().notNull(),
    asset: t.hex().notNull(),
    buyer: t.hex().notNull(),
    to: t.hex().notNull(),
    amount: t.bigint().notNull(),
    tftPaid: t.bigint().notNull(),
    /** TFT (18 decimals) per whole unit of the asset. */
    price: t.bigint().notNull(),
    ...origin(t),
  }),
  (table) => ({
    byBucket: index().on(table.bucketId, table.id),
    byAsset: index().on(table.asset, table.id),
    byBuyer: index().on(table.buyer, table.id),
  }),
);

/** Sales through our fillers, with what the caller has kept. */
export const fillerFill = onchainTable(
  "filler_fills_rows",
  (t) => ({
    id: t.text().primaryKey(),
    filler: t.hex().notNull(),
    bucketId: t.bigint().notNull(),
    round: t.bigint().notNull(),
    asset: t.hex().notNull(),
    caller: t.hex().notNull(),
    amount: t.bigint().notNull(),
    tftPaid: t.bigint().notNull(),
    /** Base units of the asset. */
    profit: t.bigint().notNull(),
    ...origin(t),
  }),
  (table) => ({ byCaller: index().on(table.caller, table.id), byBucket: index().on(table.bucketId) }),
);

/** Destructions of what was bought back, with the supply after each: the points of the supply's curves. */
export const destruction = onchainTable(
  "destructions_rows",
  (t) => ({
    id: t.text().primaryKey(),
    bucketId: t.bigint().notNull(),
    round: t.bigint().notNull(),
    asset: t.hex().notNull(),
    bought: t.bigint().notNull(),
    burned: t.bigint().notNull(),
    released: t.bigint().notNull(),
    operations: t.bigint().notNull(),
    reward: t.bigint().notNull(),
    /** `Phase` of SupplySchedule.sol after it. */
    phase: t.integer().notNull(),
    /** All that was ever bought back, burned and released, and the total supply, after it. */
    totalBought: t.bigint().notNull(),
    totalBurned: t.bigint().notNull(),
    totalReleased: t.bigint().notNull(),
    totalSupply: t.bigint().notNull(),
    ...origin(t),
  }),
  (table) => ({
    byBucket: index().on(table.bucketId, table.id),
    byTime: index().on(table.time),
    byBought: index().on(table.totalBought),
  }),
);

/** The supply, in one row whose id is that of the chain. TFT with 18 decimals. */
export const supply = onchainTable("supply_rows", (t) => ({
  id: t.integer().primaryKey(),
  total: t.bigint().notNull(),
  burned: t.bigint().notNull(),
  released: t.bigint().notNull(),
  /** What is left of the reserve. */
  reserve: t.bigint().notNull(),
  /** Total less reserve. */
  circulating: t.bigint().notNull(),
  /** `Phase` of SupplySchedule.sol. */
  phase: t.integer().notNull(),
  bought: t.bigint().notNull(),
  /** Rewards of all buckets, and what was claimed of them. */
  rewarded: t.bigint().notNull(),
  claimed: t.bigint().notNull(),
  /** What was kept for operations, and what of it was paid. */
  operations: t.bigint().notNull(),
  operationsPaid: t.bigint().notNull(),
  ...origin(t),
}));

/** Payments to the operations treasury. */
export const operationsPayment = onchainTable("operations_payments_rows", (t) => ({
  id: t.text().primaryKey(),
  treasury: t.hex().notNull(),
  amount: t.bigint().notNull(),
  ...origin(t),
}));

/** Claims of rewards. */
export const claim = onchainTable(
  "claims_rows",
  (t) => ({
    id: t.text().primaryKey(),
    miner: t.hex().notNull(),
    to: t.hex().notNull(),
    /** The buckets asked for, in decimal, of which some may have paid nothing. */
    bucketIds: t.text().array().notNull(),
    amount: t.bigint().notNull(),
    ...origin(t),
  }),
  (table) => ({ byMiner: index().on(table.miner, table.id), byRecipient: index().on(table.to, table.id) }),
);

/** Where `claimFor` pays a miner who has said so; zero for the miner. */
export const recipient = onchainTable("recipients_rows", (t) => ({
  miner: t.hex().primaryKey(),
  recipient: t.hex().notNull(),
  ...origin(t),
}));

/**
 * Lots: the rounds of assets that are auctioned, from when their closing time is known. One is for sale from `startedAt`
 * until nothing remains.
 */
export const lot = onchainView("lots", {
  bucketId: bigint("bucket_id").notNull(),
  round: bigint("round").notNull(),
  asset: hex("asset").notNull(),
  decimals: integer("decimals").notNull(),
  amount: bigint("amount").notNull(),
  remaining: bigint("remaining").notNull(),
  sold: bigint("sold").notNull(),
  writtenOff: bigint("written_off").notNull(),
  proceeds: bigint("proceeds").notNull(),
  startedAt: bigint("started_at").notNull(),
  finalAt: bigint("final_at"),
  /** That of the asset's auction until the lot is sold out, then the one that it was sold at. */
  referencePrice: bigint("reference_price").notNull(),
  fills: integer("fills").notNull(),
}).as(sql`
  select
    ${round.bucketId}, ${round.round}, ${round.asset}, ${asset.decimals}, ${round.weight} as amount,
    ${round.weight} - ${round.sold} - ${round.writtenOff} as remaining, ${round.sold}, ${round.writtenOff},
    ${round.proceeds}, ${round.closesAt} as started_at, ${round.finalAt},
    coalesce(${round.referencePrice}, ${asset.referencePrice}) as reference_price, ${round.fills}
  from ${round} join ${asset} on ${round.asset} = ${asset.address}
  where ${asset.referencePrice} is not null and ${round.closesAt} is not null`);
