import { ceilDiv, max, min } from "@turingfog/sdk";
import { bucketIdOf, bucketWeight, endReward } from "./pool";
import { exactPrice } from "./price";
import { destroy, phase } from "./supply";
import { tokenAt, transfer, transferFrom } from "./token";
import { TFT } from "./units";
import { known, Refused, refuseIf, sum, type Address, type Bucket, type World } from "./world";

/** The BuybackBurnController: protocol.md, 3.3, in version 1. Prices are TFT (18 decimals) per whole unit of the asset. */

const MAX_REFERENCE = 1_000_000_000n * TFT;
const MAX_DECIMALS = 24n;
/** A lot that brought less does not move the reference price. */
export const MIN_PROCEEDS = 1_000n * TFT;

export interface Lot {
  bucket: Bucket;
  epoch: bigint;
  amount: bigint;
  remaining: bigint;
  startedAt: bigint;
  referencePrice: bigint;
}

export function createAuction(world: World, asset: Address, referencePrice: bigint): void {
  const { decimals } = tokenAt(world, asset);
  const isInBounds = 0n < referencePrice && referencePrice <= MAX_REFERENCE;
  refuseIf(!isInBounds, "controller", "Controller_ReferenceOutOfBounds", referencePrice, MAX_REFERENCE);
  refuseIf(decimals > MAX_DECIMALS, "controller", "Controller_TooManyDecimals", asset, decimals, MAX_DECIMALS);
  world.state.auctions.set(asset, { referencePrice, soldOutAt: 0n });
  world.emit("controller", "AuctionCreated", asset, decimals, referencePrice);
}

/** The buckets of an asset that wait to be destroyed or sold, ended or not, oldest first. */
export function waiting(world: World, asset: Address): Bucket[] {
  return [...world.state.buckets.values()]
    .filter((bucket) => bucket.asset === asset && !bucket.isFinal)
    .sort((a, b) => (a.epoch < b.epoch ? -1 : 1));
}

/** The oldest bucket of an asset that waits and has ended. */
function oldestEnded(world: World, asset: Address): Bucket {
  const bucket = waiting(world, asset).at(0);
  if (bucket === undefined || bucket.epoch >= world.epoch) throw new Refused("controller", "Controller_NoLot", [asset]);
  return bucket;
}

export function lot(world: World, asset: Address): Lot {
  refuseIf(asset === world.setting.addresses.tft, "controller", "Controller_TFTNotSold");
  const bucket = oldestEnded(world, asset);
  const { referencePrice, soldOutAt } = known(world.state.auctions, asset);
  const amount = bucketWeight(world, bucketIdOf(bucket.epoch, asset));
  const endedAt = (bucket.epoch + 1n) * world.setting.epochLength;
  return {
    bucket,
    epoch: bucket.epoch,
    amount,
    remaining: amount - sum(bucket.fills.map((fill) => fill.amount)),
    startedAt: max(endedAt, soldOutAt),
    referencePrice,
  };
}

/** TFT per whole unit now, exact and rounded down. */
export function price(world: World, asset: Address): bigint {
  const { referencePrice, startedAt } = lot(world, asset);
  return exactPrice(referencePrice, world.now - startedAt, world.setting.auctionPeriod);
}

export function burnEpoch(world: World, epoch: bigint): void {
  const { tft } = world.setting.addresses;
  const bucket = oldestEnded(world, tft);
  refuseIf(bucket.epoch !== epoch, "controller", "Controller_WrongEpoch", epoch, bucket.epoch);
  const weight = bucketWeight(world, bucketIdOf(epoch, tft));
  bucket.fills.push({ amount: weight, tft: weight });
  destroyFor(world, bucket, weight, true);
}

/** @param quoted the controller's own price now, which has been found close enough to the exact one */
export function buy(
  world: World,
  buyer: Address,
  bid: { asset: Address; epoch: bigint; amount: bigint; maxPrice: bigint; to: Address },
  quoted: bigint,
): void {
  const { tft, controller } = world.setting.addresses;
  const { asset, epoch, amount, maxPrice, to } = bid;
  const current = lot(world, asset);
  refuseIf(epoch !== current.epoch, "controller", "Controller_WrongEpoch", epoch, current.epoch);
  refuseIf(amount === 0n, "controller", "Controller_ZeroAmount");
  refuseIf(quoted > maxPrice, "controller", "Controller_PriceAboveMax", quoted, maxPrice);

  let filled = min(amount, current.remaining);
  if ((current.remaining - filled) * 100n < current.amount) filled = current.remaining;
  const wholeUnit = 10n ** tokenAt(world, asset).decimals;
  const owed = tftOwed(filled, quoted, wholeUnit);

  current.bucket.fills.push({ amount: filled, tft: owed });
  transfer(world, asset, controller, to, filled);
  transferFrom(world, tft, controller, buyer, controller, owed);
  world.emit("controller", "LotFilled", asset, epoch, buyer, to, filled, owed, quoted);
  const isSoldOut = filled === current.remaining;
  if (isSoldOut) sellOut(world, current, wholeUnit);
  destroyFor(world, current.bucket, owed, isSoldOut);
}

/** Returns the TFT that a fill owes: its price rounded up, at least a unit. */
export function tftOwed(filled: bigint, price: bigint, wholeUnit: bigint): bigint {
  return max(ceilDiv(filled * price, wholeUnit), 1n);
}

/** The reference price becomes the lot's average, at most double or half of itself. */
function sellOut(world: World, { bucket, epoch, amount, referencePrice }: Lot, wholeUnit: bigint): void {
  const proceeds = sum(bucket.fills.map((fill) => fill.tft));
  const average = (proceeds * wholeUnit) / amount;
  const bounded = min(min(max(average, ceilDiv(referencePrice, 2n)), 2n * referencePrice), MAX_REFERENCE);
  const next = proceeds < MIN_PROCEEDS ? referencePrice : bounded;
  world.state.auctions.set(bucket.asset, { referencePrice: next, soldOutAt: world.now });
  world.emit("controller", "LotSoldOut", bucket.asset, epoch, proceeds, referencePrice, next);
}

function destroyFor(world: World, bucket: Bucket, bought: bigint, isFinal: boolean): void {
  const { burned, released, operations, reward } = destroy(world, bought);
  endReward(world, bucket, reward, isFinal);
  const id = bucketIdOf(bucket.epoch, bucket.asset);
  const figures = [bought, burned, released, operations, reward, phase(world)];
  world.emit("controller", "Destroyed", id, bucket.epoch, bucket.asset, ...figures);
}
