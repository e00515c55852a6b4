import { bucketId as idOf, claimShare, epochOf, max, supplyOf } from "@turingfog/sdk";
import type { Context } from "ponder:registry";
import {
  asset,
  claim,
  destruction,
  fill,
  fillerFill,
  recipient,
  round,
  settlement,
  supply,
  weight,
} from "ponder:schema";

import { takeSettled } from "./calls";
import { on, originOf, type Origin, type Placed } from "./record";

/* ROUNDS */

on("pool:RoundOpened", async ({ event, context }) => {
  const { db } = context;
  const { bucketId, round: number, asset: address } = event.args;
  const origin = originOf(event);
  const before = await db.find(round, { bucketId: idOf(number - 1n, address) });
  const isNext = before === null || before.isFinal;
  const closesAt = isNext ? max(await endOfEpoch(context, origin.time), before?.finalAt ?? 0n) : null;
  const nothing = { weight: 0n, sold: 0n, proceeds: 0n, writtenOff: 0n, reward: 0n, claimed: 0n, miners: 0, fills: 0 };
  await db.insert(round).values({
    ...{ bucketId, round: number, asset: address, openedAt: origin.time, closesAt, isFinal: false },
    ...nothing,
    ...origin,
  });
  await db.update(asset, { address }).set({ latestRound: number, ...origin });
});

/** Returns the end of the epoch that a time falls in, from which its first round can close. */
async function endOfEpoch({ client, contracts }: Context, time: bigint): Promise<bigint> {
  const { abi, address } = contracts.pool;
  const [pool] = [address].flat();
  const read = { abi, address: pool, functionName: "EPOCH_LENGTH", cache: "immutable" } as const;
  const length = BigInt(await client.readContract(read));
  return (epochOf(time, length) + 1n) * length;
}

on("pool:WeightAdded", async ({ event, context: { db } }) => {
  const { bucketId, weight: added } = event.args;
  const origin = originOf(event);
  const { asset: address } = await db
    .update(round, { bucketId })
    .set((row) => ({ weight: row.weight + added, ...origin }));

  for (const { id, payout: miner, earned } of takeSettled(event, address)) {
    await db.update(settlement, { id }).set({ bucketId });
    if (earned === 0n) continue;

    if ((await db.find(weight, { bucketId, miner })) === null) {
      await db.insert(weight).values({ bucketId, miner, weight: earned, claimed: 0n, ...origin });
      await db.update(round, { bucketId }).set(({ miners }) => ({ miners: miners + 1 }));
    } else {
      await db.update(weight, { bucketId, miner }).set((row) => ({ weight: row.weight + earned, ...origin }));
    }
  }
});

on("pool:RewardAdded", async ({ event, context }) => {
  const { db } = context;
  const { bucketId, reward, isFinal } = event.args;
  const origin = originOf(event);
  const { round: number, asset: address } = await db
    .update(round, { bucketId })
    .set((row) => ({ reward: row.reward + reward, ...(isFinal && { isFinal, finalAt: origin.time }), ...origin }));
  if (!isFinal) return;

  // the round that waited for it closes now, or at the end of its epoch if that comes later
  const next = await db.find(round, { bucketId: idOf(number + 1n, address) });
  if (next === null) return;
  const closesAt = max(await endOfEpoch(context, next.openedAt), origin.time);
  await db.update(round, { bucketId: next.bucketId }).set({ closesAt, ...origin });
});

/* LOTS */

on("controller:AuctionCreated", async ({ event, context: { db } }) => {
  const { asset: address, decimals, referencePrice } = event.args;
  await db.update(asset, { address }).set({ decimals, referencePrice, ...originOf(event) });
});

on("controller:LotFilled", async ({ event, context: { db } }) => {
  const { round: number, asset: address, amount, tftPaid } = event.args;
  const bucketId = idOf(number, address);
  const origin = originOf(event);
  await db.insert(fill).values({ id: event.id, bucketId, ...event.args, ...origin });
  await db.update(round, { bucketId }).set((row) => ({
    sold: row.sold + amount,
    proceeds: row.proceeds + tftPaid,
    fills: row.fills + 1,
    ...origin,
  }));
});

