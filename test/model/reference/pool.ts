import { ZeroAddress } from "ethers";

import { transfer } from "./token";
import { sum, type Address, type Bucket, type World } from "./world";

/** The RewardPool: protocol.md, 2 and 3.4, in version 1. */

export function bucketIdOf(epoch: bigint, asset: Address): bigint {
  return (epoch << 160n) | BigInt(asset);
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

/** Adds to the current epoch's bucket of an asset. */
export function addWeights(world: World, asset: Address, earnings: { miner: Address; amount: bigint }[]): void {
  const { buckets } = world.state;
  const id = bucketIdOf(world.epoch, asset);
  if (!buckets.has(id)) {
    buckets.set(id, { epoch: world.epoch, asset, fills: [], reward: 0n, isFinal: false });
    world.emit("controller", "BucketQueued", id, world.epoch, asset);
  }
  for (const { miner, amount } of earnings) {
    world.state.earnings.push({ bucketId: id, miner, amount, isClaimed: false });
  }
  world.emit("pool", "WeightAdded", id, sum(earnings.map(({ amount }) => amount)));
}

/** Adds what a destruction brought, and makes the bucket final with the last of it. */
export function endReward(world: World, bucket: Bucket, reward: bigint, isFinal: boolean): void {
  bucket.reward += reward;
  bucket.isFinal = isFinal;
  world.emit("pool", "RewardAdded", bucketIdOf(bucket.epoch, bucket.asset), reward, isFinal);
}

/** What a claim would pay: each bucket once. */
export function claimable(world: World, miner: Address, ids: readonly bigint[]): bigint {
  return sum([...new Set(ids)].map((id) => part(world, miner, id)));
}

/** ⌊reward · weight / total weight⌋ of a final bucket. */
function part(world: World, miner: Address, id: bigint): bigint {
  const bucket = world.state.buckets.get(id);
  if (bucket?.isFinal !== true) return 0n;
  return partOf(bucket.reward, weightOf(world, id, miner), bucketWeight(world, id));
}

export function partOf(reward: bigint, weight: bigint, totalWeight: bigint): bigint {
  return (reward * weight) / totalWeight;
}

export function claim(world: World, miner: Address, ids: readonly bigint[], to: Address): void {
  const amount = claimable(world, miner, ids);
  for (const earning of world.state.earnings) {
    const isFinal = world.state.buckets.get(earning.bucketId)?.isFinal === true;
    if (earning.miner === miner && ids.includes(earning.bucketId) && isFinal) earning.isClaimed = true;
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
