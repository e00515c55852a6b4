import { time } from "@nomicfoundation/hardhat-network-helpers";
import { MaxUint256, parseUnits, ZeroAddress } from "ethers";
import { ignition } from "hardhat";

import FillerModule from "../../../deploy/modules/Filler";
import FillerV4Module from "../../../deploy/modules/FillerV4";
import { deployProtocolFixture, type Protocol } from "../../../test/helpers/fixture";
import { createPool, deployUniswapV3, type UniswapV3 } from "../../../test/helpers/uniswap";
import { createPoolV4, deployUniswapV4 } from "../../../test/helpers/uniswapV4";
import {
  type UniswapV3BuybackFiller,
  UniswapV3BuybackFiller__factory,
  type UniswapV4BuybackFiller,
  UniswapV4BuybackFiller__factory,
} from "../../../typechain-types";
import { tickWithTransactions } from "./meter";

/** The first second of an epoch, some days after the chain's first. */
const START = Date.UTC(2027, 1, 1) / 1_000;

/** What the pool is seeded with: 20 TFT for a dollar, as the auction's first reference price. */
const POOL_USD = parseUnits("1000000", 6);
const POOL_TFT = parseUnits("20000000", 18);

/** The system as it is deployed anywhere, Uniswap v3 and the filler between them. */
export interface World extends Protocol {
  uniswap: UniswapV3;
  filler: UniswapV3BuybackFiller;
}

/** Deploys everything, and gives everyone who will receive a token some of it, so that no balance starts from zero. */
export async function createWorld(): Promise<World> {
  const protocol = await deployProtocolFixture();
  const { tft, usd, dai, escrow, controller, pool } = protocol.contracts;
  const { deployer, treasury, operations, renters, bidder } = protocol.actors;

  const uniswap = await deployUniswapV3(deployer);
  await usd.mint(treasury, POOL_USD);
  await createPool(uniswap, treasury, { token: tft, amount: POOL_TFT }, { token: usd, amount: POOL_USD });
  const parameters = {
    Filler: { controller: await controller.getAddress(), factory: await uniswap.factory.getAddress() },
  };
  const { filler } = await ignition.deploy(FillerModule, { parameters });

  await time.increaseTo(START);
  tickWithTransactions();

  for (const holder of [escrow, controller, pool, operations]) {
    await tft.connect(treasury).transfer(holder, 1n);
    await usd.mint(holder, 1n);
  }
  for (const asset of [tft, usd, dai]) await asset.connect(renters[0]).approve(escrow, MaxUint256);
  await tft.connect(bidder).approve(controller, MaxUint256);

  const address = await filler.getAddress();
  return { ...protocol, uniswap, filler: UniswapV3BuybackFiller__factory.connect(address, bidder) };
}

/** Deploys Uniswap v4 with a pool like the world's, and the filler between it and the system. */
export async function createFillerV4({ contracts, actors }: Protocol): Promise<UniswapV4BuybackFiller> {
  const { tft, usd, controller } = contracts;
  const uniswap = await deployUniswapV4(actors.deployer);
  await usd.mint(actors.treasury, POOL_USD);
  const amounts = [
    { token: tft, amount: POOL_TFT },
    { token: usd, amount: POOL_USD },
  ] as const;
  await createPoolV4(uniswap, actors.treasury, ZeroAddress, ...amounts);
  const parameters = {
    FillerV4: { controller: await controller.getAddress(), poolManager: await uniswap.manager.getAddress() },
  };
  const { filler } = await ignition.deploy(FillerV4Module, { parameters });
  return UniswapV4BuybackFiller__factory.connect(await filler.getAddress(), actors.bidder);
}