on("controller:LotSoldOut", async ({ event, context: { db } }) => {
  const { round: number, asset: address, oldReferencePrice, newReferencePrice } = event.args;
  const origin = originOf(event);
  await db.update(round, { bucketId: idOf(number, address) }).set({ referencePrice: oldReferencePrice, ...origin });
  await db.update(asset, { address }).set({ referencePrice: newReferencePrice, ...origin });
});

on("controller:LotWrittenOff", async ({ event, context: { db } }) => {
  const { round: number, asset: address, amount } = event.args;
  // the reference price stays, so that this lot keeps the one that it was for sale at
  const referencePrice = (await db.find(asset, { address }))?.referencePrice ?? null;
  await db
    .update(round, { bucketId: idOf(number, address) })
    .set({ writtenOff: amount, referencePrice, ...originOf(event) });
});

on("filler:Filled", async ({ event, context }) => recordFill(event, context));

on("fillerV4:Filled", async ({ event, context }) => recordFill(event, context));

interface Filled extends Placed {
  log: { address: `0x${string}` };
  args: Pick<typeof fillerFill.$inferInsert, "round" | "asset" | "caller" | "amount" | "tftPaid" | "profit">;
}

async function recordFill(event: Filled, { db }: Context): Promise<void> {
  const { id, args, log } = event;
  const bucketId = idOf(args.round, args.asset);
  await db.insert(fillerFill).values({ id, filler: log.address, bucketId, ...args, ...originOf(event) });
}

/* DESTROYING */

on("controller:Destroyed", async ({ event, context: { db, chain, contracts } }) => {
  const { args } = event;
  const { bucketId, bought, burned, released, operations, reward } = args;
  const origin = originOf(event);
  const after = await db.update(supply, { id: chain.id }).set((row) => ({
    ...supplyOf({ burned: row.burned + burned, released: row.released + released }),
    bought: row.bought + bought,
    rewarded: row.rewarded + reward,
    operations: row.operations + operations,
    ...origin,
  }));
  const totals = {
    ...{ totalBought: after.bought, totalBurned: after.burned, totalReleased: after.released },
    totalSupply: after.total,
  };
  await db.insert(destruction).values({ id: event.id, ...args, ...totals, ...origin });

  // TFT are destroyed as they are, without a sale
  if (args.asset !== [contracts.tft.address].flat()[0]?.toLowerCase()) return;
  await db
    .update(round, { bucketId })
    .set((row) => ({ sold: row.sold + bought, proceeds: row.proceeds + bought, ...origin }));
});

/* CLAIMS */

on("pool:Claimed", async ({ event, context: { db, chain } }) => {
  const { miner, to, ids, amount } = event.args;
  const origin = originOf(event);
  await db.insert(claim).values({ id: event.id, miner, to, bucketIds: ids.map(String), amount, ...origin });
  await db.update(supply, { id: chain.id }).set(({ claimed }) => ({ claimed: claimed + amount, ...origin }));
  for (const bucketId of ids) await claimBucket(db, bucketId, miner, origin);
});

/** One that is unknown, not final or claimed before pays nothing, as in the contract. */
async function claimBucket(db: Context["db"], bucketId: bigint, miner: `0x${string}`, origin: Origin): Promise<void> {
  const bucket = await db.find(round, { bucketId });
  const earned = await db.find(weight, { bucketId, miner });
  if (bucket?.isFinal !== true || earned === null || earned.claimedAt !== null) return;

  const part = claimShare(bucket.reward, earned.weight, bucket.weight);
  await db.update(weight, { bucketId, miner }).set({ claimed: part, claimedAt: origin.time, ...origin });
  await db.update(round, { bucketId }).set(({ claimed }) => ({ claimed: claimed + part, ...origin }));
}

on("pool:RecipientSet", async ({ event, context: { db } }) => {
  const { miner, newRecipient } = event.args;
  const row = { recipient: newRecipient, ...originOf(event) };
  await db
    .insert(recipient)
    .values({ miner, ...row })
    .onConflictDoUpdate(row);
});
