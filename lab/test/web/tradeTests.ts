import { HOUR } from "@turingfog/sdk";
import { TFT__factory, UniswapV3BuybackFiller__factory } from "@turingfog/sdk/ethers";
import { expect } from "chai";

import { contractsOf, HEIR, pass, RENTER, shows, type Tests } from "./acting";
import { lotOf } from "./selling";

/** Fees of the pools that the filler may use, in hundredths of a basis point. */
const POOL_FEES = [500n, 3_000n, 10_000n];

export const TRADE_TESTS: Tests = {
  "buys from a lot with TFT, at a price that is not above the one that was shown [slow]": async (stage) => {
    const world = await stage.world();
    const { asset, remaining } = await lotOf(world);
    const { page, wallet } = await stage.open("auctions", RENTER);
    const { tft } = contractsOf(world);
    const token = TFT__factory.connect(asset, world.provider);
    await wallet.connect(page);
    const [units, burned] = [await token.balanceOf(RENTER), await tft.totalSupply()];
    await page.getByLabel(/ to buy$/).fill("0.5");
    const quoted = await page.locator('[data-fact^="quote:500000/"]').getAttribute("value");
    const before = await tft.balanceOf(RENTER);
    await page.getByRole("button", { name: "Buy", exact: true }).click();
    await shows(page, `lot:${asset.toLowerCase()}:remaining`, remaining - 500_000n);
    expect((await token.balanceOf(RENTER)) - units).to.equal(500_000n);
    const paid = before - (await tft.balanceOf(RENTER));
    expect(paid > 0n && paid <= BigInt(quoted ?? 0)).to.equal(true);
    expect((await tft.totalSupply()) < burned).to.equal(true);
  },

  "fills the rest of a lot by the filler, whose profit is the one that was shown [slow]": async (stage) => {
    const world = await stage.world();
    const { asset, round, remaining } = await lotOf(world);
    const { filler } = world.book.addresses as Record<string, string>;
    const contract = UniswapV3BuybackFiller__factory.connect(filler, world.provider);
    const profit = async () => {
      const tries = POOL_FEES.map((fee) => contract.fill.staticCall(asset, round, remaining, fee, 0n).catch(() => 0n));
      return (await Promise.all(tries)).reduce((a, b) => (b > a ? b : a));
    };
    // the lot's price falls until it is below the pool's
    for (let hours = 0; (await profit()) === 0n && hours < 200; ++hours) await pass(world, HOUR);
    const { page, wallet } = await stage.open("auctions", HEIR);
    await wallet.connect(page);
    const token = TFT__factory.connect(asset, world.provider);
    const before = await token.balanceOf(HEIR);
    const shown = BigInt((await page.locator(`[data-fact$=":profit"]`).first().getAttribute("value")) ?? 0);
    await page.getByRole("button", { name: "Fill the whole rest" }).click();
    await page.locator(`[data-fact="lot:${asset.toLowerCase()}:remaining"]`).waitFor({ state: "detached" });
    const kept = (await token.balanceOf(HEIR)) - before;
    expect(shown > 0n && kept * 100n >= shown * 99n).to.equal(true);
  },
};
