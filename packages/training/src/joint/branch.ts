import type { Closing, RoundClaim, Signed, StoppedWorker } from "@turingfog/sdk/wire";

/** What all workers of a run begin with. */
export interface JointStart {
  orderId: bigint;
  /** The hash of the weights that the plan begins with. */
  startHash: string;
}

/** Returns the hash of the weights that the round after some rounds begins with. */
export function startAfter({ startHash }: JointStart, closings: readonly Closing[]): string {
  return closings.at(-1)?.endHash ?? startHash;
}

/** Returns the attempt that follows some rounds. */
export function attemptAfter(closings: readonly Closing[]): bigint {
  return closings.at(-1)?.attempt ?? 0n;
}

/** Returns the workers that take no part after some rounds. */
export function stoppedAfter(closings: readonly Closing[]): Set<bigint> {
  return new Set(closings.flatMap(({ stopped }) => stopped.map(({ nodeId }) => nodeId)));
}

/**
 * Returns the coordinator of an attempt: number (order + attempt) mod count of the workers.
 * @param workers in ascending order, at least one
 */
export function coordinatorOf(orderId: bigint, attempt: bigint, workers: readonly bigint[]): bigint {
  return workers[Number((orderId + attempt) % BigInt(workers.length))];
}

/** What a coordinator closes a round by. */
export interface RoundEnd {
  attempt: bigint;
  claims: readonly Signed<RoundClaim>[];
  /** The hash of the trimmed mean of what is claimed. */
  meanHash: string;
  stopped: readonly StoppedWorker[];
}

/** Returns the closing of the round after some rounds. */
export function closingOf(start: JointStart, before: readonly Closing[], end: RoundEnd): Closing {
  const { attempt, meanHash } = end;
  const claims = [...end.claims].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  const stopped = [...end.stopped].sort((a, b) => (a.nodeId < b.nodeId ? -1 : 1));
  const startHash = startAfter(start, before);
  const round = BigInt(before.length + 1);
  const endHash = stopped.length === 0 ? meanHash : checkpointOf(start, before, stopped);
  return { orderId: start.orderId, round, attempt, startHash, endHash, claims, stopped };
}

/** Returns the hash of the weights that training goes back to: those before the first false round. */
function checkpointOf(start: JointStart, before: readonly Closing[], stopped: readonly StoppedWorker[]): string {
  const first = stopped.reduce((least, { round }) => (round < least ? round : least), stopped[0].round);
  return startAfter(start, before.slice(0, Number(first) - 1));
}

/**
 * Returns what is wrong with a closing that is to follow some rounds; undefined if nothing is. That its end is the mean of
 * what is claimed takes the claimed weights, and is not checked here.
 * @param isSigned says whether a claim is signed by its worker
 */
export function faultOf(
  start: JointStart,
  before: readonly Closing[],
  closing: Closing,
  isSigned: (claim: Signed<RoundClaim>) => boolean,
): string | undefined {
  const round = BigInt(before.length + 1);
  const expected = { orderId: start.orderId, round, startHash: startAfter(start, before) };
  for (const key of ["orderId", "round", "startHash"] as const) {
    if (closing[key] !== expected[key]) return `${key} is ${closing[key]}, expected ${expected[key]}`;
  }
  if (closing.attempt < attemptAfter(before)) {
    return `attempt is ${closing.attempt}, expected at least ${attemptAfter(before)}`;
  }
  return claimFault(before, closing, isSigned) ?? stopFault(start, before, closing);
}

function claimFault(
  before: readonly Closing[],
  { orderId, round, startHash, claims }: Closing,
  isSigned: (claim: Signed<RoundClaim>) => boolean,
): string | undefined {
  const stopped = stoppedAfter(before);
  for (const [i, claim] of claims.entries()) {
    const { nodeId } = claim;
    const isOfRound = claim.orderId === orderId && claim.round === round && claim.startHash === startHash;
    if (!isOfRound) return `the claim of node ${nodeId} is not of this round and start`;
    if (i > 0 && claims[i - 1].nodeId >= nodeId) return `node ${nodeId} is not in its place, expected ascending ids`;
    if (stopped.has(nodeId)) return `node ${nodeId} was stopped`;
    if (!isSigned(claim)) return `the claim of node ${nodeId} is not signed by its meter key`;
  }
  return undefined;
}

function stopFault(start: JointStart, before: readonly Closing[], closing: Closing): string | undefined {
  const all = [...before, closing];
  const earlier = stoppedAfter(before);
  for (const { nodeId, round } of closing.stopped) {
    const claimed = all.at(Number(round) - 1)?.claims ?? [];
    if (round === 0n || !claimed.some((claim) => claim.nodeId === nodeId)) {
      return `node ${nodeId} is stopped for round ${round}, in which it claimed nothing`;
    }
    if (earlier.has(nodeId)) return `node ${nodeId} was stopped before`;
    earlier.add(nodeId);
  }
  if (closing.stopped.length === 0) return undefined;
  const checkpoint = checkpointOf(start, before, closing.stopped);
  return closing.endHash === checkpoint ? undefined : `endHash is ${closing.endHash}, expected ${checkpoint}`;
}

/**
 * Returns whether another branch goes on in place of the own one: it has more signed claims since they part or, of equally
 * many, the lower end of the first round that differs. A branch that the own one continues never does.
 */
export function goesOn(other: readonly Closing[], own: readonly Closing[]): boolean {
  const fork = forkOf(other, own);
  if (fork === other.length) return false;
  if (fork === own.length) return true;
  const [theirs, ours] = [votesFrom(other, fork), votesFrom(own, fork)];
  return theirs === ours ? other[fork].endHash < own[fork].endHash : theirs > ours;
}

/** Returns how many rounds two branches have in common. */
export function forkOf(other: readonly Closing[], own: readonly Closing[]): number {
  const differs = other.findIndex(({ endHash, startHash }, i) => {
    const mine = own.at(i);
    return mine === undefined || mine.endHash !== endHash || mine.startHash !== startHash;
  });
  return differs === -1 ? other.length : differs;
}

function votesFrom(branch: readonly Closing[], from: number): number {
  return branch.slice(from).reduce((sum, { claims }) => sum + claims.length, 0);
}
