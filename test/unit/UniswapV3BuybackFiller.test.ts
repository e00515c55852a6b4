import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { Phase, WAD as TFT } from "@turingfog/sdk";
import { expect } from "chai";
import { AbiCoder, type Contract, ZeroAddress } from "ethers";
import { ignition } from "hardhat";

import FillerModule from "../../deploy/modules/Filler";
import { type TestToken, type UniswapV3BuybackFiller, UniswapV3BuybackFiller__factory } from "../../typechain-types";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { amountIn, listDollar, openLot, PERIOD, POOL_TFT, POOL_USD, USD } from "../helpers/filling";
import { createPool, deployUniswapV3, POOL_FEE, type UniswapV3 } from "../helpers/uniswap";

/** Just within the ends of Uniswap v3's range of square roots of prices (TickMath), with 96 binary decimals. */
const LOWEST_PRICE = 4_295_128_739n + 2n;
const HIGHEST_PRICE = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342n - 2n;

interface Market {
  uniswap: UniswapV3;
  pool: Contract;
  filler: UniswapV3BuybackFiller;
}

/** Uniswap with a seeded pool of the asset and TFT, and the filler as it is deployed. */
async function deployMarket({ contracts, actors }: Protocol, asset: TestToken): Promise<Market> {
  const uniswap = await deployUniswapV3(actors.deployer);
  await asset.mint(actors.treasury, POOL_USD);
  const pool = await createPool(
    uniswap,
    actors.treasury,
    { token: asset, amount: POOL_USD },
    { token: contracts.tft, amount: POOL_TFT },
  );

  const parameters = {
    Filler: { controller: await contracts.controller.getAddress(), factory: await uniswap.factory.getAddress() },
  };
  const { filler } = await ignition.deploy(FillerModule, { parameters });
  const address = await filler.getAddress();
  return { uniswap, pool, filler: UniswapV3BuybackFiller__factory.connect(address, actors.stranger) };
}

function encodePool(asset: string, fee: bigint): string {
  return AbiCoder.defaultAbiCoder().encode(["address", "uint24"], [asset, fee]);
}

