import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { Pool, Random } from "@turingfog/economy";
import { WAD } from "@turingfog/sdk";
import { expect } from "chai";
import { MaxUint256 } from "ethers";

import { listDollar, POOL_TFT, POOL_USD, USD } from "../../../test/helpers/filling";
import { deployProtocolFixture } from "../../../test/helpers/fixture";
import { createPool, deployUniswapV3, swap } from "../../../test/helpers/uniswap";

const SEED = Number(process.env.SEED ?? 1);

/** Expects two amounts to agree to 9 digits, or to a unit if they have fewer. */
function expectClose(found: bigint, expected: bigint): void {
  const difference = found > expected ? found - expected : expected - found;
  expect(difference <= expected / 10n ** 9n + 1n, `${found} beside ${expected}`).to.equal(true);
}

describe("the pool beside Uniswap v3", () => {
  it(`gives the same to 9 digits, and has the same price, after each of 60 random swaps; seed ${SEED}`, async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft } = protocol.contracts;
    const [trader] = protocol.actors.renters;
    const usd = await listDollar(protocol, "below");
    const uniswap = await deployUniswapV3(trader);
    const real = await createPool(uniswap, trader, { token: usd, amount: POOL_USD }, { token: tft, amount: POOL_TFT });
    for (const token of [usd, tft]) await token.connect(trader).approve(uniswap.router, MaxUint256);

    type Slot = { sqrtPriceX96: bigint };
    const priceOf = async () => ((await real.slot0()) as Slot).sqrtPriceX96;
    const pool = new Pool(await priceOf(), (await real.liquidity()) as bigint);
    expect(pool.dollars).to.be.closeTo(100_000, 1);
    expect(pool.price).to.be.closeTo(20, 0.001);

    const random = new Random(SEED);
    for (let i = 0; i < 60; ++i) {
      const [token, other] = random.below(2) === 0 ? [usd, tft] : [tft, usd];
      const amount = random.vary(token === usd ? USD : 20n * WAD) * BigInt(1 + random.below(10_000)) + 1n;
      const before = await other.balanceOf(trader);
      await swap(uniswap, trader, { token, amount }, other);
      const given = token === usd ? pool.sellDollars(amount) : pool.sellTFT(amount);
      expectClose(given, (await other.balanceOf(trader)) - before);
      expectClose(pool.sqrtPriceX96, await priceOf());
    }
  });

  it("is at the price asked for once what it says for it is sold, to a millionth", () => {
    for (const price of [19, 10, 2]) {
      const pool = Pool.of(POOL_USD, POOL_TFT);
      pool.sellDollars(BigInt(Math.round(pool.dollarsUntil(price) * 1e6)));
      expect(pool.price / price).to.be.closeTo(1, 1e-6);
      pool.sellTFT(BigInt(Math.round(pool.tftUntil(20) * 1e18)));
      expect(pool.price / 20).to.be.closeTo(1, 1e-6);
    }
  });
});
