/** A step of a sequence, as counterexamples list it. All that it names exists in every world, or is picked from what does. */

/** Which of the things there are, counted from 0 and beginning anew at their number; null for one that does not exist. */
export type Pick = number | null;

/** When a step comes: so many seconds after the one before, or at a moment that matters, give or take a second. */
export type When = { after: number } | { at: Moment; pick: number; offset: number };

/** `epoch` is the next epoch's start, `counts` when an attestation counts, `writeOff` when a lot can be written off. */
export type Moment = "final" | "end" | "closable" | "counts" | "lapse" | "thaw" | "nextFreeze" | "epoch" | "writeOff";

export type AssetName = "tft" | "usd" | "dai" | "aux" | "wide";

/** By what a set of signatures falls short, if at all. */
export type Flaw =
  | "none"
  | "all sign"
  | "too few"
  | "descending"
  | "duplicate"
  | "outsider"
  | "stale version"
  | "other message"
  | "other key";

export interface ReceiptStep {
  order: Pick;
  /** Null for the order's own node, or the first one on a joint order. */
  node: number | null;
  /** Of the order's TU. */
  percent: number;
  /** Base units of TU on top. */
  extra: number;
  /** Measured now, at the order's start or end, this much of a thousand between start and now; seconds later. */
  measured: "now" | "start" | "end" | number;
  offset: number;
}

/** What one order buys. */
export interface OrderStep {
  node: number | "joint" | null;
  asset: AssetName;
  tuAmount: bigint;
  maxUnitPrice: bigint;
  /** Charge what the node lists, when it lists anything, and this much more at the most. */
  aboveListing: bigint | null;
  duration: bigint;
  renter: string;
  refundTo: string;
  paymentRef: number;
  reuse: ReuseStep;
}

/** Whose place an order is to take over: one that is closed, and has been taken over or not. */
export interface ReuseStep {
  of: "none" | "closed" | "taken over" | "open" | "unknown" | "other asset";
  /** Which of these, the latest first. */
  pick: number;
}

export const NO_REUSE: ReuseStep = { of: "none", pick: 0 };

export interface AcknowledgementStep {
  order: Pick;
  /** Of the order's TU. */
  percent: number;
  /** Base units of TU on top. */
  extra: number;
  /** Null for who would be refunded. */
  signer: string | null;
  signature: "valid" | "of other TU" | "short" | "empty";
}

/** Accounts are named as in `System.accounts`; amounts are base units. */
export type Action =
  | { do: "wait" }
  | { do: "transferToken"; asset: AssetName; from: string; to: string; amount: bigint }
  | { do: "approveToken"; asset: AssetName; owner: string; spender: "escrow" | "controller"; amount: bigint }
  | { do: "registerNode"; owner: string; gpuModel: string; gpuCount: bigint; payout: string }
  | { do: "setPayout"; node: Pick; caller: string | null; payout: string }
  | { do: "setListing"; node: Pick; caller: string | null; asset: AssetName; unitPrice: bigint; capacityTU: bigint }
  | { do: "attestNode"; node: Pick; from: "now" | "lapse"; seconds: number; flaw: Flaw }
  | { do: "revokeNode"; node: Pick; caller: string | null }
  | { do: "setMetadataURI"; node: Pick; caller: string | null }
  | { do: "transferNode"; node: Pick; caller: string | null; to: string }
  | { do: "acceptNode"; node: Pick; caller: string | null }
  | { do: "vetoRating"; gpuModel: string; caller: string | null }
  | { do: "attestRating"; gpuModel: string; imagesPerSecondE3: bigint[]; flaw: Flaw }
  | ({
      do: "openOrder";
      payer: string;
      permit: "none" | "valid" | "expired" | "other signer" | "used";
    } & OrderStep)
  | { do: "openOrders"; payer: string; orders: OrderStep[] }
  | { do: "transferOrder"; order: Pick; caller: string | null; from: string | null; to: string }
  | { do: "approveOrder"; order: Pick; caller: string | null; to: string }
  | { do: "stop"; order: Pick; caller: string | null }
  | { do: "close"; order: Pick; caller: string }
  | { do: "submit"; receipts: ReceiptStep[]; flaw: Flaw; hash: "given" | "zero root" | "zero data" }
  | { do: "resubmit"; root: number; flaw: Flaw }
  | { do: "settle"; root: Pick; asset: AssetName | "matching"; leaves: number; proof: "valid" | "tampered" | "empty" }
  /** Of the asset of the first one's order, or another. The caller is who would be refunded for it, or another. */
  | { do: "acknowledge"; asset: AssetName | "matching"; caller: string | null; acknowledgements: AcknowledgementStep[] }
  | { do: "veto"; root: Pick; caller: string | null }
  | { do: "freeze"; caller: string | null }
  | { do: "thaw"; caller: string | null }
  | { do: "setSigners"; caller: string | null; members: string[]; quorum: number; order: "ascending" | "descending" }
  | { do: "setGuardian"; caller: string | null; guardian: string }
  /** At 0 an asset that was delisted is listed again, if there is one. */
  | { do: "listAsset"; caller: string | null; asset: AssetName; referencePrice: bigint }
  | { do: "delistAsset"; caller: string | null; asset: AssetName }
  | { do: "setOperations"; caller: string | null; treasury: string; share: bigint }
  | { do: "payOperations"; caller: string }
  | { do: "burn"; caller: string; roundOffset: number }
  | {
      do: "buy";
      buyer: string;
      /** One that has a lot, the oldest first, if any has. */
      asset: AssetName | "lot";
      /** Of what remains, in parts of ten thousand, or such that 1 % of the lot is left. Base units on top. */
      share: number | "all but 1 %";
      extra: bigint;
      roundOffset: number;
      limit: "any" | "exact" | "below";
      to: string;
    }
  | { do: "writeOff"; caller: string; asset: AssetName | "lot"; roundOffset: number }
  | { do: "claim"; miner: string; buckets: Pick[]; to: string }
  | { do: "claimFor"; caller: string; miner: string; buckets: Pick[] }
  | { do: "setRecipient"; miner: string; to: string }
  | { do: "trespass"; caller: string; entry: Entry };

/** Entries that only a contract of the protocol may use. */
export type Entry =
  | "tft.burn"
  | "vault.release"
  | "registry.reserve"
  | "pool.addWeights"
  | "pool.addReward"
  | "controller.createAuction"
  | "escrow.setFreeze";

export interface ModelStep {
  when: When;
  action: Action;
}

/** A sequence: where it starts and what happens then. */
export interface Script {
  start: StartName;
  steps: ModelStep[];
}

/** Genesis, a little before E1 and E2, and long after. */
export const START_NAMES = ["genesis", "beforeE1", "beforeE2", "mature"] as const;
export type StartName = (typeof START_NAMES)[number];

/** Scripts as JSON, where a bigint is a string of digits that ends in n. */
export function writeScript(script: Script): string {
  return JSON.stringify(script, (_key, value: unknown) => (typeof value === "bigint" ? `${value}n` : value), 2);
}

/** @throws SyntaxError when the text is not JSON */
export function readScript(text: string): Script {
  return JSON.parse(text, (_key, value: unknown) =>
    typeof value === "string" && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as Script;
}
