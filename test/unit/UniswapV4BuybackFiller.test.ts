import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { Phase, WAD as TFT } from "@turingfog/sdk";
import { expect } from "chai";
import { AbiCoder, type AddressLike, ZeroAddress } from "ethers";
import { ignition } from "hardhat";

import FillerModule from "../../deploy/modules/FillerV4";
import {
  type HostileHook,
  type TestToken,
  type UniswapV4BuybackFiller,
  UniswapV4BuybackFiller__factory,
} from "../../typechain-types";
import { amountIn, listDollar, openLot, PERIOD, POOL_TFT, POOL_USD, USD } from "../helpers/filling";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { POOL_FEE } from "../helpers/uniswap";
import {
  createPoolV4,
  deployUniswapV4,
  keyOf,
  placeHooks,
  type PoolKey,
  poolId,
  TICK_SPACING,
  type UniswapV4,
} from "../helpers/uniswapV4";

/** Just within the ends of Uniswap v4's range of square roots of prices (TickMath), with 96 binary decimals. */
const LOWEST_PRICE = 4_295_128_739n + 2n;
const HIGHEST_PRICE = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342n - 2n;

/** What the lot of these tests costs in the first second of the second period: 5 TFT for a dollar. */
const LOT = 1_000n * USD;
const OWED = 5_000n * TFT;

interface Market {
  uniswap: UniswapV4;
  key: PoolKey;
  filler: UniswapV4BuybackFiller;
}

/** Uniswap with a seeded pool of the asset and TFT, and the filler as it is deployed. */
async function deployMarket(
  { contracts, actors }: Protocol,
  asset: TestToken,
  hooks: string = ZeroAddress,
): Promise<Market> {
  const uniswap = await deployUniswapV4(actors.deployer);
  await asset.mint(actors.treasury, POOL_USD);
  const key = await createPoolV4(
    uniswap,
    actors.treasury,
    hooks,
    { token: asset, amount: POOL_USD },
    { token: contracts.tft, amount: POOL_TFT },
  );

  const [controller, poolManager] = await Promise.all([
    contracts.controller.getAddress(),
    uniswap.manager.getAddress(),
  ]);
  const { filler } = await ignition.deploy(FillerModule, { parameters: { FillerV4: { controller, poolManager } } });
  const address = await filler.getAddress();
  return { uniswap, key, filler: UniswapV4BuybackFiller__factory.connect(address, actors.stranger) };
}

/** Fills from a market's pool, for the stranger if nobody else is named. */
function fillFrom(
  { filler, key }: Market,
  asset: TestToken,
  round: bigint,
  { amount = LOT, minProfit = 0n, to }: { amount?: bigint; minProfit?: bigint; to: string },
) {
  return filler.fill(asset, round, amount, key.fee, key.tickSpacing, key.hooks, minProfit, to);
}

