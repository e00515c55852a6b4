import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { ZeroAddress } from "ethers";

import type { DeploymentParameters } from "../../src/deployment/parameters";

/** The governor: OpenZeppelin's timelock, administered by nobody but itself. */
export function governanceModule({ minDelay, proposers, executors }: DeploymentParameters["governor"]) {
  return buildModule("Governance", (m) => ({
    timelock: m.contract("TimelockController", [minDelay, proposers, executors, ZeroAddress]),
  }));
}
