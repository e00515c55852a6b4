import type { History, Reading } from "./history";

import { shareOf, weightsOf } from "./rounds";

/** Transfers of TFT that the page lists at most. */
const MOST_TRANSFERS = 200;

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
  "miners:rows": (history) => {
    const ids = history.named("RoundOpened").map(({ args }) => String(args.bucketId));
    return BigInt(new Set(ids.flatMap((id) => [...weightsOf(history, id).keys()])).size);
  },
  "miner:settlements": (history, miner) => {
    const own = history.told.filter(
      ({ name, args }) => /Settled$/.test(name) && (args.payout as string).toLowerCase() === miner,
    );
    return BigInt(own.length);
  },
  "account:nodes": async ({ contracts: { registry }, market }, account) => {
    const nodes = await Promise.all(market.nodes.map(({ nodeId }) => registry.node(nodeId)));
    return BigInt(
      nodes.filter((each) => [each.owner, each.payout].some((own) => own.toLowerCase() === account)).length,
    );
  },
  "account:transfers": (history, account) => {
    const isOf = (address: unknown) => String(address).toLowerCase() === account;
    const own = history
      .named("Transfer")
      .filter(({ contract, args }) => contract === "tft" && (isOf(args.from) || isOf(args.to)));
    return BigInt(Math.min(own.length, MOST_TRANSFERS));
  },
  "miner:rounds": (history, miner) => BigInt(bucketsOf(history, miner).length),
};
