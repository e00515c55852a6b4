import type { History, Reading } from "./history";

import { shareOf, weightsOf } from "./rounds";

/** Buckets in which a miner has earned. */
function bucketsOf(history: History, miner: string): string[] {
  const ids = history.named("RoundOpened").map(({ args }) => String(args.bucketId));
  return ids.filter((id) => weightsOf(history, id).has(miner));
}

export const ACCOUNTS: Record<string, Reading> = {
  "account:tft": ({ contracts: { tft } }, account) => tft.balanceOf(account),
  "miner:claimable": (history, miner) => history.contracts.pool.claimable(miner, bucketsOf(history, miner)),
  "miner:awaited": async (history, miner) => {
    let awaited = 0n;
    for (const id of bucketsOf(history, miner)) {
      const [{ isFinal }, { share, isClaimed }] = [
        await history.contracts.pool.bucket(id),
        await shareOf(history, id, miner),
      ];
      if (!isFinal && !isClaimed) awaited += share;
    }
    return awaited;
  },
  "miner:claimed": (history, miner) => {
    const own = history.named("Claimed").filter(({ args }) => (args.miner as string).toLowerCase() === miner);
    return own.reduce((sum, { args }) => sum + (args.amount as bigint), 0n);
  },
  "miner:rounds": (history, miner) => BigInt(bucketsOf(history, miner).length),
};
