import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { HOUR, tftOwed, TU } from "@turingfog/sdk";
import { TuringFog } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { MaxUint256 } from "ethers";
import { ethers } from "hardhat";

import type * as Acts from "../../../apps/web/src/wallet/acts";
import type * as Quotes from "../../../apps/web/src/wallet/quotes";
import { openLot, USD } from "../../../test/helpers/buyback";
import { deployProtocolFixture } from "../../../test/helpers/fixture";
import { registerNode } from "../../../test/helpers/market";
import { pageModule } from "./pageModule";

const { buy, openOrder } = pageModule<typeof Acts>("wallet/acts.ts");
const { quoteBuy } = pageModule<typeof Quotes>("wallet/quotes.ts");

/** A lot of which little more than a hundredth is left, and two who have approved all that they have. */
async function withRestOfLot() {
  const protocol = await deployProtocolFixture();
  const { contracts, actors, addresses } = protocol;
  const { usd, controller, tft } = contracts;
  const { bidder } = actors;
  const [other] = actors.renters;
  const [amount, remaining] = [100_000n * USD, 1_001n * USD];
  const { round, start } = await openLot(protocol, usd, amount);
  await ethers.provider.send("evm_setNextBlockTimestamp", [Number(start + 20n * HOUR)]);
  for (const each of [bidder, other]) await tft.connect(each).approve(controller, MaxUint256);
  await controller.connect(bidder).buy(usd, round, amount - remaining, MaxUint256, bidder, "0x");
  const asset = { address: await usd.getAddress(), symbol: "USD", decimals: 6 };
  const lot = { asset, round, amount, remaining };
  return { ...contracts, bidder, other, fog: new TuringFog(addresses, bidder), lot };
}

/** A node that asks 16 USD for a TU, and a renter. */
async function withOffer() {
  const protocol = await deployProtocolFixture();
  const [miner] = protocol.actors.miners;
  const nodeId = await registerNode(protocol, miner);
  const { usd, registry } = protocol.contracts;
  const address = await usd.getAddress();
  await registry.connect(miner).setListing(nodeId, address, 16n * USD, 10n * TU);
  const [renter] = protocol.actors.renters;
  const asset = { address, symbol: "USD", decimals: 6 };
  const terms = { nodeId, asset: address, tuAmount: TU, maxUnitPrice: 16n * USD, duration: HOUR };
  return { fog: new TuringFog(protocol.addresses, renter), renter, asset, terms };
}

describe("the page's acts", () => {
  describe("openOrder", () => {
    it("opens an order for what was shown", async () => {
      const { fog, renter, asset, terms } = await loadFixture(withOffer);
      const { calls } = await openOrder(fog, renter.address, terms, false, asset);
      expect(calls).to.have.length(1);
    });

    for (const [what, asset, maxUnitPrice] of [
      ["decimals", { decimals: 8 }, 16n * USD],
      ["name", { symbol: "EUR" }, 16n * USD],
      ["price", {}, 17n * USD],
    ] as const) {
      it(`signs nothing for another ${what} than was shown`, async () => {
        const { fog, renter, terms, ...shown } = await loadFixture(withOffer);
        const opening = openOrder(fog, renter.address, { ...terms, maxUnitPrice }, false, { ...shown.asset, ...asset });
        await expect(opening).to.be.rejectedWith(/on the chain, and the page has shown .*: nothing was sent/);
      });
    }
  });

  describe("buy", () => {
    it("quotes the rest of a lot too, if less than a hundredth of it would be left", () => {
      const asset = { address: "0x", symbol: "USD", decimals: 6 };
      const lot = { asset, round: 1n, amount: 100_000n * USD, remaining: 1_000n * USD };
      const rest = { filled: 1_000n * USD, owed: 20_000n };
      expect(quoteBuy(lot, USD, 20n)).to.deep.equal(rest);
      expect(quoteBuy({ ...lot, remaining: 1_001n * USD }, USD, 20n)).to.deep.equal({ filled: USD, owed: 20n });
    });

    it("pays for no more than was quoted, if a purchase in between would have the rest sold with it", async () => {
      const { bidder, other, fog, lot, tft, controller, usd } = await loadFixture(withRestOfLot);
      const price = await controller.price(usd);
      const { calls } = await buy(fog, bidder.address, lot, USD / 2n, price);
      const [purchase] = calls.slice(-1);
      for (const approval of calls.slice(0, -1)) await bidder.sendTransaction(approval);
      const owed = tftOwed(USD / 2n, price, USD);
      expect(await tft.allowance(bidder, controller)).to.equal(owed);

      await controller.connect(other).buy(usd, lot.round, USD, MaxUint256, other, "0x");
      await expect(bidder.sendTransaction(purchase)).to.be.revertedWithCustomError(tft, "ERC20InsufficientAllowance");
    });

    for (const [what, changed] of [
      ["decimals", { asset: { decimals: 8 } }],
      ["name", { asset: { symbol: "EUR" } }],
      ["rest", { remaining: 2_000n * USD }],
      ["size", { amount: 200_000n * USD }],
      ["round", { round: 7n }],
    ] as const) {
      it(`refuses a lot of another ${what} than was shown`, async () => {
        const { bidder, fog, lot } = await loadFixture(withRestOfLot);
        const shown = { ...lot, ...changed, asset: { ...lot.asset, ...("asset" in changed ? changed.asset : {}) } };
        await expect(buy(fog, bidder.address, shown, USD, MaxUint256)).to.be.rejectedWith(
          /on the chain, and the page has shown .*: nothing was sent/,
        );
      });
    }
  });
});
