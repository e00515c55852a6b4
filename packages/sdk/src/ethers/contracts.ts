import { Contract, type ContractRunner, type Interface } from "ethers";

import {
  BuybackBurnController__factory,
  ComputeEscrow__factory,
  EmissionVault__factory,
  Genesis__factory,
  NodeRegistry__factory,
  OrderRenderer__factory,
  RewardPool__factory,
  TFT__factory,
  TimelockController__factory,
  TUReceiptOracle__factory,
  UniswapV3BuybackFiller__factory,
  UniswapV4BuybackFiller__factory,
  VestedAllocation__factory,
} from "../bindings/index.js";
import { TuringFogError } from "../errors.js";

/**
 * Every contract that a deployment may have, by its key in address books: its name in Solidity, its typed factory with
 * the ABI, and its place, the nonce with which Genesis creates it. All code that enumerates contracts starts from here.
 * The key of a vesting wallet is the {@link vestingKey} of its allocation; `vesting` stands for all of them.
 */
export const CONTRACTS = {
  timelock: { name: "TimelockController", factory: TimelockController__factory },
  renderer: { name: "OrderRenderer", factory: OrderRenderer__factory },
  genesis: { name: "Genesis", factory: Genesis__factory },
  vault: { name: "EmissionVault", factory: EmissionVault__factory, place: 1 },
  oracle: { name: "TUReceiptOracle", factory: TUReceiptOracle__factory, place: 2 },
  registry: { name: "NodeRegistry", factory: NodeRegistry__factory, place: 3 },
  pool: { name: "RewardPool", factory: RewardPool__factory, place: 4 },
  controller: { name: "BuybackBurnController", factory: BuybackBurnController__factory, place: 5 },
  tft: { name: "TFT", factory: TFT__factory, place: 6 },
  escrow: { name: "ComputeEscrow", factory: ComputeEscrow__factory, place: 7 },
  vesting: { name: "VestedAllocation", factory: VestedAllocation__factory },
  filler: { name: "UniswapV3BuybackFiller", factory: UniswapV3BuybackFiller__factory },
  fillerV4: { name: "UniswapV4BuybackFiller", factory: UniswapV4BuybackFiller__factory },
} as const;

type Contracts = typeof CONTRACTS;

export type ContractKey = keyof Contracts;

/** Key of a contract that Genesis creates. */
export type GenesisKey = { [K in ContractKey]: Contracts[K] extends { place: number } ? K : never }[ContractKey];

/** Key of a contract that every deployment has exactly once. */
export type SystemKey = GenesisKey | "timelock" | "renderer" | "genesis";

/** Keys of the contracts that Genesis creates, in the order of their creation. */
export const GENESIS_KEYS: readonly GenesisKey[] = (Object.keys(CONTRACTS) as ContractKey[])
  .filter((key): key is GenesisKey => "place" in CONTRACTS[key])
  .sort((a, b) => CONTRACTS[a].place - CONTRACTS[b].place);

/** Keys of the contracts that every deployment has exactly once, in the order of their creation. */
export const SYSTEM_KEYS: readonly SystemKey[] = ["timelock", "renderer", "genesis", ...GENESIS_KEYS];

/** Typed clients of {@link SYSTEM_KEYS}. */
export type SystemContracts = { [K in SystemKey]: ReturnType<Contracts[K]["factory"]["connect"]> };

/** Addresses of {@link SYSTEM_KEYS}. */
export type SystemAddresses = Record<SystemKey, string>;

/**
 * Addresses in the form of an address book: the system, the vesting wallets by their keys, and the filler if there is
 * one.
 */
export type DeploymentAddresses = SystemAddresses & Record<string, string>;

/** Returns the key of an allocation's vesting wallet in an address book. */
export function vestingKey(allocation: string): string {
  return `${allocation}Vesting`;
}

/** Thrown when a contract of the system has no address. */
export class MissingAddressError extends TuringFogError {
  constructor(readonly contract: SystemKey) {
    super(`The addresses have no ${contract}; expected ${SYSTEM_KEYS.join(", ")}`);
  }
}

const interfaces = new Map<SystemKey, Interface>();

/** Returns a contract's parsed ABI, parsed once: that takes longer than all else of a client. */
function interfaceOf(key: SystemKey): Interface {
  const parsed = interfaces.get(key) ?? CONTRACTS[key].factory.createInterface();
  interfaces.set(key, parsed);
  return parsed;
}

/**
 * Returns typed clients of a deployment's contracts, all through one runner.
 * @throws MissingAddressError
 */
export function connectContracts(addresses: SystemAddresses, runner: ContractRunner | null): SystemContracts {
  const clients = SYSTEM_KEYS.map((key) => {
    if (addresses[key] === undefined) throw new MissingAddressError(key);
    return [key, new Contract(addresses[key], interfaceOf(key), runner)];
  });
  return Object.fromEntries(clients) as SystemContracts;
}
