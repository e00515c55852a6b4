import { ceilDiv, min, saturatingSub } from "@turingfog/sdk";
import { balanceOf, burn, totalSupply, transfer } from "./token";
import { refuseIf, type Address, type World } from "./world";

/** The supply of TFT and the vault: protocol.md, sections 1 and 3. Amounts in 10^-18 TFT. */

const TFT = 10n ** 18n;

export const NOMINAL = 1_000_000_000n * TFT;
export const RESERVE = 350_000_000n * TFT;
/** E1: burned when the reserve is empty. */
export const PRODUCTION_MINING_END = 437_500_000n * TFT;
/** E2: burned when burning stops for good. */
export const BURNING_END = 900_000_000n * TFT;
/** Basis points. */
export const MAX_OPERATIONS_SHARE = 2_000n;

export function burned(world: World): bigint {
  return NOMINAL - totalSupply(world, world.setting.addresses.tft);
}

/** 0 ProductionMining, 1 BuybackDistribution, 2 Mature. */
export function phase(world: World): bigint {
  const all = burned(world);
  if (all < PRODUCTION_MINING_END) return 0n;
  return all < BURNING_END ? 1n : 2n;
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
  const before = burned(world);
  const b1 = min(bought, saturatingSub(PRODUCTION_MINING_END, before));
  const rest = bought - b1;
  const b2 = min(ceilDiv(rest, 2n), saturatingSub(BURNING_END, before + b1));

  burn(world, tft, controller, b1 + b2);
  const { released, operations } = release(world);
  transfer(world, tft, controller, pool, rest - b2);
  return { burned: b1 + b2, released, operations, reward: rest - b2 + released - operations };
}

/** Pays the pool what the burned supply entitles to, less operations' share, which stays in the vault. */
function release(world: World): { released: bigint; operations: bigint } {
  const { state } = world;
  const { tft, vault, pool } = world.setting.addresses;
  const entitled = min(RESERVE, (burned(world) * 8n) / 10n);
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

/** What {supply} shows: total, burned, released, reserve, circulating, phase. */
export function supply(world: World): bigint[] {
  const total = totalSupply(world, world.setting.addresses.tft);
  const reserve = RESERVE - world.state.released;
  return [total, burned(world), world.state.released, reserve, total - reserve, phase(world)];
}

/** @throws Error when a statement of protocol.md, section 4, on the supply does not hold in the model itself. */
export function checkSupply(world: World): void {
  const { tft, vault } = world.setting.addresses;
  const { released, operations } = world.state;
  const all = burned(world);
  const isReleased = released === min(RESERVE, (all * 8n) / 10n);
  const isCovered = balanceOf(world, tft, vault) >= RESERVE - released + operations.owed;
  if (all > BURNING_END || !isReleased || !isCovered) {
    throw new Error(`The model's supply is unsound: burned ${all}, released ${released}, owed ${operations.owed}`);
  }
}
