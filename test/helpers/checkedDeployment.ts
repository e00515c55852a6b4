import type { CheckedDeployment } from "@turingfog/operator";
import { ethers } from "hardhat";

import type { Protocol } from "./fixture";

/** What the fixture deployed, as the address book and the parameters have it. */
export async function checkedDeployment({ addresses, actors, params }: Protocol): Promise<CheckedDeployment> {
  return {
    provider: ethers.provider,
    parameters: params,
    chainId: (await ethers.provider.getNetwork()).chainId,
    addresses,
    since: 0,
    deployer: actors.deployer.address,
  };
}
