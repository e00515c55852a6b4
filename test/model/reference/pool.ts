import { max } from "@turingfog/sdk";
import { ZeroAddress } from "ethers";

import { transfer } from "./token";
import { known, refuseIf, sum, type Address, type Bucket, type World } from "./world";

/** The RewardPool: protocol.md, 2 and 3.4. */

export function bucketIdOf(round: bigint, asset: Address): bigint {
  return (round << 160n) | BigInt(asset);
}

/** The buckets of an asset's rounds, of which the first has the number 1. */
export function roundsOf(world: World, asset: Address): Bucket[] {
  return [...world.state.buckets.values()].filter((bucket) => bucket.asset === asset);
}

/**
 * Returns when a round closes or has closed: at the end of the epoch of its first earning, or when the round before it
 * became final if that comes later. Undefined while the round before it is not final.
 */
export function closingOf(world: World, { asset, round, openedAt }: Bucket): bigint | undefined {
  const epochEnd = (openedAt / world.setting.epochLength + 1n) * world.setting.epochLength;
  const before = roundsOf(world, asset).find((each) => each.round === round - 1n);
  if (before === undefined) return epochEnd;
  return before.finalAt === null ? undefined : max(epochEnd, before.finalAt);
}

export function isClosed(world: World, bucket: Bucket): boolean {
  const closing = closingOf(world, bucket);
  return closing !== undefined && closing <= world.now;
}

/** Returns the number of the round that an earning goes to: the latest one, or the next when that has closed. */
export function openRound(world: World, asset: Address): bigint {
  const rounds = roundsOf(world, asset);
  const open = rounds.find((bucket) => !isClosed(world, bucket));
  return open?.round ?? BigInt(rounds.length) + 1n;
}

/** Returns the round that has closed and is not final yet, of which there is one at most. */
export function closedRound(world: World, asset: Address): Bucket | undefined {
  const unfinished = roundsOf(world, asset).filter((bucket) => bucket.finalAt === null);
  const [closed, ...others] = unfinished.filter((bucket) => isClosed(world, bucket));
  if (others.length > 0 || unfinished.length > 2) throw new Error(`The model's rounds of ${asset} queue up`);
  return closed;
}

/** What was earned in a bucket in all. */
export function bucketWeight(world: World, id: bigint): bigint {
  return sum(world.state.earnings.filter(({ bucketId }) => bucketId === id).map(({ amount }) => amount));
}

/** What a miner earned in a bucket and has not claimed. */
export function weightOf(world: World, id: bigint, miner: Address): bigint {
  const own = world.state.earnings.filter((each) => each.bucketId === id && each.miner === miner && !each.isClaimed);
  return sum(own.map(({ amount }) => amount));
}

/** Adds to the bucket of an asset's open round. */
export function addWeights(world: World, asset: Address, earnings: { miner: Address; amount: bigint }[]): void {
  const { buckets } = world.state;
  const round = openRound(world, asset);
  const id = bucketIdOf(round, asset);
  if (!buckets.has(id)) {
    buckets.set(id, { round, asset, openedAt: world.now, fills: [], reward: 0n, finalAt: null });
    world.emit("pool", "RoundOpened", id, round, asset);
  }
  for (const { miner, amount } of earnings) {
    world.state.earnings.push({ bucketId: id, miner, amount, isClaimed: false });
  }
  world.emit("pool", "WeightAdded", id, sum(earnings.map(({ amount }) => amount)));
}

/** Adds what a destruction brought, and makes the bucket final with the last of it. */
export function addReward(world: World, bucket: Bucket, reward: bigint, isFinal: boolean): void {
  const id = bucketIdOf(bucket.round, bucket.asset);
  refuseIf(bucket.finalAt !== null, "pool", "Pool_FinalBucket", id);
  bucket.reward += reward;
  if (isFinal) bucket.finalAt = world.now;
  world.emit("pool", "RewardAdded", id, reward, isFinal);
}

/** What a claim would pay: each bucket once. */
export function claimable(world: World, miner: Address, ids: readonly bigint[]): bigint {
  return sum([...new Set(ids)].map((id) => part(world, miner, id)));
}

/** ⌊reward · weight / total weight⌋ of a final bucket. */
function part(world: World, miner: Address, id: bigint): bigint {
  const bucket = world.state.buckets.get(id);
  if (bucket === undefined || bucket.finalAt === null) return 0n;
  return partOf(bucket.reward, weightOf(world, id, miner), bucketWeight(world, id));
}

export function partOf(reward: bigint, weight: bigint, totalWeight: bigint): bigint {
  return (reward * weight) / totalWeight;
}

export function claim(world: World, miner: Address, ids: readonly bigint[], to: Address): void {
  const amount = claimable(world, miner, ids);
  for (const earning of world.state.earnings) {
    const { finalAt } = known(world.state.buckets, earning.bucketId);
    if (earning.miner === miner && ids.includes(earning.bucketId) && finalAt !== null) earning.isClaimed = true;
  }
  transfer(world, world.setting.addresses.tft, world.setting.addresses.pool, to, amount);
  world.emit("pool", "Claimed", miner, to, ids, amount);
}

export function claimFor(world: World, miner: Address, ids: readonly bigint[]): void {
  const recipient = recipientOf(world, miner);
  claim(world, miner, ids, recipient === ZeroAddress ? miner : recipient);
}

export function setRecipient(world: World, miner: Address, to: Address): void {
  world.emit("pool", "RecipientSet", miner, recipientOf(world, miner), to);
  world.state.recipients.set(miner, to);
}

export function recipientOf(world: World, miner: Address): Address {
  return world.state.recipients.get(miner) ?? ZeroAddress;
}
