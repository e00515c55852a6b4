import { checkRange } from "./errors.js";
import { ceilDiv, MAX_UINT256, min, saturatingSub } from "./math.js";
import { WAD } from "./units.js";

/** Phase in the life of the token; `Phase` of SupplySchedule.sol. */
export enum Phase {
  ProductionMining,
  BuybackDistribution,
  Mature,
}

/** The constants of SupplySchedule.sol. Amounts are TFT with 18 decimals. */
export const NOMINAL_SUPPLY = 1_000_000_000n * WAD;
export const ULTIMATE_SUPPLY = 100_000_000n * WAD;
export const RESERVE = 350_000_000n * WAD;
export const RELEASE_NUMERATOR = 4n;
export const RELEASE_DENOMINATOR = 5n;
export const PRODUCTION_MINING_END = (RESERVE * RELEASE_DENOMINATOR) / RELEASE_NUMERATOR;
export const BURNING_END = NOMINAL_SUPPLY - ULTIMATE_SUPPLY;

/** The division of an amount bought back; b1 + b2 + distributed is that amount. TFT with 18 decimals. */
export interface Split {
  /** Part that is burned and entitles to a release. */
  b1: bigint;
  /** Part that is burned and entitles to none. */
  b2: bigint;
  /** Part that is left for the miners. */
  distributed: bigint;
}

/** The state of the supply, from which everything else follows. TFT with 18 decimals. */
export interface SupplyState {
  burned: bigint;
  released: bigint;
}

/** A summary of the supply, as `BuybackBurnController.supply()` returns it. TFT with 18 decimals. */
export interface Supply extends SupplyState {
  total: bigint;
  reserve: bigint;
  circulating: bigint;
  phase: Phase;
}

/** A destruction and the supply after it. TFT with 18 decimals. */
export interface Destruction extends Split, SupplyState {
  /** Amount that left the reserve; the share of operations is taken out of it. */
  release: bigint;
  /** Phase after the destruction. */
  phase: Phase;
}

/** The state before the first destruction. */
export const GENESIS: SupplyState = { burned: 0n, released: 0n };

/**
 * Returns the phase in which the next unit bought back falls.
 * @param burned all that was ever burned, TFT with 18 decimals
 */
export function phase(burned: bigint): Phase {
  if (burned < PRODUCTION_MINING_END) return Phase.ProductionMining;
  return burned < BURNING_END ? Phase.BuybackDistribution : Phase.Mature;
}

/**
 * Returns all that `burned` entitles to out of the reserve: min(RESERVE, ⌊0.8 · burned⌋).
 * @param burned all that was ever burned, TFT with 18 decimals
 */
export function entitlement(burned: bigint): bigint {
  return min(RESERVE, (burned * RELEASE_NUMERATOR) / RELEASE_DENOMINATOR);
}

/**
 * Splits an amount bought back over the phases that it falls in, by the rule of SupplySchedule.sol.
 * @param bought TFT, 18 decimals
 * @param burned all that was burned before, TFT with 18 decimals
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
 * Destroys an amount bought back, as `BuybackBurnController` does. Returns the split, the release, and the state and
 * phase after it.
 * @param bought TFT, 18 decimals
 * @throws OutOfRangeError
 */
export function destroy(state: SupplyState, bought: bigint): Destruction {
  const { b1, b2, distributed } = split(bought, state.burned);
  const burned = state.burned + b1 + b2;
  const released = entitlement(burned);
  return { b1, b2, distributed, burned, released, release: released - state.released, phase: phase(burned) };
}

/** Returns the summary of a state of the supply. */
export function supplyOf({ burned, released }: SupplyState): Supply {
  const total = NOMINAL_SUPPLY - burned;
  const reserve = RESERVE - released;
  return { total, burned, released, reserve, circulating: total - reserve, phase: phase(burned) };
}
