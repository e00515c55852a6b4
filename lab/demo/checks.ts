import {
  BURNING_END,
  ceilDiv,
  entitlement,
  NOMINAL_SUPPLY,
  Phase,
  RELEASE_DENOMINATOR,
  RELEASE_NUMERATOR,
  RESERVE,
  split,
  type Supply,
  supplyOf,
  TuringFogError,
  ULTIMATE_SUPPLY,
} from "@turingfog/sdk";
import { sum, type Books } from "./books";

/** A `Destroyed` event. */
export interface ObservedDestruction {
  bucketId: bigint;
  bought: bigint;
  burned: bigint;
  released: bigint;
  operations: bigint;
  reward: bigint;
  phase: Phase;
}

export interface ObservedAsset {
  escrowBalance: bigint;
  liabilities: bigint;
  controllerBalance: bigint;
}

export interface ObservedOrder {
  deposit: bigint;
  earned: bigint;
  tuSettled: bigint;
}

export interface ObservedRound {
  weight: bigint;
  reward: bigint;
  isFinal: boolean;
}

export interface ObservedBucket extends ObservedRound {
  /** Unclaimed, by miner. */
  weights: Map<string, bigint>;
}

/** Values of the chain at one moment. TFT with 18 decimals, other assets in their base units. */
export interface Observation {
  /** `controller.supply()`. */
  supply: Supply;
  totalSupply: bigint;
  vaultBalance: bigint;
  /** `vault.operationsOwed()`. */
  operationsOwed: bigint;
  poolBalance: bigint;
  assets: Map<string, ObservedAsset>;
  /** The open orders, and the TU that they have settled for each node that the books have. */
  orders: Map<bigint, ObservedOrder>;
  settled: Map<bigint, Map<bigint, bigint>>;
  /** Some of the buckets, or all of them. */
  buckets: Map<bigint, ObservedBucket>;
  /** All since genesis. */
  destructions: ObservedDestruction[];
}

/** Two observations in a row, the books at the second one, and the buckets that were final before. */
export interface CheckedStep {
  before: Observation;
  now: Observation;
  books: Books;
  /** Weight and reward of every bucket, when it was first seen final. */
  finals: ReadonlyMap<bigint, { weight: bigint; reward: bigint }>;
}

/** A statement of protocol.md, section 4, that does not hold. */
export class CheckFailedError extends TuringFogError {
  constructor(
    readonly check: string,
    readonly what: string,
    readonly actual: bigint | boolean,
    readonly rule: string,
    readonly expected: bigint | boolean,
  ) {
    super(`${check}: ${what} is ${actual}, must be ${rule} ${expected}`);
  }
}

function equal(check: string, what: string, actual: bigint | boolean, expected: bigint | boolean): void {
  if (actual !== expected) throw new CheckFailedError(check, what, actual, "equal to", expected);
}

function atLeast(check: string, what: string, actual: bigint, minimum: bigint): void {
  if (actual < minimum) throw new CheckFailedError(check, what, actual, "at least", minimum);
}

function atMost(check: string, what: string, actual: bigint, maximum: bigint): void {
  if (actual > maximum) throw new CheckFailedError(check, what, actual, "at most", maximum);
}

/** 1. The supply is the nominal one less what was burned, never below its floor, and never rises. */
function supplyIsNominalLessBurned({ before, now, books }: CheckedStep): void {
  const check = "supplyIsNominalLessBurned";
  equal(check, "total supply", now.totalSupply, NOMINAL_SUPPLY - now.supply.burned);
  equal(check, "burned", now.supply.burned, books.supply.burned);
  atLeast(check, "total supply", now.totalSupply, ULTIMATE_SUPPLY);
  atMost(check, "total supply", now.totalSupply, before.totalSupply);
}

/** 2. Exactly what the burned supply entitles to was released, and the vault holds the rest and what operations are owed. */
function releaseFollowsBurning({ now, books }: CheckedStep): void {
  const check = "releaseFollowsBurning";
  equal(check, "released", now.supply.released, entitlement(now.supply.burned));
  equal(check, "reserve", now.supply.reserve, RESERVE - now.supply.released);
  equal(check, "owed to operations", now.operationsOwed, books.operationsOwed);
  atLeast(check, "balance of the vault", now.vaultBalance, RESERVE - now.supply.released + now.operationsOwed);
}

