import type { Placed } from "./record";

/** A settlement whose bucket is told by a later event of the same call. */
export interface PendingSettlement {
  id: string;
  asset: `0x${string}`;
  payout: `0x${string}`;
  earned: bigint;
}

/**
 * What was settled in a call of the escrow, which says it receipt by receipt before the pool says in which bucket. Lives
 * no longer than a transaction, and Ponder indexes a block as a whole: so a restart loses nothing. By the event's id, so
 * that a block indexed a second time counts once.
 */
let pending = new Map<string, PendingSettlement>();
let place = "";

function enter({ block, transaction }: Placed): Map<string, PendingSettlement> {
  const here = `${block.hash} ${transaction.hash}`;
  if (here !== place) pending = new Map();
  place = here;
  return pending;
}

/** Notes what was settled. */
export function settled(event: Placed, settlement: PendingSettlement): void {
  enter(event).set(settlement.id, settlement);
}

/** Takes what the call has settled of an asset. */
export function takeSettled(event: Placed, asset: string): PendingSettlement[] {
  const all = enter(event);
  const taken = [...all.values()].filter((settlement) => settlement.asset === asset);
  for (const { id } of taken) all.delete(id);
  return taken;
}
