import { ethers, ignition } from "hardhat";

import { systemModule } from "../../deploy/modules/System";
import {
  BuybackBurnController__factory,
  ComputeEscrow__factory,
  EmissionVault__factory,
  Genesis__factory,
  NodeRegistry__factory,
  RewardPool__factory,
  TFT__factory,
  TimelockController__factory,
  TUReceiptOracle__factory,
  VestedAllocation__factory,
  type BuybackBurnController,
  type ComputeEscrow,
  type EmissionVault,
  type Genesis,
  type NodeRegistry,
  type RewardPool,
  type TFT,
  type TimelockController,
  type TUReceiptOracle,
  type VestedAllocation,
} from "../../typechain-types";
import type { DeploymentParameters } from "./parameters";
import { vestingId } from "./plan";

/** Everything that a deployment leaves on the chain. */
export interface Deployment {
  timelock: TimelockController;
  genesis: Genesis;
  tft: TFT;
  vault: EmissionVault;
  oracle: TUReceiptOracle;
  registry: NodeRegistry;
  pool: RewardPool;
  controller: BuybackBurnController;
  escrow: ComputeEscrow;
  /** The vesting wallets, by the name of their allocation. */
  vestings: Record<string, VestedAllocation>;
}

/**
 * Deploys the system to the network that Hardhat is connected to, from its first account, or goes on with a deployment
 * that was interrupted there; one that is complete is only read.
 *
 * @param options.displayUi Shows each transaction as it goes.
 */
export async function deploySystem(
  parameters: DeploymentParameters,
  options: { displayUi?: boolean } = {},
): Promise<Deployment> {
  const [deployer] = await ethers.getSigners();
  const deployed = await ignition.deploy(systemModule(parameters), options);

  const timelock = TimelockController__factory.connect(await deployed.timelock.getAddress(), deployer);
  const genesis = Genesis__factory.connect(await deployed.genesis.getAddress(), deployer);
  const system = await genesis.system(timelock);

  const vestings: Deployment["vestings"] = {};
  for (const allocation of parameters.allocations) {
    if (!("vesting" in allocation)) continue;
    const address = await deployed[vestingId(allocation.name)].getAddress();
    vestings[allocation.name] = VestedAllocation__factory.connect(address, deployer);
  }

  return {
    timelock,
    genesis,
    tft: TFT__factory.connect(system.tft, deployer),
    vault: EmissionVault__factory.connect(system.vault, deployer),
    oracle: TUReceiptOracle__factory.connect(system.oracle, deployer),
    registry: NodeRegistry__factory.connect(system.registry, deployer),
    pool: RewardPool__factory.connect(system.pool, deployer),
    controller: BuybackBurnController__factory.connect(system.controller, deployer),
    escrow: ComputeEscrow__factory.connect(system.escrow, deployer),
    vestings,
  };
}
