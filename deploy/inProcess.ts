import { connect, ensureCreate2Deployer, IN_PROCESS, KeySender, loadWallet, missingSteps } from "@turingfog/operator";
import { planDeployment, readHardhatBuild, type Build, type DeploymentParameters } from "@turingfog/operator";
import {
  connectContracts,
  CONTRACTS,
  type DeploymentAddresses,
  type SystemContracts,
  vestingKey,
} from "@turingfog/sdk/ethers";
import hre, { ethers, ignition } from "hardhat";

import type { VestedAllocation } from "../typechain-types";
import { genesisModule } from "./modules/Genesis";

/** The contracts of a deployment. */
export interface InProcessDeployment {
  addresses: DeploymentAddresses;
  contracts: SystemContracts;
  /** The vesting wallets, by the name of their allocation. */
  vestings: Record<string, VestedAllocation>;
}

/** Reads the build from this project's artifacts, which are the instrumented ones under coverage. */
export function projectBuild(): Promise<Build> {
  return readHardhatBuild(hre.config.paths.artifacts);
}

/** Deploys the system with Ignition to Hardhat's network in this process, from its first account. */
export async function deploySystem(parameters: DeploymentParameters): Promise<InProcessDeployment> {
  const connection = await connect(IN_PROCESS);
  const wallet = await loadWallet({ isLocal: true, env: {} }, connection.provider);
  await ensureCreate2Deployer(connection, new KeySender(wallet, connection));

  const plan = planDeployment(parameters, await projectBuild());
  await ignition.deploy(genesisModule(await missingSteps(plan, connection.provider)));

  const { addresses } = plan;
  const [deployer] = await ethers.getSigners();
  const vested = parameters.allocations.filter((allocation) => "vesting" in allocation);
  const vestings = vested.map(
    ({ name }) => [name, CONTRACTS.vesting.factory.connect(addresses[vestingKey(name)], deployer)] as const,
  );
  return { addresses, contracts: connectContracts(addresses, deployer), vestings: Object.fromEntries(vestings) };
}
