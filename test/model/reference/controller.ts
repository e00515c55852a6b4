import { ceilDiv, max, min } from "@turingfog/sdk";
import { addReward, bucketIdOf, bucketWeight, closedRound, closingOf } from "./pool";
import { exactPrice } from "./price";
import { destroy, phase } from "./supply";
import { tokenAt, transfer, transferFrom } from "./token";
import { TFT } from "./units";
import { known, Refused, refuseIf, sum, type Address, type Bucket, type World } from "./world";

/** The BuybackBurnController: protocol.md, 3.3. Prices are TFT (18 decimals) per whole unit of the asset. */

const MIN_REFERENCE = 1_000_000_000n;
const MAX_REFERENCE = 1_000_000_000n * TFT;
const MAX_DECIMALS = 24n;
/** A lot that brought so much moves the reference price all the way. */
export const FULL_PROCEEDS = 1_000n * TFT;
const WRITE_OFF_PERIODS = 30n;

export interface Lot {
  bucket: Bucket;
  round: bigint;
  amount: bigint;
  remaining: bigint;
  startedAt: bigint;
  referencePrice: bigint;
}

export function createAuction(world: World, asset: Address, referencePrice: bigint): void {
  const { decimals } = tokenAt(world, asset);
  const isInBounds = MIN_REFERENCE <= referencePrice && referencePrice <= MAX_REFERENCE;
  const bounds = [MIN_REFERENCE, MAX_REFERENCE];
  refuseIf(!isInBounds, "controller", "Controller_ReferenceOutOfBounds", referencePrice, ...bounds);
  refuseIf(decimals > MAX_DECIMALS, "controller", "Controller_TooManyDecimals", asset, decimals, MAX_DECIMALS);
  world.state.references.set(asset, referencePrice);
  world.emit("controller", "AuctionCreated", asset, decimals, referencePrice);
}

/** The bucket to be sold or burned now. */
function closedBucket(world: World, asset: Address): Bucket {
  const bucket = closedRound(world, asset);
  if (bucket === undefined) throw new Refused("controller", "Controller_NoLot", [asset]);
  return bucket;
}

export function lot(world: World, asset: Address): Lot {
  refuseIf(asset === world.setting.addresses.tft, "controller", "Controller_TFTNotSold");
  const bucket = closedBucket(world, asset);
  const amount = bucketWeight(world, bucketIdOf(bucket.round, asset));
  return {
    bucket,
    round: bucket.round,
    amount,
    remaining: amount - sum(bucket.fills.map((fill) => fill.amount)),
    startedAt: closingOf(world, bucket)!,
    referencePrice: known(world.state.references, asset),
  };
}

/** TFT per whole unit now, exact and rounded down. */
export function price(world: World, asset: Address): bigint {
  const { referencePrice, startedAt } = lot(world, asset);
  return exactPrice(referencePrice, world.now - startedAt, world.setting.auctionPeriod);
}

export function burnRound(world: World, round: bigint): void {
  const { tft } = world.setting.addresses;
  const bucket = closedBucket(world, tft);
  refuseIf(bucket.round !== round, "controller", "Controller_WrongRound", round, bucket.round);
  const weight = bucketWeight(world, bucketIdOf(round, tft));
  bucket.fills.push({ amount: weight, tft: weight });
  destroyFor(world, bucket, weight, true);
}

/** @param quoted the controller's own price now, which has been found close enough to the exact one */
export function buy(
  world: World,
  buyer: Address,
  bid: { asset: Address; round: bigint; amount: bigint; maxPrice: bigint; to: Address },
  quoted: bigint,
): void {
  const { tft, controller } = world.setting.addresses;
  const { asset, round, amount, maxPrice, to } = bid;
  const current = lot(world, asset);
  refuseIf(round !== current.round, "controller", "Controller_WrongRound", round, current.round);
  refuseIf(amount === 0n, "controller", "Controller_ZeroAmount");
  refuseIf(quoted > maxPrice, "controller", "Controller_PriceAboveMax", quoted, maxPrice);

  let filled = min(amount, current.remaining);
  if ((current.remaining - filled) * 100n < current.amount) filled = current.remaining;
  const wholeUnit = 10n ** tokenAt(world, asset).decimals;
  const owed = tftOwed(filled, quoted, wholeUnit);

  current.bucket.fills.push({ amount: filled, tft: owed });
  transfer(world, asset, controller, to, filled);
  transferFrom(world, tft, controller, buyer, controller, owed);
  world.emit("controller", "LotFilled", asset, round, buyer, to, filled, owed, quoted);
  const isSoldOut = filled === current.remaining;
  if (isSoldOut) sellOut(world, current, wholeUnit);
  destroyFor(world, current.bucket, owed, isSoldOut);
}

/** Returns the TFT that a fill owes: its price rounded up, at least a unit. */
export function tftOwed(filled: bigint, price: bigint, wholeUnit: bigint): bigint {
  return max(ceilDiv(filled * price, wholeUnit), 1n);
}

function sellOut(world: World, { bucket, round, amount, referencePrice }: Lot, wholeUnit: bigint): void {
  const proceeds = sum(bucket.fills.map((fill) => fill.tft));
  const next = nextReference(referencePrice, proceeds, (proceeds * wholeUnit) / amount);
  world.state.references.set(bucket.asset, next);
  world.emit("controller", "LotSoldOut", bucket.asset, round, proceeds, referencePrice, next);
}

/** The mean of the reference price and the clipped average, weighted by the proceeds and rounded towards the average. */
function nextReference(reference: bigint, proceeds: bigint, average: bigint): bigint {
  const lowest = max(ceilDiv(reference, 2n), MIN_REFERENCE);
  const highest = min(2n * reference, MAX_REFERENCE);
  const target = min(max(average, lowest), highest);
  const weight = min(proceeds, FULL_PROCEEDS);
  const weighted = reference * (FULL_PROCEEDS - weight) + target * weight;
  return target > reference ? ceilDiv(weighted, FULL_PROCEEDS) : weighted / FULL_PROCEEDS;
}

/** Returns from when a lot can be written off that starts at a time. */
export function writeOffTime(world: World, startedAt: bigint): bigint {
  return startedAt + WRITE_OFF_PERIODS * world.setting.auctionPeriod;
}

/** Gives up what is left of an old lot. It stays in the controller, and the reference price stays too. */
export function writeOff(world: World, asset: Address, round: bigint): void {
  const current = lot(world, asset);
  refuseIf(round !== current.round, "controller", "Controller_WrongRound", round, current.round);
  const from = writeOffTime(world, current.startedAt);
  refuseIf(world.now < from, "controller", "Controller_TooEarly", round, from);
  world.emit("controller", "LotWrittenOff", asset, round, current.remaining);
  addReward(world, current.bucket, 0n, true);
}

function destroyFor(world: World, bucket: Bucket, bought: bigint, isFinal: boolean): void {
  const { burned, released, operations, reward } = destroy(world, bought);
  addReward(world, bucket, reward, isFinal);
  const id = bucketIdOf(bucket.round, bucket.asset);
  const figures = [bought, burned, released, operations, reward, phase(world)];
  world.emit("controller", "Destroyed", id, bucket.round, bucket.asset, ...figures);
}
