import { artifacts, ethers, ignition } from "hardhat";

import { genesisModule } from "../../deploy/modules/Genesis";
import type { VestedAllocation } from "../../typechain-types";
import { connect } from "./connection";
import { ensureCreate2Deployer, missingSteps, systemContracts, type SystemContracts } from "./deployment";
import { KeySender } from "./keySender";
import { IN_PROCESS } from "./networks";
import type { DeploymentParameters } from "./parameters";
import { loadWallet } from "./signer";
import { planSystem } from "./system";

export type { SystemContracts } from "./deployment";

/** What a deployment leaves on the chain. */
export interface Deployment {
  contracts: SystemContracts;
  /** The vesting wallets, by the name of their allocation. */
  vestings: Record<string, VestedAllocation>;
}

/** Deploys the system to Hardhat's network in this process with Ignition, from its first account. */
export async function deploySystem(parameters: DeploymentParameters): Promise<Deployment> {
  const connection = await connect(IN_PROCESS);
  const wallet = await loadWallet({ isLocal: true, env: {} }, connection.provider);
  await ensureCreate2Deployer(connection, new KeySender(wallet, connection));

  const plan = planSystem(parameters, artifacts);
  await ignition.deploy(genesisModule(await missingSteps(plan, connection.provider)));

  const [deployer] = await ethers.getSigners();
  return systemContracts(plan.addresses, parameters, deployer);
}
