import { ethers } from "hardhat";

import type { Standing } from "../../src/deployment/expected";
import { vestingId } from "../../src/deployment/plan";
import type { Protocol } from "./fixture";

/** What the fixture deployed, as the address book and the parameters have it. */
export async function standingOf({ contracts, actors, params }: Protocol): Promise<Standing> {
  const { timelock, genesis, tft, vault, oracle, registry, pool, controller, escrow, vestings } = contracts;
  const named = Object.entries({ timelock, genesis, tft, vault, oracle, registry, pool, controller, escrow });
  const vested = params.allocations.filter((allocation) => "vesting" in allocation);
  const addresses = await Promise.all([
    ...named.map(async ([name, contract]) => [name, await contract.getAddress()] as const),
    ...vested.map(async ({ name }, i) => [vestingId(name), await vestings[i].getAddress()] as const),
  ]);
  return {
    provider: ethers.provider,
    parameters: params,
    chainId: (await ethers.provider.getNetwork()).chainId,
    addresses: Object.fromEntries(addresses),
    since: 0,
    deployer: actors.deployer.address,
  };
}
