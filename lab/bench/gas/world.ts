import { time } from "@nomicfoundation/hardhat-network-helpers";
import { MaxUint256, parseUnits } from "ethers";
import { ignition } from "hardhat";

import FillerModule from "../../../deploy/modules/Filler";
import { deployProtocolFixture, type Protocol } from "../../../test/helpers/fixture";
import { createPool, deployUniswapV3, type UniswapV3 } from "../../../test/helpers/uniswap";
import { type UniswapV3BuybackFiller, UniswapV3BuybackFiller__factory } from "../../../typechain-types";
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
