import path from "node:path";

import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import MulticallArtifact from "@uniswap/v3-periphery/artifacts/contracts/lens/UniswapInterfaceMulticall.sol/UniswapInterfaceMulticall.json";
import { type DeploymentParameters, readParameters } from "@turingfog/operator";
import { CONTRACTS, type SystemContracts, TuringFog } from "@turingfog/sdk/ethers";
import { type Contract, ContractFactory, parseUnits } from "ethers";
import { ethers, ignition } from "hardhat";

import { deploySystem } from "../../deploy/inProcess";
import FillerModule from "../../deploy/modules/Filler";
import { createPool, deployUniswapV3 } from "../../test/helpers/uniswap";
import type { TestToken, UniswapV3BuybackFiller, VestedAllocation } from "../../typechain-types";
import { Market } from "./market";
import { Reader } from "./reader";

/** Amounts with which the treasury provides the market: a dollar buys 100 TFT at first. */
const MARKET_TFT = parseUnits("200000000", 18);
const MARKET_USD = parseUnits("2000000", 6);
const FIRST_REFERENCE_PRICE = parseUnits("100", 18);

const LOCAL_PARAMETERS = path.join(__dirname, "../../deploy/parameters/local.json5");

export interface Actors {
  /** In ascending order of their addresses, as the contracts ask for. */
  oracleSigners: HardhatEthersSigner[];
  /** The treasuries, which sell TFT to the market as the years go by. */
  treasury: HardhatEthersSigner;
  operations: HardhatEthersSigner;
  beneficiaries: HardhatEthersSigner[];
  /** An account without a role: submits, settles, burns, fills and closes, which anyone may. */
  keeper: HardhatEthersSigner;
  miners: HardhatEthersSigner[];
  /** Rents with TFT that she buys on the market. */
  alice: HardhatEthersSigner;
  /** Rents with dollars, and signs permits. */
  bob: HardhatEthersSigner;
  /** Pays on behalf of Carol, who has a card and no account on the chain, and holds her orders. */
  gateway: HardhatEthersSigner;
}

/** The system, a dollar, a market of both, and everyone who takes part. */
export interface World {
  /** The system through the deployer. */
  fog: TuringFog;
  contracts: SystemContracts;
  vestings: VestedAllocation[];
  usd: TestToken;
  filler: UniswapV3BuybackFiller;
  market: Market;
  /** Reads many values of one moment at the price of one. */
  reader: Reader;
  actors: Actors;
  params: DeploymentParameters;
}

/** Deploys the system as on any network, Uniswap v3 as its authors published it, and the filler between them. */
export async function createWorld(): Promise<World> {
  const [deployer, ...others] = await ethers.getSigners();
  const usd = await ethers.deployContract("TestToken", ["USD Stablecoin", "USD", 6]);
  const params = {
    ...readParameters(LOCAL_PARAMETERS),
    assets: [{ address: await usd.getAddress(), referencePrice: FIRST_REFERENCE_PRICE }],
  };
  const { addresses, vestings } = await deploySystem(params);
  const fog = new TuringFog(addresses, deployer);
  const { contracts } = fog;
  const actors = await castOf(params, others);

  const uniswap = await deployUniswapV3(deployer);
  await usd.mint(actors.treasury, MARKET_USD);
  const pool = await createPool(
    uniswap,
    actors.treasury,
    { token: contracts.tft, amount: MARKET_TFT },
    { token: usd, amount: MARKET_USD },
  );

  const [controller, factory] = await Promise.all([contracts.controller.getAddress(), uniswap.factory.getAddress()]);
  const { filler } = await ignition.deploy(FillerModule, { parameters: { Filler: { controller, factory } } });
  const multicall = await new ContractFactory(MulticallArtifact.abi, MulticallArtifact.bytecode, deployer).deploy();
  const reader = new Reader(multicall as Contract);

  return {
    fog,
    contracts,
    vestings: Object.values(vestings),
    usd,
    filler: CONTRACTS.filler.factory.connect(await filler.getAddress(), deployer),
    market: await Market.of(uniswap, pool.connect(reader) as Contract, contracts.tft, usd),
    reader,
    actors,
    params,
  };
}

async function castOf(params: DeploymentParameters, accounts: HardhatEthersSigner[]): Promise<Actors> {
  const named = (address: string) => ethers.getSigner(address);
  const held = params.allocations.flatMap((allocation) => ("holder" in allocation ? [allocation.holder] : []));
  const vested = params.allocations.flatMap((allocation) => ("vesting" in allocation ? [allocation.vesting] : []));
  const taken = new Set([
    ...params.governor.proposers,
    params.guardian,
    params.operations.treasury,
    ...params.signers,
    ...held,
    ...vested.map(({ beneficiary }) => beneficiary),
  ]);
  const [keeper, alice, bob, gateway, ...miners] = accounts.filter(({ address }) => !taken.has(address));
  return {
    oracleSigners: await Promise.all([...params.signers].sort(ascending).map(named)),
    treasury: await named(held[0]),
    operations: await named(params.operations.treasury),
    beneficiaries: await Promise.all(vested.map(({ beneficiary }) => named(beneficiary))),
    keeper,
    miners,
    alice,
    bob,
    gateway,
  };
}

function ascending(a: string, b: string): number {
  return BigInt(a) < BigInt(b) ? -1 : 1;
}
