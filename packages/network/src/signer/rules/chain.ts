import { max } from "@turingfog/sdk";
import { READING_INTERVAL } from "@turingfog/sdk/wire";
import type {
  Facts,
  Reason,
  RuledChain,
  RuledChallenge,
  RuledDocument,
  RuledNode,
  RuledOrder,
  RuledReading,
} from "./facts.js";

const ZERO_HASH = `0x${"00".repeat(32)}`;

/** What a node has delivered on an order between two readings. */
export interface Segment {
  /** The reading at its end. */
  reading: RuledReading;
  from: bigint;
  /** TU of it that may count, 18 decimals. */
  claimedTU: bigint;
  /** Why that is not all that the reading says. */
  cut?: Reason;
}

/** The part of a chain that may count, before it is compared with other chains. */
export interface Admitted {
  order: RuledOrder;
  node: RuledNode;
  segments: Segment[];
  refused?: Reason;
}

/** Checks a chain by all rules that concern it alone. */
export function admit(chain: RuledChain, facts: Facts): Admitted | Reason {
  const order = facts.order(chain.orderId);
  if (order === undefined) return "unknown-order";
  if (order.closed) return "closed-order";
  const node = facts.node(chain.nodeId);
  if (node === undefined) return "unknown-node";
  if (order.nodeId !== 0n && order.nodeId !== chain.nodeId) return "other-node";
  if (order.nodeId === 0n && !isAttested(node, order.startedAt)) return "not-attested";
  if (facts.isStopped(chain.nodeId)) return "stopped-node";
  if (facts.isVetoed(chain.orderId, chain.nodeId)) return "vetoed";
  return { order, node, ...segmentsOf(chain, order, node, facts) };
}

function segmentsOf(
  chain: RuledChain,
  order: RuledOrder,
  node: RuledNode,
  facts: Facts,
): { segments: Segment[]; refused?: Reason } {
  const documents = facts.documents(chain.nodeId);
  const challenges = facts.challenges(chain.nodeId);
  const failures = failuresOf(challenges);
  const passedUntil = challenges.reduce((latest, { at, passed }) => (passed ? max(latest, at) : latest), -1n);
  const segments: Segment[] = [];
  for (const reading of chain.readings) {
    const last = segments.at(-1)?.reading;
    const refused =
      breakOf(reading, last) ??
      (reading.measuredAt < order.startedAt ? "before-start" : undefined) ??
      (reading.measuredAt > order.endsAt ? "after-end" : undefined) ??
      (keysInForce(documents, reading.measuredAt).includes(reading.meterKey) ? undefined : "no-document") ??
      (reading.measuredAt > passedUntil ? "unchallenged" : undefined);
    if (refused !== undefined) return { segments, refused };

    const from = last?.measuredAt ?? order.startedAt;
    const failed = failures.some((failure) => failure.from < reading.measuredAt && from < failure.until);
    const cut = isAttested(node, reading.measuredAt) ? (failed ? "failed-challenge" : undefined) : "not-attested";
    const claimedTU = cut === undefined ? reading.cumulativeTU - (last?.cumulativeTU ?? 0n) : 0n;
    segments.push({ reading, from, claimedTU, cut });
  }
  return { segments };
}

/** Returns how a reading fails to continue its chain. */
function breakOf(reading: RuledReading, last: RuledReading | undefined): Reason | undefined {
  if (reading.sequence !== (last?.sequence ?? 0n) + 1n) return "broken-chain";
  if (reading.previous !== (last?.digest ?? ZERO_HASH)) return "broken-chain";
  if (last === undefined) return undefined;
  if (reading.cumulativeTU < last.cumulativeTU) return "falling-tu";
  return reading.measuredAt < last.measuredAt + READING_INTERVAL ? "too-soon" : undefined;
}

/**
 * Returns the meter keys in force at a time: those of documents by who owned the node then, which were neither void nor
 * expired, nor replaced by one of a higher sequence that the signer had seen by then.
 */
export function keysInForce(documents: readonly RuledDocument[], time: bigint): string[] {
  const ofOwner = documents.filter(({ ownedUntil }) => ownedUntil === undefined || time < ownedUntil);
  const replacing = ofOwner.reduce(
    (most, { sequence, firstSeen }) => (firstSeen < time ? max(most, sequence) : most),
    0n,
  );
  return ofOwner
    .filter(({ sequence, expiresAt, isVoid }) => sequence >= replacing && time < expiresAt && isVoid !== true)
    .map(({ meterKey }) => meterKey);
}

function isAttested({ attestations }: RuledNode, time: bigint): boolean {
  return attestations.some(({ from, until }) => from <= time && time <= until);
}

/** A time that does not count, because a challenge at its end was failed: back to the one that was passed before. */
interface Failure {
  from: bigint;
  until: bigint;
}

function failuresOf(challenges: readonly RuledChallenge[]): Failure[] {
  const failures: Failure[] = [];
  let from = 0n;
  for (const { at, passed } of [...challenges].sort((a, b) => (a.at < b.at ? -1 : 1))) {
    if (passed) from = at;
    else failures.push({ from, until: at });
  }
  return failures;
}
