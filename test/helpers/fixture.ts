import path from "node:path";

import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { time } from "@nomicfoundation/hardhat-network-helpers";
import { type DeploymentParameters, readParameters } from "@turingfog/operator";
import { DAY } from "@turingfog/sdk";
import { type DeploymentAddresses, type SystemContracts } from "@turingfog/sdk/ethers";
import { parseUnits } from "ethers";
import { ethers } from "hardhat";

import { deploySystem } from "../../deploy/inProcess";
import type { TestToken, VestedAllocation } from "../../typechain-types";

/** The first reference prices: TFT (18 decimals) for a whole unit. */
export const USD_REFERENCE_PRICE = parseUnits("20", 18);
export const DAI_REFERENCE_PRICE = parseUnits("20", 18);

/** What each renter and the bidder start with: TFT, and whole units of either stablecoin. */
export const INITIAL_TFT = parseUnits("10000000", 18);
export const INITIAL_USD = parseUnits("10000000", 6);
export const INITIAL_DAI = parseUnits("10000000", 18);

const LOCAL_PARAMETERS = path.join(__dirname, "../../deploy/parameters/local.json5");

export interface Contracts extends SystemContracts {
  /** A stablecoin of 6 decimals. */
  usd: TestToken;
  /** A stablecoin of 18 decimals. */
  dai: TestToken;
  /** In the order of the parameters' allocations. */
  vestings: VestedAllocation[];
}

export interface Actors {
  /** Sent every transaction of the deployment, and has no power. */
  deployer: HardhatEthersSigner;
  /** Proposes and executes for the governor. */
  admin: HardhatEthersSigner;
  guardian: HardhatEthersSigner;
  /** The operations treasury. */
  operations: HardhatEthersSigner;
  /** Ascending by address, as the oracle has them. */
  oracleSigners: HardhatEthersSigner[];
  /** Holds the liquid allocation, less what the renters and the bidder got of it. */
  treasury: HardhatEthersSigner;
  miners: HardhatEthersSigner[];
  renters: HardhatEthersSigner[];
  bidder: HardhatEthersSigner;
  /** Has nothing to do with the protocol. */
  stranger: HardhatEthersSigner;
  /** Of the vesting allocations, in their order. */
  beneficiaries: HardhatEthersSigner[];
}

export interface Protocol {
  /** As an address book has them. */
  addresses: DeploymentAddresses;
  contracts: Contracts;
  actors: Actors;
  params: DeploymentParameters;
}

/**
 * Runs the real deployment with the local parameters and two stablecoins; renters and the bidder have funds.
 * @param changes parameters that differ from the local ones
 */
export async function deployProtocolFixture(changes: Partial<DeploymentParameters> = {}): Promise<Protocol> {
  const signers = await ethers.getSigners();
  const usd = await ethers.deployContract("TestToken", ["USD Stablecoin", "USD", 6]);
  const dai = await ethers.deployContract("TestToken", ["DAI Stablecoin", "DAI", 18]);

  const params = { ...(await testParameters(usd, dai)), ...changes };
  const { addresses, contracts: system, vestings } = await deploySystem(params);

  const named = (address: string) => ethers.getSigner(address);
  const liquid = params.allocations.flatMap((allocation) => ("holder" in allocation ? [allocation.holder] : []));
  const vested = params.allocations.flatMap((allocation) => ("vesting" in allocation ? [allocation] : []));
  const actors: Actors = {
    deployer: signers[0],
    admin: await named(params.governor.proposers[0]),
    guardian: await named(params.guardian),
    operations: await named(params.operations.treasury),
    oracleSigners: await Promise.all(params.signers.map(named)),
    treasury: await named(liquid[0]),
    beneficiaries: await Promise.all(vested.map(({ vesting }) => named(vesting.beneficiary))),
    bidder: signers[9],
    miners: signers.slice(10, 13),
    renters: signers.slice(13, 16),
    stranger: signers[16],
  };

  for (const account of [...actors.renters, actors.bidder]) {
    await system.tft.connect(actors.treasury).transfer(account, INITIAL_TFT);
    await usd.mint(account, INITIAL_USD);
    await dai.mint(account, INITIAL_DAI);
  }

  return {
    addresses,
    contracts: { ...system, usd, dai, vestings: vested.map(({ name }) => vestings[name]) },
    actors,
    params,
  };
}

/** The local parameters with the stablecoins listed, and vesting from tomorrow on. */
async function testParameters(usd: TestToken, dai: TestToken): Promise<DeploymentParameters> {
  const local = readParameters(LOCAL_PARAMETERS);
  const start = BigInt(await time.latest()) + DAY;
  return {
    ...local,
    assets: [
      { address: await usd.getAddress(), referencePrice: USD_REFERENCE_PRICE },
      { address: await dai.getAddress(), referencePrice: DAI_REFERENCE_PRICE },
    ],
    allocations: local.allocations.map((allocation) =>
      "vesting" in allocation ? { ...allocation, vesting: { ...allocation.vesting, start } } : allocation,
    ),
  };
}