describe("UniswapV4BuybackFiller", () => {
  describe("constructor", () => {
    it("knows the controller, its token and the PoolManager", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, usd } = protocol.contracts;
      const { filler, uniswap } = await deployMarket(protocol, usd);

      expect(await filler.CONTROLLER()).to.equal(controller);
      expect(await filler.TFT()).to.equal(tft);
      expect(await filler.POOL_MANAGER()).to.equal(uniswap.manager);
    });
  });

  describe("fill", () => {
    it("refuses a pool that differs from all that there are in its fee, tick spacing, hooks or asset", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd, tft, dai } = protocol.contracts;
      const { stranger } = protocol.actors;
      const { filler, uniswap } = await deployMarket(protocol, usd);
      const { round } = await openLot(protocol, usd, LOT);

      for (const [asset, fee, spacing, hooks] of [
        [usd, 500, TICK_SPACING, ZeroAddress],
        [usd, POOL_FEE, 10, ZeroAddress],
        [usd, POOL_FEE, TICK_SPACING, await uniswap.manager.getAddress()],
        [dai, POOL_FEE, TICK_SPACING, ZeroAddress],
        [tft, POOL_FEE, TICK_SPACING, ZeroAddress],
      ] as const) {
        await expect(filler.fill(asset, round, USD, fee, spacing, hooks, 0n, stranger))
          .to.be.revertedWithCustomError(filler, "Filler_NoPool")
          .withArgs(asset, fee, spacing, hooks);
      }
    });

    it("refuses the chain's own coin, even where a pool sells TFT for it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd, tft, controller } = protocol.contracts;
      const { stranger } = protocol.actors;
      const { filler, uniswap } = await deployMarket(protocol, usd);
      await uniswap.manager.initialize(keyOf(ZeroAddress, await tft.getAddress()), 2n ** 96n);

      await expect(filler.fill(ZeroAddress, 1n, USD, POOL_FEE, TICK_SPACING, ZeroAddress, 0n, stranger))
        .to.be.revertedWithCustomError(controller, "Controller_NoLot")
        .withArgs(ZeroAddress);
    });

    it("refuses what the controller refuses", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd, controller } = protocol.contracts;
      const { stranger } = protocol.actors;
      const market = await deployMarket(protocol, usd);
      const { round } = await openLot(protocol, usd, LOT);

      await expect(fillFrom(market, usd, round + 1n, { to: stranger.address }))
        .to.be.revertedWithCustomError(controller, "Controller_WrongRound")
        .withArgs(round + 1n, round);
    });

    for (const side of ["below", "above"] as const) {
      it(`refuses a pool that has no TFT at the end of its prices, for an asset ${side} TFT`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { tft } = protocol.contracts;
        const { stranger } = protocol.actors;
        const dollar = await listDollar(protocol, side);
        const { filler, uniswap } = await deployMarket(protocol, dollar);
        // a pool with a price, one step from the end of the range so that the search for liquidity is short
        const key = keyOf(await dollar.getAddress(), await tft.getAddress(), ZeroAddress, 500);
        await uniswap.manager.initialize(key, side === "below" ? LOWEST_PRICE : HIGHEST_PRICE);
        const { round, start } = await openLot(protocol, dollar, LOT);

        await time.setNextBlockTimestamp(start + PERIOD);
        await expect(filler.fill(dollar, round, LOT, 500, TICK_SPACING, ZeroAddress, 0n, stranger))
          .to.be.revertedWithCustomError(filler, "Filler_PoolExhausted")
          .withArgs(0n, OWED);
      });
    }

    it("refuses while the lot costs more than the pool gives for all of it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { stranger } = protocol.actors;
      const market = await deployMarket(protocol, usd);
      const { round, start } = await openLot(protocol, usd, LOT);

      // 20 TFT for a dollar, of which the pool wants its fee
      await time.increaseTo(start + (PERIOD * 19n) / 30n);
      await expect(fillFrom(market, usd, round, { to: stranger.address }))
        .to.be.revertedWithCustomError(usd, "ERC20InsufficientBalance")
        .withArgs(market.filler, LOT, (needed: bigint) => needed > LOT && needed < LOT + 20n * USD);
    });

    it("refuses a profit one unit below what the caller wants", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { stranger } = protocol.actors;
      const market = await deployMarket(protocol, usd);
      const { filler, key } = market;
      const { round, start } = await openLot(protocol, usd, LOT);
      // from here on the price is nothing, so the profit does not depend on the second
      await time.increaseTo(start + 17n * PERIOD);
      const profit = await filler.fill.staticCall(
        ...([usd, round, LOT, key.fee, key.tickSpacing, key.hooks, 0n, stranger] as const),
      );

      await expect(fillFrom(market, usd, round, { minProfit: profit + 1n, to: stranger.address }))
        .to.be.revertedWithCustomError(filler, "Filler_ProfitTooLow")
        .withArgs(profit, profit + 1n);
      await expect(fillFrom(market, usd, round, { minProfit: profit, to: stranger.address })).to.changeTokenBalance(
        usd,
        stranger,
        profit,
      );
    });

    for (const side of ["below", "above"] as const) {
      it(`sells a part of the lot for what it costs and pays the rest to whom the caller names, the asset's address ${side} TFT's`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { controller, tft } = protocol.contracts;
        const { stranger, bidder } = protocol.actors;
        const usd = await listDollar(protocol, side);
        const market = await deployMarket(protocol, usd);
        const { filler, uniswap, key } = market;
        const { manager } = uniswap;
        const { round, start } = await openLot(protocol, usd, LOT);
        const before = await usd.balanceOf(bidder);

        await time.setNextBlockTimestamp(start + PERIOD);
        const fill = fillFrom(market, usd, round, { to: bidder.address });

        await expect(fill).to.changeTokenBalances(tft, [manager, filler, stranger, bidder], [-OWED, 0n, 0n, 0n]);
        const profit = (await usd.balanceOf(bidder)) - before;
        expect(LOT - profit).to.be.closeTo(amountIn(OWED, POOL_USD, POOL_TFT), 2n);
        await expect(fill).to.changeTokenBalances(
          usd,
          [controller, manager, filler, stranger, bidder],
          [-LOT, LOT - profit, 0n, 0n, profit],
        );
        const [amount0, amount1] = side === "below" ? [profit - LOT, OWED] : [OWED, profit - LOT];
        await expect(fill)
          .to.emit(manager, "Swap")
          .withArgs(poolId(key), filler, amount0, amount1, ...Array<() => boolean>(3).fill(() => true), POOL_FEE);
        await expect(fill).to.emit(filler, "Filled").withArgs(usd, round, stranger, LOT, OWED, profit);
        await expect(fill)
          .to.emit(controller, "LotFilled")
          .withArgs(usd, round, filler, filler, LOT, OWED, 5n * TFT);
      });
    }

    it("has what the pool paid destroyed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, pool: rewards, usd } = protocol.contracts;
      const { stranger } = protocol.actors;
      const market = await deployMarket(protocol, usd);
      const { round, start } = await openLot(protocol, usd, LOT);

      await time.setNextBlockTimestamp(start + PERIOD);
      await expect(fillFrom(market, usd, round, { to: stranger.address }))
        .to.emit(controller, "Destroyed")
        .withArgs(
          await rewards.bucketId(round, usd),
          round,
          usd,
          OWED,
          OWED,
          4_000n * TFT,
          400n * TFT,
          3_600n * TFT,
          BigInt(Phase.ProductionMining),
        );
    });

    it("fills a part of a lot", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { stranger } = protocol.actors;
      const market = await deployMarket(protocol, usd);
      const { round, start } = await openLot(protocol, usd, LOT);

      await time.setNextBlockTimestamp(start + PERIOD);
      const part = { amount: 300n * USD, to: stranger.address };
      await expect(fillFrom(market, usd, round, part)).to.changeTokenBalance(usd, controller, -300n * USD);

      expect((await controller.lot(usd)).remaining).to.equal(700n * USD);
    });

    it("leaves no approval, no credit and no debt behind", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, usd } = protocol.contracts;
      const { stranger } = protocol.actors;
      const market = await deployMarket(protocol, usd);
      const { filler, uniswap } = market;
      const { manager } = uniswap;
      const { round, start } = await openLot(protocol, usd, LOT);
      await time.increaseTo(start + PERIOD);

      await fillFrom(market, usd, round, { to: stranger.address });

      for (const token of [tft, usd]) {
        const address = await token.getAddress();
        expect(await token.balanceOf(filler)).to.equal(0n);
        expect(await token.allowance(filler, controller)).to.equal(0n);
        expect(await token.allowance(filler, manager)).to.equal(0n);
        expect(await manager["balanceOf(address,uint256)"](filler, BigInt(address))).to.equal(0n);
      }
    });

    it("refuses to be a part of an unlocking of its caller's", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { stranger } = protocol.actors;
      const hooks = await placeHooks("beforeSwap");
      const market = await deployMarket(protocol, usd);
      const { manager } = market.uniswap;
      const { round, start } = await openLot(protocol, usd, LOT);
      await time.increaseTo(start + PERIOD);
      await hooks.prepare([await callOf(market, usd, round, hooks)]);

      const unlock = manager.interface.encodeFunctionData("unlock", ["0x"]);
      await expect(hooks.connect(stranger).act(manager, unlock))
        .to.emit(hooks, "Tried")
        .withArgs(selectorOf(market), false, manager.interface.encodeErrorResult("AlreadyUnlocked"));
    });
  });

  describe("fill from a pool with hooks", () => {
    it("pays the same as from a pool without, and lets the hooks fill, buy, unlock or call back nothing", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd, tft, controller } = protocol.contracts;
      const { stranger } = protocol.actors;
      const hooks = await placeHooks("beforeSwap", "afterSwap");
      const market = await deployMarket(protocol, usd, await hooks.getAddress());
      const { filler, uniswap } = market;
      const { manager } = uniswap;
      const { round, start } = await openLot(protocol, usd, LOT);
      const pull = usd.interface.encodeFunctionData("transferFrom", [
        await filler.getAddress(),
        await hooks.getAddress(),
        USD,
      ]);
      const buy = await controller.buy.populateTransaction(usd, round, USD, 2n ** 255n, hooks, "0x");
      const refusals: [{ target: AddressLike; data: string }, string][] = [
        [
          await callOf(market, usd, round, hooks),
          controller.interface.encodeErrorResult("ReentrancyGuardReentrantCall"),
        ],
        [
          { target: controller, data: buy.data },
          controller.interface.encodeErrorResult("ReentrancyGuardReentrantCall"),
        ],
        [
          { target: manager, data: manager.interface.encodeFunctionData("unlock", ["0x"]) },
          manager.interface.encodeErrorResult("AlreadyUnlocked"),
        ],
        [
          { target: filler, data: filler.interface.encodeFunctionData("unlockCallback", ["0x"]) },
          filler.interface.encodeErrorResult("Filler_UnexpectedCaller", [hooks.target, manager.target]),
        ],
        [
          { target: filler, data: (await filler.onBuyback.populateTransaction(usd, USD, TFT, "0x")).data },
          filler.interface.encodeErrorResult("Filler_UnexpectedCaller", [hooks.target, controller.target]),
        ],
        [
          { target: usd, data: pull },
          usd.interface.encodeErrorResult("ERC20InsufficientAllowance", [hooks.target, 0n, USD]),
        ],
      ];
      await hooks.prepare(refusals.map(([call]) => call));

      await time.setNextBlockTimestamp(start + PERIOD);
      const before = await usd.balanceOf(stranger);
      const fill = await fillFrom(market, usd, round, { to: stranger.address });

      const profit = (await usd.balanceOf(stranger)) - before;
      expect(LOT - profit).to.be.closeTo(amountIn(OWED, POOL_USD, POOL_TFT), 2n);
      await expect(fill).to.changeTokenBalances(tft, [manager, hooks, filler], [-OWED, 0n, 0n]);
      await expect(fill).to.changeTokenBalances(usd, [hooks, filler], [0n, 0n]);
      const tried = (await fill.wait())?.logs.filter(({ address }) => address === hooks.target) ?? [];
      const answers = tried.map((log) => hooks.interface.parseLog(log)?.args.toArray().slice(1));
      const expected = refusals.map(([, reason]) => [false, reason]);
      expect(answers).to.deep.equal([...expected, ...expected]);
    });

    it("lets hooks take no more than the caller's limit allows, while the TFT are owed in full", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd, controller } = protocol.contracts;
      const { stranger } = protocol.actors;
      const hooks = await placeHooks("afterSwap", "afterSwapTakes");
      const market = await deployMarket(protocol, usd, await hooks.getAddress());
      const { filler } = market;
      const { round, start } = await openLot(protocol, usd, LOT);
      const taken = 100n * USD;
      await take(hooks, market, usd, taken);
      const cost = amountIn(OWED, POOL_USD, POOL_TFT);

      await time.setNextBlockTimestamp(start + PERIOD);
      await expect(fillFrom(market, usd, round, { minProfit: LOT - cost - USD, to: stranger.address }))
        .to.be.revertedWithCustomError(filler, "Filler_ProfitTooLow")
        .withArgs(
          (profit: bigint) => profit >= LOT - cost - taken - 2n && profit <= LOT - cost - taken,
          LOT - cost - USD,
        );
      await time.setNextBlockTimestamp(start + PERIOD + 1n);
      const fill = fillFrom(market, usd, round, { minProfit: LOT - cost - taken - USD, to: stranger.address });
      await expect(fill).to.changeTokenBalance(usd, hooks, taken);
      await expect(fill)
        .to.emit(controller, "LotSoldOut")
        .withArgs(
          usd,
          round,
          (paid: bigint) => paid > OWED - TFT && paid <= OWED,
          20n * TFT,
          () => true,
        );
    });

    it("refuses hooks that take more than the lot", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { stranger } = protocol.actors;
      const hooks = await placeHooks("afterSwap", "afterSwapTakes");
      const market = await deployMarket(protocol, usd, await hooks.getAddress());
      const { round, start } = await openLot(protocol, usd, LOT);
      await take(hooks, market, usd, LOT);

      await time.setNextBlockTimestamp(start + PERIOD);
      await expect(fillFrom(market, usd, round, { to: stranger.address }))
        .to.be.revertedWithCustomError(usd, "ERC20InsufficientBalance")
        .withArgs(market.filler, LOT, (needed: bigint) => needed > LOT);
    });

    it("refuses hooks that would have the pool pay for taking the asset away", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { stranger } = protocol.actors;
      const hooks = await placeHooks("afterSwap", "afterSwapTakes");
      const market = await deployMarket(protocol, usd, await hooks.getAddress());
      const { round, start } = await openLot(protocol, usd, LOT);
      await hooks.setTaken(-LOT);

      await time.setNextBlockTimestamp(start + PERIOD);
      await expect(fillFrom(market, usd, round, { to: stranger.address }))
        .to.be.revertedWithCustomError(market.filler, "SafeCastOverflowedIntToUint")
        .withArgs((spent: bigint) => spent < 0n && spent > -LOT);
    });

    it("refuses hooks that take TFT where the pool has none", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft } = protocol.contracts;
      const { stranger } = protocol.actors;
      const dollar = await listDollar(protocol, "below");
      const hooks = await placeHooks("beforeSwap", "beforeSwapTakes");
      const { filler, uniswap } = await deployMarket(protocol, dollar);
      const key = keyOf(await dollar.getAddress(), await tft.getAddress(), await hooks.getAddress());
      await uniswap.manager.initialize(key, LOWEST_PRICE);
      const { round, start } = await openLot(protocol, dollar, LOT);
      await hooks.setTaken(TFT << 128n);

      await time.setNextBlockTimestamp(start + PERIOD);
      await expect(filler.fill(dollar, round, LOT, POOL_FEE, TICK_SPACING, hooks, 0n, stranger))
        .to.be.revertedWithCustomError(filler, "SafeCastOverflowedIntToUint")
        .withArgs(-TFT);
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

  describe("unlockCallback", () => {
    it("refuses everyone but the PoolManager, even for what lies in the filler", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { stranger } = protocol.actors;
      const { filler, uniswap, key } = await deployMarket(protocol, usd);
      await usd.mint(filler, USD);
      const forged = AbiCoder.defaultAbiCoder().encode(
        ["address", "address", "uint24", "int24", "address", "address", "uint256"],
        [key.currency0, key.currency1, key.fee, key.tickSpacing, key.hooks, await usd.getAddress(), TFT],
      );

      await expect(filler.unlockCallback(forged))
        .to.be.revertedWithCustomError(filler, "Filler_UnexpectedCaller")
        .withArgs(stranger, uniswap.manager);
    });
  });
});

/** A fill from a market's pool, as hostile hooks make it. */
async function callOf({ filler, key }: Market, asset: TestToken, round: bigint, to: HostileHook) {
  const { data } = await filler.fill.populateTransaction(
    ...([asset, round, LOT, key.fee, key.tickSpacing, key.hooks, 0n, to] as const),
  );
  return { target: filler, data };
}

function selectorOf({ filler }: Market): string {
  return filler.interface.getFunction("fill").selector;
}

/** Has hooks take so much of the asset after a swap, which the PoolManager pays out to them. */
async function take(hooks: HostileHook, { uniswap }: Market, asset: TestToken, amount: bigint): Promise<void> {
  const { manager } = uniswap;
  const data = manager.interface.encodeFunctionData("take", [
    await asset.getAddress(),
    await hooks.getAddress(),
    amount,
  ]);
  await hooks.prepare([{ target: manager, data }]);
  await hooks.setTaken(amount);
}
