/** What the chain says of an order; see `Order` in IComputeEscrow.sol. */
export interface RuledOrder {
  orderId: bigint;
  /** 0 if the order is a joint one. */
  nodeId: bigint;
  /** TU that were ordered, 18 decimals. */
  tuAmount: bigint;
  /** Unix seconds, as all times. */
  startedAt: bigint;
  endsAt: bigint;
  closed: boolean;
  /** Zero if the order came without a job. */
  jobHash: string;
  /** All TU, 18 decimals, that were settled by acknowledgement. */
  acknowledgedTU: bigint;
}

export interface RuledNode {
  nodeId: bigint;
  /** TU per day, 18 decimals. */
  ratePerDay: bigint;
  /** The times from `from` to `until`, both included, in which the node was attested. */
  attestations: readonly { from: bigint; until: bigint }[];
}

/** A document of a node, as far as its meter key goes. */
export interface RuledDocument {
  sequence: bigint;
  meterKey: string;
  expiresAt: bigint;
  /** When the signer first saw it. */
  firstSeen: bigint;
  /** When the node went from the owner who signed it to another; undefined if it did not. */
  ownedUntil?: bigint;
  /** Whether its owner signed another one of the same sequence. */
  isVoid?: boolean;
}

/** A reading that a signer has taken: its signature was checked, and its signer is known. */
export interface RuledReading {
  sequence: bigint;
  cumulativeTU: bigint;
  measuredAt: bigint;
  /** The SHA-256 of the line behind it. */
  evidence: string;
  /** Digest of the reading, and of the one before. */
  digest: string;
  previous: string;
  /** The account whose key has signed it. */
  meterKey: string;
}

/** All readings of one node on one order, by their sequence. */
export interface RuledChain {
  orderId: bigint;
  nodeId: bigint;
  readings: readonly RuledReading[];
}

/** Outcome of a challenge that was given to a node. */
export interface RuledChallenge {
  /** When it was given. */
  at: bigint;
  passed: boolean;
}

/** A receipt of a chain that the signer has signed, of a root that was not vetoed. */
export interface RuledReceipt {
  measuredAt: bigint;
  /** Ascends with the files in which receipts were signed. */
  batch: bigint;
}

/** What a signer knows beside the readings. */
export interface Facts {
  order(orderId: bigint): RuledOrder | undefined;
  node(nodeId: bigint): RuledNode | undefined;
  documents(nodeId: bigint): readonly RuledDocument[];
  challenges(nodeId: bigint): readonly RuledChallenge[];
  /** Says whether the node is stopped, because it signed two readings of one sequence. */
  isStopped(nodeId: bigint): boolean;
  /** Says whether the result that a reading's evidence names lies where it can be had. */
  hasResult(orderId: bigint, nodeId: bigint, reading: RuledReading): boolean;
  /** What the audits of joint training let be paid; undefined of an order that trains nothing. */
  audited(orderId: bigint, nodeId: bigint): { limitTU: bigint; reason: Reason } | undefined;
  /** Receipts of a chain that were signed before. */
  signed(orderId: bigint, nodeId: bigint): readonly RuledReceipt[];
  /** Says whether receipts of the chain were vetoed, and stay out until a person clears them. */
  isVetoed(orderId: bigint, nodeId: bigint): boolean;
}

/** Why a reading, or the rest of a chain, does not count. */
export type Reason =
  | "unknown-order"
  | "closed-order"
  | "unknown-node"
  | "other-node"
  | "not-attested"
  | "stopped-node"
  | "vetoed"
  | "no-document"
  | "before-start"
  | "after-end"
  | "broken-chain"
  | "falling-tu"
  | "too-soon"
  | "unchallenged"
  | "failed-challenge"
  | "over-rate"
  | "over-order"
  | "held-back"
  | "unaudited"
  | "false-claim"
  | "no-readings"
  | "unknown-reading";

/** A reading that a receipt can be made of. */
export interface Point {
  sequence: bigint;
  measuredAt: bigint;
  digest: string;
  /** The TU that count until here, 18 decimals. */
  countedTU: bigint;
  /** Why less counts than the reading says; undefined if all counts. */
  cut?: Reason;
}

/** What counts of one chain. */
export interface Verdict {
  orderId: bigint;
  nodeId: bigint;
  /** By sequence; none if nothing counts. */
  points: readonly Point[];
  /** Why the readings after the last point do not count, or the whole chain; undefined if there are none. */
  refused?: Reason;
}
