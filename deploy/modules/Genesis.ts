import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { ContractFuture, NamedArtifactContractDeploymentFuture } from "@nomicfoundation/ignition-core";
import { artifacts } from "hardhat";

import type { DeploymentParameters } from "../../src/deployment/parameters";
import { codesHash, creationCodes, genesisPlan } from "../../src/deployment/plan";
import { allocationsModule } from "./Allocations";
import { governanceModule } from "./Governance";

/**
 * The timelock, the vesting wallets, and Genesis with the hash of the plan that names them. The call that creates the
 * system is no part of it: it is anyone's, and a module that finds it made by someone else would fail.
 */
export function genesisModule(parameters: DeploymentParameters) {
  const governance = governanceModule(parameters.governor);
  const allocations = allocationsModule(parameters.allocations);

  return buildModule("Genesis", (m) => {
    const { timelock } = m.useModule(governance);
    const vestings = m.useModule(allocations);

    const plan = genesisPlan<ContractFuture<string>>(parameters, timelock, vestings);
    const genesis = m.contract("Genesis", [codesHash(creationCodes(artifacts)), plan]);

    const deployed: Record<string, NamedArtifactContractDeploymentFuture<string>> = { timelock, genesis, ...vestings };
    return deployed;
  });
}
