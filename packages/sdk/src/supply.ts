import { checkRange } from "./errors.js";
import { ceilDiv, MAX_UINT256, min, saturatingSub } from "./math.js";
import { WAD } from "./units.js";

/** Where the life of the token stands; as in SupplySchedule.sol. */
export enum Phase {
  ProductionMining,
  BuybackDistribution,
  Mature,
}

/** The constants of SupplySchedule.sol; TFT with 18 decimals. */
export const NOMINAL_SUPPLY = 1_000_000_000n * WAD;
export const ULTIMATE_SUPPLY = 100_000_000n * WAD;
export const RESERVE = 350_000_000n * WAD;
export const RELEASE_NUMERATOR = 4n;
export const RELEASE_DENOMINATOR = 5n;
export const PRODUCTION_MINING_END = (RESERVE * RELEASE_DENOMINATOR) / RELEASE_NUMERATOR;
export const BURNING_END = NOMINAL_SUPPLY - ULTIMATE_SUPPLY;

/** How an amount bought back is divided; b1 + b2 + distributed is that amount. */
export interface Split {
  /** Burned, entitling to a release. */
  b1: bigint;
  /** Burned, entitling to none. */
  b2: bigint;
  /** Left for the miners. */
  distributed: bigint;
}

/** Where the supply stands; everything else follows from these two. TFT with 18 decimals. */
export interface SupplyState {
  burned: bigint;
  released: bigint;
}

/** The supply at a glance; as `BuybackBurnController.supply()`. TFT with 18 decimals. */
export interface Supply extends SupplyState {
  total: bigint;
  reserve: bigint;
  circulating: bigint;
  phase: Phase;
}

/** A destruction and what it led to. */
export interface Destruction extends Split, SupplyState {
  /** What left the reserve for it; operations' share is taken out of this. */
  release: bigint;
  /** The phase after it. */
  phase: Phase;
}

/** Before the first destruction. */
export const GENESIS: SupplyState = { burned: 0n, released: 0n };

/** The phase in which the next unit bought back falls, when `burned` was ever burned. */
export function phase(burned: bigint): Phase {
  if (burned < PRODUCTION_MINING_END) return Phase.ProductionMining;
  return burned < BURNING_END ? Phase.BuybackDistribution : Phase.Mature;
}

/** All that `burned` entitles to out of the reserve: min(RESERVE, ⌊0.8 · burned⌋). */
export function entitlement(burned: bigint): bigint {
  return min(RESERVE, (burned * RELEASE_NUMERATOR) / RELEASE_DENOMINATOR);
}

/**
 * Splits an amount bought back over the phases it falls in, when `burned` was burned before; see SupplySchedule.sol.
 * @throws OutOfRangeError
 */
export function split(bought: bigint, burned: bigint): Split {
  checkRange("bought", bought, 0n, MAX_UINT256);
  checkRange("burned", burned, 0n, NOMINAL_SUPPLY);
  const b1 = min(bought, saturatingSub(PRODUCTION_MINING_END, burned));
  const rest = bought - b1;
  const b2 = min(ceilDiv(rest, 2n), saturatingSub(BURNING_END, burned + b1));
  return { b1, b2, distributed: rest - b2 };
}

/**
 * Destroys an amount bought back, as `BuybackBurnController` does: the split, the release, and where the supply stands
 * after it.
 * @throws OutOfRangeError
 */
export function destroy(state: SupplyState, bought: bigint): Destruction {
  const { b1, b2, distributed } = split(bought, state.burned);
  const burned = state.burned + b1 + b2;
  const released = entitlement(burned);
  return { b1, b2, distributed, burned, released, release: released - state.released, phase: phase(burned) };
}

/** The supply at a glance. */
export function supplyOf({ burned, released }: SupplyState): Supply {
  const total = NOMINAL_SUPPLY - burned;
  const reserve = RESERVE - released;
  return { total, burned, released, reserve, circulating: total - reserve, phase: phase(burned) };
}
