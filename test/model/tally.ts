/** What has been done and compared. */
export interface Tally {
  commands: number;
  refused: number;
  /** Words of views, events and errors. */
  compared: number;
  /** How often each kind of command was carried out, or refused and why; an order by the place it was to take over. */
  outcomes: Record<string, number>;
  /** How often each event was emitted; receipts that were skipped by their reason, orders that took a place over. */
  events: Record<string, number>;
}

export function emptyTally(): Tally {
  return { commands: 0, refused: 0, compared: 0, outcomes: {}, events: {} };
}

/** One more of a kind. */
export function count(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
