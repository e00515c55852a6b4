import { min, saturatingSub } from "@turingfog/sdk";
import { balanceOf, burn, totalSupply, transfer } from "./token";
import { TFT } from "./units";
import { refuseIf, type Address, type World } from "./world";

/** The supply of TFT and the vault: protocol.md, 1, 3.1 and 3.2. Amounts in 10^-18 TFT. */

export const NOMINAL = 1_000_000_000n * TFT;
export const RESERVE = 350_000_000n * TFT;
const CIRCULATING_AT_GENESIS = NOMINAL - RESERVE;
/** E1: burned when the reserve is empty. */
export const PRODUCTION_MINING_END = 437_500_000n * TFT;
/** E2: burned when burning stops for good. */
export const BURNING_END = 900_000_000n * TFT;
/** Basis points. */
export const MAX_OPERATIONS_SHARE = 2_000n;

export function burned(world: World): bigint {
  return NOMINAL - totalSupply(world, world.setting.addresses.tft);
}

export function phase(world: World): bigint {
  return phaseAt(burned(world));
}

/** 0 ProductionMining, 1 BuybackDistribution, 2 Mature. */
export function phaseAt(everBurned: bigint): bigint {
  if (everBurned < PRODUCTION_MINING_END) return 0n;
  return everBurned < BURNING_END ? 1n : 2n;
}

/** Returns 80 % of all that was ever burned, in whole units, until the reserve is empty. */
export function entitlement(everBurned: bigint): bigint {
  return min(RESERVE, (everBurned * 8n) / 10n);
}

/** The parts of an amount bought back. */
export interface Split {
  /** Burned in production mining, and in buyback distribution; `burned` is both. */
  b1: bigint;
  b2: bigint;
  burned: bigint;
  /** Left for the miners. */
  distributed: bigint;
  /** Leaves the reserve for it. */
  released: bigint;
}

/** Splits an amount bought back when so much was burned before it, each part by the rule of the phase it falls in. */
export function splitOf(bought: bigint, everBurned: bigint): Split {
  const b1 = min(bought, saturatingSub(PRODUCTION_MINING_END, everBurned));
  const afterMining = bought - b1;
  // half of it is burned, so buyback distribution takes twice what is left to burn
  const halved = min(afterMining, 2n * saturatingSub(BURNING_END, everBurned + b1));
  const smallerHalf = halved / 2n;
  const b2 = halved - smallerHalf;
  const released = entitlement(everBurned + b1 + b2) - entitlement(everBurned);
  return { b1, b2, burned: b1 + b2, distributed: smallerHalf + afterMining - halved, released };
}

/** What one destruction did. */
export interface Destruction {
  burned: bigint;
  released: bigint;
  operations: bigint;
  /** Paid to the pool. */
  reward: bigint;
}

/** Destroys TFT that the controller holds: burns, releases and distributes them by the rule of section 1. */
export function destroy(world: World, bought: bigint): Destruction {
  const { tft, controller, pool } = world.setting.addresses;
  const { burned: gone, distributed } = splitOf(bought, burned(world));

  burn(world, tft, controller, gone);
  const { released, operations } = release(world);
  transfer(world, tft, controller, pool, distributed);
  return { burned: gone, released, operations, reward: distributed + released - operations };
}

/** Pays the pool what the burned supply entitles to, less operations' share, which stays in the vault. */
function release(world: World): { released: bigint; operations: bigint } {
  const { state } = world;
  const { tft, vault, pool } = world.setting.addresses;
  const entitled = entitlement(burned(world));
  const released = entitled - state.released;
  const operations = (released * state.operations.share) / 10_000n;

  state.released = entitled;
  state.operations.owed += operations;
  transfer(world, tft, vault, pool, released - operations);
  if (released > 0n) world.emit("vault", "Released", released, operations, entitled);
  return { released, operations };
}

export function payOperations(world: World): void {
  const { treasury, owed } = world.state.operations;
  world.state.operations.owed = 0n;
  transfer(world, world.setting.addresses.tft, world.setting.addresses.vault, treasury, owed);
  world.emit("vault", "OperationsPaid", treasury, owed);
}

export function setOperations(world: World, caller: Address, treasury: Address, share: bigint): void {
  const { addresses, governor } = world.setting;
  const protocol = [
    addresses.tft,
    addresses.vault,
    addresses.oracle,
    addresses.registry,
    addresses.pool,
    addresses.controller,
    addresses.escrow,
  ];
  refuseIf(caller !== governor, "vault", "Vault_NotGovernor", caller);
  refuseIf(BigInt(treasury) === 0n || protocol.includes(treasury), "vault", "Vault_InvalidTreasury", treasury);
  refuseIf(share > MAX_OPERATIONS_SHARE, "vault", "Vault_ShareTooHigh", share, MAX_OPERATIONS_SHARE);

  const { operations } = world.state;
  world.emit("vault", "OperationsSet", operations.treasury, operations.share, treasury, share);
  operations.treasury = treasury;
  operations.share = share;
}

export function supply(world: World): bigint[] {
  return supplyAt(burned(world), world.state.released);
}

/** Returns what {supply} shows: total, burned, released, reserve, circulating, phase. Only what circulates is burned. */
export function supplyAt(everBurned: bigint, released = entitlement(everBurned)): bigint[] {
  const reserve = RESERVE - released;
  const circulating = CIRCULATING_AT_GENESIS - everBurned + released;
  return [reserve + circulating, everBurned, released, reserve, circulating, phaseAt(everBurned)];
}

/** @throws Error when a statement of protocol.md, 4(1) to 4(3), does not hold in the model itself. */
export function checkSupply(world: World): void {
  const { tft, vault } = world.setting.addresses;
  const { released, operations } = world.state;
  const all = burned(world);
  const isReleased = released === entitlement(all);
  const isCovered = balanceOf(world, tft, vault) >= RESERVE - released + operations.owed;
  if (all > BURNING_END || !isReleased || !isCovered) {
    throw new Error(`The model's supply is unsound: burned ${all}, released ${released}, owed ${operations.owed}`);
  }
}
