import type { CheckedDeployment } from "@turingfog/operator";
import { type DeploymentAddresses, vestingKey } from "@turingfog/sdk/ethers";
import { ethers } from "hardhat";

import type { Protocol } from "./fixture";

/** What the fixture deployed, as the address book and the parameters have it. */
export async function checkedDeployment({ contracts, actors, params }: Protocol): Promise<CheckedDeployment> {
  const { timelock, genesis, tft, vault, oracle, registry, pool, controller, escrow, vestings } = contracts;
  const named = Object.entries({ timelock, genesis, tft, vault, oracle, registry, pool, controller, escrow });
  const vested = params.allocations.filter((allocation) => "vesting" in allocation);
  const addresses = await Promise.all([
    ...named.map(async ([name, contract]) => [name, await contract.getAddress()] as const),
    ...vested.map(async ({ name }, i) => [vestingKey(name), await vestings[i].getAddress()] as const),
  ]);
  return {
    provider: ethers.provider,
    parameters: params,
    chainId: (await ethers.provider.getNetwork()).chainId,
    addresses: Object.fromEntries(addresses) as DeploymentAddresses,
    since: 0,
    deployer: actors.deployer.address,
  };
}
