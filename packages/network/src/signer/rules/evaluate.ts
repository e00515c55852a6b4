import { max, min } from "@turingfog/sdk";
import type { MeteredReceipt } from "@turingfog/sdk/wire";
import { type Admitted, admit, type Segment } from "./chain.js";
import type { Facts, Point, Reason, RuledChain, RuledReceipt, Verdict } from "./facts.js";
import { type Claim, shareRate } from "./rate.js";

const ZERO_HASH = `0x${"00".repeat(32)}`;

/** After every batch. */
const NOT_SIGNED = 2n ** 64n;

/** A chain, its segments, and what counts of each so far. */
interface Counting extends Admitted {
  chain: RuledChain;
  counted: bigint[];
}

/**
 * Returns what counts of each chain, by the rules of metering (docs/operators/signer.md). It is a function of its input
 * alone: the same readings and facts make the same receipts, on every signer.
 * @param chains all that the signer knows, at most one of each order and node
 */
export function evaluate(chains: readonly RuledChain[], facts: Facts): Verdict[] {
  const verdicts: Verdict[] = [];
  const counting: Counting[] = [];
  for (const chain of chains) {
    const { orderId, nodeId } = chain;
    const admitted = chain.readings.length === 0 ? "no-readings" : admit(chain, facts);
    if (typeof admitted === "string") verdicts.push({ orderId, nodeId, points: [], refused: admitted });
    else counting.push({ ...admitted, chain, counted: [] });
  }
  for (const ofNode of groups(counting, ({ chain }) => chain.nodeId)) countWithinRate(ofNode, facts);
  for (const ofOrder of groups(counting, ({ chain }) => chain.orderId)) cutToOrder(ofOrder);
  return [...verdicts, ...counting.map((each) => verdictOf(each, facts))];
}

/** Returns the receipt of all that counts of a chain; undefined if nothing does. */
export function receiptOf({ orderId, nodeId, points }: Verdict): MeteredReceipt | undefined {
  const last = points.at(-1);
  if (last === undefined || last.countedTU === 0n) return undefined;
  const { measuredAt, countedTU, digest } = last;
  return { orderId, nodeId, cumulativeTU: countedTU, measuredAt, meterLogHash: digest };
}

/** What a signer has against a receipt, and the reading and TU that it would sign instead; zero if none. */
export interface Objection {
  reason: Reason;
  sequence: bigint;
  digest: string;
  cumulativeTU: bigint;
}

/**
 * Returns what stands against signing a receipt; undefined if nothing does.
 * @param verdict on the receipt's chain; undefined if the signer has no such chain
 */
export function objectionTo(receipt: MeteredReceipt, verdict: Verdict | undefined): Objection | undefined {
  const points = verdict?.points ?? [];
  const named = points.find(({ digest }) => digest === receipt.meterLogHash);
  const isSame = named !== undefined && named.measuredAt === receipt.measuredAt;
  if (isSame && receipt.cumulativeTU <= named.countedTU) return undefined;
  if (isSame) return { reason: named.cut ?? "over-rate", ...insteadOf(named) };

  const before = points.filter(({ measuredAt }) => measuredAt <= receipt.measuredAt).at(-1);
  const reason = verdict === undefined ? "no-readings" : (verdict.refused ?? "unknown-reading");
  return { reason, ...insteadOf(before) };
}

function insteadOf(point: Point | undefined): Omit<Objection, "reason"> {
  if (point === undefined) return { sequence: 0n, digest: ZERO_HASH, cumulativeTU: 0n };
  return { sequence: point.sequence, digest: point.digest, cumulativeTU: point.countedTU };
}

/** Counts what a node's chains have within its rate. What was settled by acknowledgement takes nothing of it. */
function countWithinRate(ofNode: readonly Counting[], facts: Facts): void {
  const [{ node }] = ofNode;
  const orders = ofNode.map(({ chain, order, segments }) => {
    const free = freeParts(segments, order.acknowledgedTU);
    const batchOf = firstBatches(facts.signed(chain.orderId, chain.nodeId));
    const timed: Claim[] = segments.map(({ from, reading: { measuredAt }, claimedTU }, i) => ({
      from,
      until: measuredAt,
      amount: claimedTU - free[i],
      rank: [batchOf(measuredAt), order.startedAt, order.orderId],
    }));
    return { free, timed };
  });
  const shares = shareRate(
    orders.map(({ timed }) => timed.filter(({ from, until }) => until > from)),
    node.ratePerDay,
  );
  ofNode.forEach((each, i) => {
    const { free, timed } = orders[i];
    const share = shares[i].values();
    each.counted = timed.map(({ from, until }, at) => free[at] + (until > from ? (share.next().value ?? 0n) : 0n));
  });
}

