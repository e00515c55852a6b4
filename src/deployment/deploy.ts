import { artifacts, ethers, ignition } from "hardhat";

import { genesisModule } from "../../deploy/modules/Genesis";
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
import type { PlanStruct } from "../../typechain-types/contracts/Genesis";
import type { DeploymentParameters } from "./parameters";
import { creationCodes, genesisPlan, vestingId } from "./plan";

/** The timelock, Genesis, and the seven contracts that it created. */
export interface SystemContracts {
  timelock: TimelockController;
  genesis: Genesis;
  tft: TFT;
  vault: EmissionVault;
  oracle: TUReceiptOracle;
  registry: NodeRegistry;
  pool: RewardPool;
  controller: BuybackBurnController;
  escrow: ComputeEscrow;
}

/** What a deployment leaves on the chain. */
export interface Deployment {
  contracts: SystemContracts;
  /** The vesting wallets, by the name of their allocation. */
  vestings: Record<string, VestedAllocation>;
  /** Hash of the transaction that created the system, unless it stood before or someone else sent it. */
  creation: string | undefined;
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
  const deployed = await ignition.deploy(genesisModule(parameters), options);

  const addresses = Object.fromEntries(
    await Promise.all(
      Object.entries(deployed).map(async ([name, contract]) => [name, await contract.getAddress()] as const),
    ),
  );
  const timelock = TimelockController__factory.connect(addresses.timelock, deployer);
  const genesis = Genesis__factory.connect(addresses.genesis, deployer);
  const creation = await createSystem(genesis, genesisPlan(parameters, addresses.timelock, addresses));

  const vested = parameters.allocations.filter((allocation) => "vesting" in allocation);
  const vestings = vested.map(
    ({ name }) => [name, VestedAllocation__factory.connect(addresses[vestingId(name)], deployer)] as const,
  );

  const system = await genesis.system(timelock);
  return {
    contracts: {
      timelock,
      genesis,
      tft: TFT__factory.connect(system.tft, deployer),
      vault: EmissionVault__factory.connect(system.vault, deployer),
      oracle: TUReceiptOracle__factory.connect(system.oracle, deployer),
      registry: NodeRegistry__factory.connect(system.registry, deployer),
      pool: RewardPool__factory.connect(system.pool, deployer),
      controller: BuybackBurnController__factory.connect(system.controller, deployer),
      escrow: ComputeEscrow__factory.connect(system.escrow, deployer),
    },
    vestings: Object.fromEntries(vestings),
    creation,
  };
}

/** Has Genesis create the system unless it stands, and resolves to the hash of the transaction if that took one. */
export async function createSystem(genesis: Genesis, plan: PlanStruct): Promise<string | undefined> {
  const { tft } = await genesis.system(plan.governor);
  const isCreated = async () => (await ethers.provider.getCode(tft)) !== "0x";
  if (await isCreated()) return undefined;

  try {
    const transaction = await genesis.create(creationCodes(artifacts), plan);
    await transaction.wait();
    return transaction.hash;
  } catch (error) {
    // whoever came first has made the same call
    if (await isCreated()) return undefined;
    throw error;
  }
}
