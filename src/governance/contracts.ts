import type { ContractRunner } from "ethers";

import {
  ComputeEscrow__factory,
  EmissionVault__factory,
  TimelockController__factory,
  TUReceiptOracle__factory,
  type ComputeEscrow,
  type EmissionVault,
  type TimelockController,
  type TUReceiptOracle,
} from "../../typechain-types";

/** The governor, and what it governs. */
export interface GovernedContracts {
  timelock: TimelockController;
  oracle: TUReceiptOracle;
  vault: EmissionVault;
  escrow: ComputeEscrow;
}

/** @param addresses by the names of the address book */
export function governedContracts(addresses: Record<string, string>, runner: ContractRunner): GovernedContracts {
  return {
    timelock: TimelockController__factory.connect(addresses.timelock, runner),
    oracle: TUReceiptOracle__factory.connect(addresses.oracle, runner),
    vault: EmissionVault__factory.connect(addresses.vault, runner),
    escrow: ComputeEscrow__factory.connect(addresses.escrow, runner),
  };
}
