import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import type { ContractFuture, NamedArtifactContractDeploymentFuture } from "@nomicfoundation/ignition-core";
import { artifacts } from "hardhat";

import type { DeploymentParameters } from "../../src/deployment/parameters";
import { codesHash, creationCodes, genesisPlan } from "../../src/deployment/plan";
import { allocationsModule } from "./Allocations";
import { governanceModule } from "./Governance";

/** The timelock, the vesting wallets, and Genesis, which creates the seven contracts in one call. */
export function systemModule(parameters: DeploymentParameters) {
  const governance = governanceModule(parameters.governor);
  const allocations = allocationsModule(parameters.allocations);

  return buildModule("System", (m) => {
    const { timelock } = m.useModule(governance);
    const vestings = m.useModule(allocations);

    const codes = creationCodes(artifacts);
    const plan = genesisPlan<ContractFuture<string>>(parameters, timelock, vestings);
    const genesis = m.contract("Genesis", [codesHash(codes), plan]);
    m.call(genesis, "create", [codes, plan]);

    const deployed: Record<string, NamedArtifactContractDeploymentFuture<string>> = { timelock, genesis, ...vestings };
    return deployed;
  });
}
