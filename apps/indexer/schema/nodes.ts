import { index, onchainTable, primaryKey } from "ponder";

import { origin } from "./origin";

/** Every node, with its last attestation. */
export const node = onchainTable(
  "nodes_rows",
  (t) => ({
    id: t.bigint().primaryKey(),
    owner: t.hex().notNull(),
    /** Who may become its owner; zero for nobody. */
    pendingOwner: t.hex().notNull(),
    payout: t.hex().notNull(),
    gpuModel: t.hex().notNull(),
    /** The model's name; null if only its hash is known. */
    gpuModelName: t.text(),
    gpuCount: t.integer().notNull(),
    /** TU a day, 18 decimals: the model's rating times the count. */
    ratePerDay: t.bigint().notNull(),
    metadataURI: t.text().notNull(),
    registeredAt: t.bigint().notNull(),
    /** From and until when its last attestation counts; 0 for none, and once it was revoked before it counted. */
    attestedFrom: t.bigint().notNull(),
    attestedUntil: t.bigint().notNull(),
    /** Number of orders on it, and TU settled for it on all orders. */
    orders: t.integer().notNull(),
    tuSettled: t.bigint().notNull(),
    ...origin(t),
  }),
  (table) => ({
    byOwner: index().on(table.owner),
    byPayout: index().on(table.payout),
    byModel: index().on(table.gpuModelName),
    byRate: index().on(table.ratePerDay),
    byAttestation: index().on(table.attestedUntil),
  }),
);

/** Each attestation of a node. A renewal before it ends only moves its end. */
export const attestation = onchainTable(
  "attestations_rows",
  (t) => ({
    nodeId: t.bigint().notNull(),
    from: t.bigint().notNull(),
    until: t.bigint().notNull(),
    /** Hash of the node's last benchmark log. */
    evidence: t.hex().notNull(),
    revokedAt: t.bigint(),
    /** When a freeze or a rotation of the signers undid it before it counted. */
    undoneAt: t.bigint(),
    ...origin(t),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.nodeId, table.from] }),
    byStart: index().on(table.from),
  }),
);

/** What nodes offer, by asset. */
export const listing = onchainTable(
  "listings_rows",
  (t) => ({
    nodeId: t.bigint().notNull(),
    asset: t.hex().notNull(),
    /** 0 if it is not offered. */
    unitPrice: t.bigint().notNull(),
    /** TU still on offer; each order on the node lowers it. */
    capacityTU: t.bigint().notNull(),
    ...origin(t),
  }),
  (table) => ({
    pk: primaryKey({ columns: [table.nodeId, table.asset] }),
    byPrice: index().on(table.asset, table.unitPrice),
  }),
);

/** GPU models and their ratings. */
export const model = onchainTable("models_rows", (t) => ({
  gpuModel: t.hex().primaryKey(),
  /** Null if only its hash is known. */
  name: t.text(),
  /** TU a day of one GPU, 18 decimals; 0 once it was vetoed. */
  rating: t.bigint().notNull(),
  /** From when it counts. */
  from: t.bigint().notNull(),
  /** Hash of the measurements; zero for the ratings of genesis. */
  evidence: t.hex().notNull(),
  vetoedAt: t.bigint(),
  /** When a freeze or a rotation of the signers undid it before it counted. */
  undoneAt: t.bigint(),
  ...origin(t),
}));
