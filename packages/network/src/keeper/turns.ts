import { max, min } from "@turingfog/sdk";

/** Delays after which something is done at the latest, however much of its kind others do meanwhile. */
const MOST_DELAYS = 10n;

/**
 * Leaves acts of one kind to others: each for a delay, and for as long as others are at it, so that two keepers do not go
 * through the same list side by side. All times are unix seconds.
 */
export class Turns {
  /** When each act was first due, by its description. */
  private readonly left = new Map<string, bigint>();
  private readonly seen = new Set<string>();
  /** When somebody else was last seen to have done one. */
  private othersAt = 0n;

  /** @param delay seconds */
  constructor(private readonly delay: bigint) {}

  /** Notes that something is due, and tells whether it is this keeper's turn to do it. */
  isOurs(description: string, now: bigint): boolean {
    const since = this.left.get(description) ?? now;
    this.left.set(description, since);
    this.seen.add(description);
    const latest = since + (MOST_DELAYS - 1n) * this.delay;
    return now - max(since, min(this.othersAt, latest)) >= this.delay;
  }

  /**
   * Notes that something is done.
   * @param othersAt when it was seen that others have done it; left out if this keeper has
   */
  done(description: string, othersAt?: bigint): void {
    if (this.left.delete(description) && othersAt !== undefined) this.othersAt = othersAt;
  }

  /** Leaves what was due before and has a text in its description, as nobody knows whether it still is. */
  keep(part: string): void {
    for (const description of this.left.keys()) if (description.includes(part)) this.seen.add(description);
  }

  /** Ends a look at all that is due: what was due before and is no more, others have done. */
  end(now: bigint): void {
    for (const description of this.left.keys()) if (!this.seen.has(description)) this.done(description, now);
    this.seen.clear();
  }
}
