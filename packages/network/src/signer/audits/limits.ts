import { TU } from "@turingfog/sdk";

/** A claim as far as it decides what is paid. */
export interface AuditedClaim {
  nodeId: bigint;
  round: bigint;
  startHash: string;
  endHash: string;
  images: bigint;
  /** `waiting` for its draw or its recomputation, `not-drawn`, found to be `right`, or `false`. */
  audit: "waiting" | "not-drawn" | "right" | "false";
}

/** What an order's claims are judged by. */
export interface AuditTerms {
  imagesPerTU: bigint;
  /** The last round of the plan. */
  rounds: bigint;
  /** Whether the order has ended: nothing is claimed any more. */
  isOver: boolean;
}

/**
 * Returns the TU, 18 decimals, of a worker's rounds that may enter a receipt: of those before its last round that was audited
 * and right, if no earlier one still waits for its audit. The last round of all counts once it is right itself.
 * @param all claims of the order, of all its workers
 */
export function auditedTU(nodeId: bigint, all: readonly AuditedClaim[], terms: AuditTerms): bigint {
  const own = all.filter((each) => each.nodeId === nodeId).sort((a, b) => (a.round < b.round ? -1 : 1));
  const waiting = own.findIndex(({ audit }) => audit === "waiting");
  const decided = waiting === -1 ? own : own.slice(0, waiting);
  const last = decided.map(({ audit }) => audit).lastIndexOf("right");
  if (last === -1) return 0n;
  const isEnd = last === own.length - 1 && (terms.isOver || own[last].round === terms.rounds);
  const used = usedStarts(all);
  const counted = decided.slice(0, isEnd ? last + 1 : last).filter(used);
  return (counted.reduce((sum, { images }) => sum + images, 0n) * TU) / terms.imagesPerTU;
}

/**
 * Returns what says whether a claim's round began with weights that the run went on with: those that most workers claim to
 * have begun with or, if there is one worker alone, its own weights at the end of the round before.
 */
export function usedStarts(all: readonly AuditedClaim[]): (claim: AuditedClaim) => boolean {
  const votes = new Map<string, number>();
  const most = new Map<bigint, number>();
  const ends = new Map<bigint, string>();
  for (const { round, startHash, endHash } of all) {
    const key = `${round} ${startHash}`;
    const count = (votes.get(key) ?? 0) + 1;
    votes.set(key, count);
    most.set(round, Math.max(count, most.get(round) ?? 0));
    ends.set(round, endHash);
  }
  const isAlone = new Set(all.map(({ nodeId }) => nodeId)).size === 1;
  return ({ round, startHash }) => {
    if (isAlone) return round === 1n || ends.get(round - 1n) === startHash;
    return votes.get(`${round} ${startHash}`) === most.get(round);
  };
}