/** Returns the part of each segment that lies below the TU that were acknowledged. */
function freeParts(segments: readonly Segment[], acknowledgedTU: bigint): bigint[] {
  let left = acknowledgedTU;
  return segments.map(({ claimedTU }) => {
    const part = min(claimedTU, left);
    left -= part;
    return part;
  });
}

/**
 * Returns what tells the first batch in which a receipt covered a time. What was signed first keeps its place: a node could
 * otherwise sell its day again by readings of an older order that it hands in late. Times must be asked for in ascending
 * order: there may be a receipt for each of thousands of readings.
 */
function firstBatches(signed: readonly RuledReceipt[]): (time: bigint) => bigint {
  const descending = [...signed].sort((a, b) => (a.measuredAt > b.measuredAt ? -1 : 1));
  let first = NOT_SIGNED;
  // the last one covers the fewest times, all that come before it cover those too
  const left = descending.map(({ measuredAt, batch }) => ({ measuredAt, first: (first = min(first, batch)) }));
  return (time) => {
    while (left.length > 0 && left[left.length - 1].measuredAt < time) left.pop();
    return left.at(-1)?.first ?? NOT_SIGNED;
  };
}

/** Cuts what all nodes of an order count together to what was ordered: the latest first, by time, then node. */
function cutToOrder(ofOrder: readonly Counting[]): void {
  const [{ order }] = ofOrder;
  const all = ofOrder.flatMap((each) => each.segments.map(({ reading }, i) => ({ each, i, at: reading.measuredAt })));
  all.sort((a, b) => (a.at === b.at ? (a.each.chain.nodeId < b.each.chain.nodeId ? -1 : 1) : a.at < b.at ? -1 : 1));
  let left = order.tuAmount;
  for (const { each, i } of all) {
    const part = min(each.counted[i], left);
    if (part < each.counted[i]) each.segments[i].cut = "over-order";
    each.counted[i] = part;
    left -= part;
  }
}

function verdictOf(counting: Counting, facts: Facts): Verdict {
  const { chain, segments, counted, refused } = counting;
  const { orderId, nodeId } = chain;
  const { limit, reason } = limitOf(counting, facts);
  const points: Point[] = [];
  let sum = 0n;
  let cut: Reason | undefined;
  segments.forEach((segment, i) => {
    sum += counted[i];
    if (counted[i] < segment.claimedTU || segment.cut !== undefined) cut = segment.cut ?? "over-rate";
    const { sequence, measuredAt, digest } = segment.reading;
    // the escrow takes no receipt of a time at which the node is not attested
    if (segment.cut === "not-attested") return;
    points.push({ sequence, measuredAt, digest, countedTU: min(sum, limit), cut: sum > limit ? reason : cut });
  });
  return { orderId, nodeId, points, refused };
}

/** Returns the most TU of a chain that may be paid, and why no more: by its audits, or before its result can be had. */
function limitOf(counting: Counting, facts: Facts): { limit: bigint; reason: Reason } {
  const { orderId, nodeId } = counting.chain;
  const audited = facts.audited(orderId, nodeId);
  const limit = heldTo(counting, facts);
  if (audited === undefined || audited.limitTU > limit) return { limit, reason: "held-back" };
  return { limit: audited.limitTU, reason: audited.reason };
}

/** Returns the most TU of a chain that may be paid before its order's result lies where it can be had. */
function heldTo({ chain, order, segments }: Counting, facts: Facts): bigint {
  const last = segments.at(-1)?.reading;
  const isPromised = order.nodeId !== 0n && order.jobHash !== ZERO_HASH;
  if (!isPromised || last === undefined || facts.hasResult(order.orderId, chain.nodeId, last)) return order.tuAmount;
  return max((order.tuAmount * 9n) / 10n, order.acknowledgedTU);
}

function groups<T>(items: readonly T[], keyOf: (item: T) => bigint): T[][] {
  const found = new Map<bigint, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = found.get(key);
    if (group === undefined) found.set(key, [item]);
    else group.push(item);
  }
  return [...found.values()];
}