/** 3. Total less reserve never rises. */
function circulatingNeverRises({ before, now }: CheckedStep): void {
  const check = "circulatingNeverRises";
  equal(check, "circulating", now.supply.circulating, now.totalSupply - now.supply.reserve);
  atMost(check, "circulating", now.supply.circulating, before.supply.circulating);
}

/** 4. Escrow, controller and pool hold at least what they owe. */
function balancesCoverLiabilities({ now, books }: CheckedStep): void {
  const check = "balancesCoverLiabilities";
  const orders = [...books.orders.values()];
  const buckets = [...books.buckets.values()];
  for (const [asset, { escrowBalance, liabilities, controllerBalance }] of now.assets) {
    const open = sum(orders.filter((order) => order.asset === asset).map(({ deposit, earned }) => deposit - earned));
    equal(check, `the escrow's liabilities in ${asset}`, liabilities, open);
    atLeast(check, `the escrow's balance of ${asset}`, escrowBalance, open);
    const unsold = sum(buckets.filter((b) => b.asset === asset).map(({ weight, sold }) => weight - sold));
    atLeast(check, `the controller's balance of ${asset}`, controllerBalance, unsold);
  }
  atLeast(check, "the pool's balance", now.poolBalance, sum(buckets.map(({ reward, claimed }) => reward - claimed)));
}

/** 5. What was paid in was earned, refunded, or is still open, to the last unit. */
function depositsAreAccountedFor({ now, books }: CheckedStep): void {
  const check = "depositsAreAccountedFor";
  for (const [asset, { paidIn, earned, refunded }] of books.accounts) {
    const open = [...books.orders.values()]
      .filter((order) => order.asset === asset)
      .map(({ orderId }) => now.orders.get(orderId))
      .map((order) => (order === undefined ? 0n : order.deposit - order.earned));
    equal(check, `earned, refunded and still open of ${asset}`, earned + refunded + sum(open), paidIn);
  }
}

/** 6. Claims take no more than their bucket's reward; once all have claimed, less than a unit per miner is left. */
function claimsStayWithinRewards({ books }: CheckedStep): void {
  const check = "claimsStayWithinRewards";
  for (const { miner, due, paid } of books.claims) equal(check, `the claim of ${miner}`, paid, due);
  for (const { id, reward, claimed, weights, miners, finalAt } of books.buckets.values()) {
    atMost(check, `claimed of bucket ${id}`, claimed, reward);
    if (finalAt !== undefined && weights.size === 0) {
      atMost(check, `left in bucket ${id} after all claims`, reward - claimed, BigInt(miners.size) - 1n);
    }
  }
}

/**
 * 7. Orders and weights are what the set of receipts makes them. The books take receipts in their published order, the
 * keeper settles them shuffled, in pieces and some of them twice.
 */
function receiptsSettleAlikeInAnyOrder({ now, books }: CheckedStep): void {
  const check = "receiptsSettleAlikeInAnyOrder";
  for (const { orderId, deposit, earned, settled } of books.orders.values()) {
    const observed = now.orders.get(orderId);
    equal(check, `order ${orderId} open`, observed !== undefined, true);
    if (observed === undefined) continue;
    equal(check, `deposit of order ${orderId}`, observed.deposit, deposit);
    equal(check, `earned on order ${orderId}`, observed.earned, earned);
    equal(check, `TU settled on order ${orderId}`, observed.tuSettled, sum(settled.values()));
    for (const [nodeId, tu] of now.settled.get(orderId) ?? []) {
      equal(check, `TU settled on order ${orderId} by node ${nodeId}`, tu, settled.get(nodeId) ?? 0n);
    }
  }
  for (const [id, { weight, weights }] of now.buckets) {
    const bucket = books.buckets.get(id);
    equal(check, `weight of bucket ${id}`, weight, bucket?.weight ?? 0n);
    for (const [miner, own] of weights) {
      equal(check, `weight of ${miner} in bucket ${id}`, own, bucket?.weights.get(miner) ?? 0n);
    }
  }
}