describe("UniswapV3BuybackFiller", () => {
  describe("constructor", () => {
    it("knows the controller, its token and the factory", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, usd } = protocol.contracts;
      const { filler, uniswap } = await deployMarket(protocol, usd);

      expect(await filler.CONTROLLER()).to.equal(controller);
      expect(await filler.TFT()).to.equal(tft);
      expect(await filler.FACTORY()).to.equal(uniswap.factory);
    });
  });

  describe("fill", () => {
    it("refuses an asset that has no pool of this fee", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd, tft, dai } = protocol.contracts;
      const { filler } = await deployMarket(protocol, usd);
      const { round } = await openLot(protocol, usd, 1_000n * USD);

      for (const [asset, fee] of [
        [usd, 500n],
        [dai, 3_000n],
        [tft, 3_000n],
      ] as const) {
        await expect(filler.fill(asset, round, USD, fee, 0n))
          .to.be.revertedWithCustomError(filler, "Filler_NoPool")
          .withArgs(asset, fee);
      }
    });

    it("refuses what the controller refuses", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd, controller } = protocol.contracts;
      const { filler } = await deployMarket(protocol, usd);
      const { round } = await openLot(protocol, usd, 1_000n * USD);

      await expect(filler.fill(usd, round + 1n, USD, POOL_FEE, 0n))
        .to.be.revertedWithCustomError(controller, "Controller_WrongRound")
        .withArgs(round + 1n, round);
    });

    for (const side of ["below", "above"] as const) {
      it(`refuses a pool that has no TFT at the end of its prices, for an asset ${side} TFT`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { tft } = protocol.contracts;
        const dollar = await listDollar(protocol, side);
        const { filler, uniswap } = await deployMarket(protocol, dollar);
        // a pool with a price, one step from the end of the range so that the search for liquidity is short
        const [token0, token1, price] = side === "below" ? [dollar, tft, LOWEST_PRICE] : [tft, dollar, HIGHEST_PRICE];
        await uniswap.positionManager.createAndInitializePoolIfNecessary(token0, token1, 500n, price);
        const { round, start } = await openLot(protocol, dollar, 1_000n * USD);

        await time.setNextBlockTimestamp(start + PERIOD);
        await expect(filler.fill(dollar, round, 1_000n * USD, 500n, 0n))
          .to.be.revertedWithCustomError(filler, "Filler_PoolExhausted")
          .withArgs(0n, 5_000n * TFT);
      });
    }

    it("refuses while the lot costs more than the pool gives for all of it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { filler } = await deployMarket(protocol, usd);
      const { round, start } = await openLot(protocol, usd, 1_000n * USD);

      // 20 TFT for a dollar, of which the pool wants its fee
      await time.increaseTo(start + (PERIOD * 19n) / 30n);
      await expect(filler.fill(usd, round, 1_000n * USD, POOL_FEE, 0n))
        .to.be.revertedWithCustomError(usd, "ERC20InsufficientBalance")
        .withArgs(filler, 1_000n * USD, (needed: bigint) => needed > 1_000n * USD && needed < 1_020n * USD);
    });

    it("refuses a profit one unit below what the caller wants", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { filler } = await deployMarket(protocol, usd);
      const { round, start } = await openLot(protocol, usd, 1_000n * USD);
      // from here on the price is nothing, so the profit does not depend on the second
      await time.increaseTo(start + 17n * PERIOD);
      const profit = await filler.fill.staticCall(usd, round, 1_000n * USD, POOL_FEE, 0n);

      await expect(filler.fill(usd, round, 1_000n * USD, POOL_FEE, profit + 1n))
        .to.be.revertedWithCustomError(filler, "Filler_ProfitTooLow")
        .withArgs(profit, profit + 1n);
      await expect(filler.fill(usd, round, 1_000n * USD, POOL_FEE, profit)).to.emit(filler, "Filled");
    });

    for (const side of ["below", "above"] as const) {
      it(`sells a part of the lot for what it costs and pays the caller the rest, the asset's address ${side} TFT's`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { controller, tft } = protocol.contracts;
        const { stranger } = protocol.actors;
        const usd = await listDollar(protocol, side);
        const { filler, pool } = await deployMarket(protocol, usd);
        const { round, start } = await openLot(protocol, usd, 1_000n * USD);
        const owed = 5_000n * TFT;
        const cost = amountIn(owed, POOL_USD, POOL_TFT);

        await time.setNextBlockTimestamp(start + PERIOD);
        const fill = filler.fill(usd, round, 1_000n * USD, POOL_FEE, 0n);

        await expect(fill).to.changeTokenBalances(tft, [pool, filler, stranger], [-owed, 0n, 0n]);
        const profit = await usd.balanceOf(stranger);
        expect(1_000n * USD - profit).to.be.closeTo(cost, 2n);
        await expect(fill).to.changeTokenBalances(
          usd,
          [controller, pool, filler, stranger],
          [-1_000n * USD, 1_000n * USD - profit, 0n, profit],
        );
        await expect(fill)
          .to.emit(filler, "Filled")
          .withArgs(usd, round, stranger, 1_000n * USD, owed, profit);
        await expect(fill)
          .to.emit(controller, "LotFilled")
          .withArgs(usd, round, filler, filler, 1_000n * USD, owed, 5n * TFT);
      });
    }

    it("has what the pool paid destroyed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, pool: rewards, usd } = protocol.contracts;
      const { filler } = await deployMarket(protocol, usd);
      const { round, start } = await openLot(protocol, usd, 1_000n * USD);

      await time.setNextBlockTimestamp(start + PERIOD);
      await expect(filler.fill(usd, round, 1_000n * USD, POOL_FEE, 0n))
        .to.emit(controller, "Destroyed")
        .withArgs(
          await rewards.bucketId(round, usd),
          round,
          usd,
          5_000n * TFT,
          5_000n * TFT,
          4_000n * TFT,
          400n * TFT,
          3_600n * TFT,
          BigInt(Phase.ProductionMining),
        );
    });

    it("returns the profit", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { filler } = await deployMarket(protocol, usd);
      const { round, start } = await openLot(protocol, usd, 1_000n * USD);
      await time.increaseTo(start + PERIOD);

      expect(await filler.fill.staticCall(usd, round, 1_000n * USD, POOL_FEE, 0n)).to.be.closeTo(
        1_000n * USD - amountIn(5_000n * TFT, POOL_USD, POOL_TFT),
        2n,
      );
    });

    it("fills a part of a lot", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { filler } = await deployMarket(protocol, usd);
      const { round, start } = await openLot(protocol, usd, 1_000n * USD);

      await time.setNextBlockTimestamp(start + PERIOD);
      await expect(filler.fill(usd, round, 300n * USD, POOL_FEE, 0n)).to.changeTokenBalance(
        usd,
        controller,
        -300n * USD,
      );

      expect((await controller.lot(usd)).remaining).to.equal(700n * USD);
    });

    it("leaves no approval behind", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, usd } = protocol.contracts;
      const { filler, pool } = await deployMarket(protocol, usd);
      const { round, start } = await openLot(protocol, usd, 1_000n * USD);
      await time.increaseTo(start + PERIOD);

      await filler.fill(usd, round, 1_000n * USD, POOL_FEE, 0n);

      for (const token of [tft, usd]) {
        expect(await token.allowance(filler, controller)).to.equal(0n);
        expect(await token.allowance(filler, pool)).to.equal(0n);
      }
    });
  });

  describe("onBuyback", () => {
    it("refuses everyone but the controller", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { stranger } = protocol.actors;
      const { filler } = await deployMarket(protocol, usd);

      await expect(filler.onBuyback(usd, USD, TFT, "0x"))
        .to.be.revertedWithCustomError(filler, "Filler_UnexpectedCaller")
        .withArgs(stranger, controller);
    });
  });

  describe("uniswapV3SwapCallback", () => {
    it("refuses everyone but the pool", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { stranger } = protocol.actors;
      const { filler, pool } = await deployMarket(protocol, usd);
      await usd.mint(filler, USD);

      await expect(filler.uniswapV3SwapCallback(USD, 0n, encodePool(await usd.getAddress(), BigInt(POOL_FEE))))
        .to.be.revertedWithCustomError(filler, "Filler_UnexpectedCaller")
        .withArgs(stranger, pool);
    });

    it("refuses everyone for a pool that does not exist", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { stranger } = protocol.actors;
      const { filler } = await deployMarket(protocol, usd);

      await expect(filler.uniswapV3SwapCallback(USD, 0n, encodePool(await usd.getAddress(), 500n)))
        .to.be.revertedWithCustomError(filler, "Filler_UnexpectedCaller")
        .withArgs(stranger, ZeroAddress);
    });
  });
});
