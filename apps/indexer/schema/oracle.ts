import { index, onchainTable } from "ponder";

import { origin } from "./origin";

/** Roots of receipts. One is pending until `finalAt` and final from then on, unless it was vetoed or has expired. */
export const root = onchainTable(
  "roots_rows",
  (t) => ({
    receiptsRoot: t.hex().primaryKey(),
    /** SHA-256 of the published receipt file. */
    dataHash: t.hex().notNull(),
    signerSetVersion: t.bigint().notNull(),
    submittedAt: t.bigint().notNull(),
    finalAt: t.bigint().notNull(),
    vetoedAt: t.bigint(),
    /** When a rotation of the signers ended it; null again once it was submitted anew. */
    expiredAt: t.bigint(),
    ...origin(t),
  }),
  (table) => ({ bySubmission: index().on(table.submittedAt), byEnd: index().on(table.finalAt) }),
);

/** Sets of oracle signers, each in force until the next. */
export const signerSet = onchainTable("signer_sets_rows", (t) => ({
  version: t.bigint().primaryKey(),
  signers: t.hex().array().notNull(),
  quorum: t.integer().notNull(),
  ...origin(t),
}));

/** Freezes of the network. */
export const freeze = onchainTable("freezes_rows", (t) => ({
  id: t.text().primaryKey(),
  from: t.bigint().notNull(),
  /** When it ends, or was ended. */
  until: t.bigint().notNull(),
  thawedAt: t.bigint(),
  ...origin(t),
}));