/** 8. Even one who is everyone at once gets back no more of what was destroyed than ⌈0.8 · b1⌉ + rest − b2. */
function coalitionGetsNoMoreThanGranted({ before, now }: CheckedStep): void {
  const check = "coalitionGetsNoMoreThanGranted";
  let burnedBefore = before.supply.burned;
  for (const { bucketId, bought, burned, operations, reward } of now.destructions.slice(before.destructions.length)) {
    const { b1, distributed } = split(bought, burnedBefore);
    const granted = ceilDiv(RELEASE_NUMERATOR * b1, RELEASE_DENOMINATOR) + distributed;
    atMost(check, `got back of ${bought} destroyed in bucket ${bucketId}`, operations + reward, granted);
    burnedBefore += burned;
  }
}

/** 9. A final bucket never changes; what is late earns in a bucket of its own time. */
function finalBucketsNeverChange({ now, finals }: CheckedStep): void {
  const check = "finalBucketsNeverChange";
  for (const [id, { weight, reward, isFinal }] of now.buckets) {
    const final = finals.get(id);
    if (final === undefined) continue;
    equal(check, `bucket ${id} final`, isFinal, true);
    equal(check, `weight of bucket ${id}`, weight, final.weight);
    equal(check, `reward of bucket ${id}`, reward, final.reward);
  }
}

/** Section 1: every destruction is split, released and rewarded as the schedule has it. */
function destructionsFollowTheSchedule({ before, now, books }: CheckedStep): void {
  const check = "destructionsFollowTheSchedule";
  equal(check, "number of destructions", BigInt(now.destructions.length), BigInt(books.destructions.length));
  let burnedBefore = before.supply.burned;
  for (let i = before.destructions.length; i < now.destructions.length; ++i) {
    const event = now.destructions[i];
    const booked = books.destructions[i];
    const { b1, b2 } = split(event.bought, burnedBefore);
    const of = (what: string) => `${what} in destruction ${i}`;
    equal(check, of("bucket"), event.bucketId, booked.bucketId);
    equal(check, of("bought"), event.bought, booked.bought);
    equal(check, of("burned"), event.burned, b1 + b2);
    equal(check, of("released"), event.released, booked.release);
    equal(check, of("operations"), event.operations, booked.operations);
    equal(check, of("reward"), event.reward, booked.reward);
    equal(check, of("phase"), BigInt(event.phase), BigInt(booked.phase));
    burnedBefore += event.burned;
  }
}

/** Section 1: once burning has ended, what is bought back goes to the miners, all of it. */
function maturityDistributesAll({ before, now }: CheckedStep): void {
  const check = "maturityDistributesAll";
  if (before.supply.phase !== Phase.Mature) return;
  for (const { bucketId, bought, burned, operations, reward } of now.destructions.slice(before.destructions.length)) {
    equal(check, `burned in bucket ${bucketId}`, burned, 0n);
    equal(check, `operations' part in bucket ${bucketId}`, operations, 0n);
    equal(check, `reward in bucket ${bucketId}`, reward, bought);
  }
}

/** Section 3: the Destroyed events alone rebuild the whole supply. */
function eventsRebuildTheSupply({ now }: CheckedStep): void {
  const check = "eventsRebuildTheSupply";
  const rebuilt = supplyOf({
    burned: sum(now.destructions.map(({ burned }) => burned)),
    released: sum(now.destructions.map(({ released }) => released)),
  });
  const phase = now.destructions.at(-1)?.phase ?? Phase.ProductionMining;
  for (const name of ["burned", "released", "total", "reserve", "circulating"] as const) {
    equal(check, name, rebuilt[name], now.supply[name]);
  }
  equal(check, "phase", BigInt(phase), BigInt(now.supply.phase));
  if (rebuilt.burned === BURNING_END) equal(check, "total supply", now.totalSupply, ULTIMATE_SUPPLY);
}

/** Checks that must pass after every step. Statement 10 is of the code and not of its history: no run can show it. */
export const CHECKS: readonly ((step: CheckedStep) => void)[] = [
  supplyIsNominalLessBurned,
  releaseFollowsBurning,
  circulatingNeverRises,
  balancesCoverLiabilities,
  depositsAreAccountedFor,
  claimsStayWithinRewards,
  receiptsSettleAlikeInAnyOrder,
  coalitionGetsNoMoreThanGranted,
  finalBucketsNeverChange,
  destructionsFollowTheSchedule,
  maturityDistributesAll,
  eventsRebuildTheSupply,
];
