/** How a round stands at one of its workers. Times are in milliseconds of a clock that nobody sets. */
export interface Turn {
  now: number;
  /** When this attempt began here. */
  since: number;
  /** How long a coordinator waits for stragglers; others wait three times as long for the coordinator. */
  patience: number;
  isCoordinator: boolean;
  /** Whether the coordinator answers, as far as it was asked. */
  isAnswering: boolean;
  /** Workers that answer and may claim, of the order. */
  present: readonly bigint[];
  /** Workers that have claimed the round. */
  claimed: readonly bigint[];
  /** The fewest workers whose claims close a round. */
  least: number;
}

/** The factor by which others wait longer for a coordinator than it waits for stragglers. */
const TAKEOVER = 3;

/**
 * Returns what a worker does: the coordinator closes the round once all that are present have claimed it, or with those that
 * have claimed it in time, if they are enough; another one takes the next attempt if the coordinator is silent, or late.
 */
export function moveOf(turn: Turn): "close" | "wait" | "next attempt" {
  const { now, since, patience, isCoordinator, isAnswering, present, claimed, least } = turn;
  const waited = now - since;
  if (isCoordinator && claimed.length >= least) {
    const isWhole = present.every((nodeId) => claimed.includes(nodeId));
    return isWhole || waited >= patience ? "close" : "wait";
  }
  return !isAnswering || waited >= TAKEOVER * patience ? "next attempt" : "wait";
}
