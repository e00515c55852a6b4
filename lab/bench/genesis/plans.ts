import path from "node:path";

import { type DeploymentParameters, LIST_LIMITS, readParameters } from "@turingfog/operator";
import { DAY } from "@turingfog/sdk";
import { dataSlice, getAddress, id, parseUnits } from "ethers";
import { ethers } from "hardhat";

const LOCAL = path.join(__dirname, "../../../deploy/parameters/local.json5");

/** The parameters of a local deployment. */
export function defaultParameters(): DeploymentParameters {
  return readParameters(LOCAL);
}

/** Parameters with every list at its limit, each allocation one that vests, and addresses without zero bytes. */
export async function largestParameters(): Promise<DeploymentParameters> {
  const { signers, roleHolders, assets, allocations } = LIST_LIMITS;
  const listed: DeploymentParameters["assets"] = [];
  for (let i = 0; i < assets; ++i) {
    const token = await ethers.deployContract("TestToken", [`Token ${i}`, `T${i}`, 18]);
    listed.push({ address: await token.getAddress(), referencePrice: parseUnits("999999999.999999999", 18) });
  }
  const amounts = Array<bigint>(allocations - 1).fill(parseUnits("9999999.999999999", 18));
  amounts.push(parseUnits("650000000", 18) - amounts.reduce((sum, amount) => sum + amount));

  const local = defaultParameters();
  return {
    ...local,
    governor: {
      ...local.governor,
      proposers: accounts("proposer", roleHolders),
      executors: accounts("executor", roleHolders),
    },
    signers: accounts("signer", signers).sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1)),
    quorum: BigInt(signers),
    assets: listed,
    allocations: accounts("holder", allocations).map((beneficiary, i) => ({
      name: `holder${i}`,
      amount: amounts[i],
      vesting: { beneficiary, start: 1_800_000_000n, duration: 1_460n * DAY, cliff: 365n * DAY },
    })),
  };
}

function accounts(what: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => getAddress(dataSlice(id(`${what} ${i}`), 0, 20)));
}
