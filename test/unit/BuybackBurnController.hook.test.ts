import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { WAD as TFT } from "@turingfog/sdk";
import { expect } from "chai";
import { AbiCoder, toBeHex, ZeroAddress } from "ethers";
import { ethers } from "hardhat";
import type { CallStruct } from "../../typechain-types/contracts/mocks/HostileBuyer";
import { deployProtocolFixture, USD_REFERENCE_PRICE } from "../helpers/fixture";
import { type Asset, earn, startEpoch } from "../helpers/market";
import {
  USD,
  DAI,
  PERIOD,
  ANY_PRICE,
  closedTFTRound,
  openLot,
  buyAt,
  deployBuyer,
  callOf,
  buyCall,
  listHostileToken,
} from "../helpers/buyback";

/** What a buyer's contract is passed to make calls in its hook. */
function hookData(...calls: CallStruct[]): string {
  return AbiCoder.defaultAbiCoder().encode(["tuple(address target, bytes data)[]"], [calls]);
}

describe("BuybackBurnController", () => {
  describe("buy with a hook", () => {
    it("is refused for a caller that cannot be called back", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round } = await openLot(protocol, usd, 700n * USD);

      const purchase = controller.connect(bidder).buy(usd, round, USD, ANY_PRICE, bidder, "0x01");

      await expect(purchase).to.be.revertedWithoutReason();
      expect(await tft.burned()).to.equal(0n);
    });

    it("calls the caller with exactly what was paid out, what is owed, and their data", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { controller, usd } = contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      const buyer = await deployBuyer(protocol);
      const data = hookData(callOf(await usd.balanceOf.populateTransaction(buyer)));

      await time.setNextBlockTimestamp(start + PERIOD);
      const purchase = buyer.execute([await buyCall(protocol, buyer, usd, round, 100n * USD, data)]);

      await expect(purchase)
        .to.emit(buyer, "Hooked")
        .withArgs(controller, usd, 100n * USD, 500n * TFT);
      // the answer to the call that the data held: the asset was paid out before
      await expect(purchase)
        .to.emit(buyer, "Answered")
        .withArgs(toBeHex(100n * USD, 32));
    });

    it("does not call the caller without data", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { round } = await openLot(protocol, contracts.usd, 700n * USD);
      const buyer = await deployBuyer(protocol);

      const purchase = buyer.execute([await buyCall(protocol, buyer, contracts.usd, round, 100n * USD)]);

      await expect(purchase).not.to.emit(buyer, "Hooked");
    });

    it("lets the caller find the TFT that they owe in the hook", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { tft, usd, controller } = contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      const buyer = await ethers.deployContract("HostileBuyer");
      await tft.connect(actors.treasury).approve(buyer, 500n * TFT);
      const source = hookData(
        callOf(await tft.transferFrom.populateTransaction(actors.treasury, buyer, 500n * TFT)),
        callOf(await tft.approve.populateTransaction(controller, 500n * TFT)),
      );
      const call = await buyCall(protocol, buyer, usd, round, 100n * USD, source);

      await time.setNextBlockTimestamp(start + PERIOD);
      const purchase = buyer.execute([call]);

      await expect(purchase).to.changeTokenBalances(tft, [actors.treasury, buyer], [-500n * TFT, 0n]);
      await expect(purchase).to.changeTokenBalance(usd, buyer, 100n * USD);
    });

    it("takes the asset back when the caller does not pay in the end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { tft, usd, controller } = contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      const buyer = await deployBuyer(protocol);
      const revoke = callOf(await tft.approve.populateTransaction(controller, 0n));
      const call = await buyCall(protocol, buyer, usd, round, 100n * USD, hookData(revoke));

      await time.setNextBlockTimestamp(start + PERIOD);
      await expect(buyer.execute([call]))
        .to.be.revertedWithCustomError(tft, "ERC20InsufficientAllowance")
        .withArgs(controller, 0n, 500n * TFT);
      expect(await usd.balanceOf(buyer)).to.equal(0n);
    });

    it("shows the lot in the hook as it is after the fill", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { usd, controller } = contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      const buyer = await deployBuyer(protocol);
      const look = callOf(await controller.lot.populateTransaction(usd));

      await expect(buyer.execute([await buyCall(protocol, buyer, usd, round, 100n * USD, hookData(look))]))
        .to.emit(buyer, "Answered")
        .withArgs(
          controller.interface.encodeFunctionResult("lot", [
            [round, 700n * USD, 600n * USD, start, USD_REFERENCE_PRICE],
          ]),
        );
    });

    it("shows the lot in the hook of the last fill with nothing left and the reference that follows from it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { usd, controller } = contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      const buyer = await deployBuyer(protocol);
      const look = callOf(await controller.lot.populateTransaction(usd));
      const call = await buyCall(protocol, buyer, usd, round, 700n * USD, hookData(look));

      await time.setNextBlockTimestamp(start + PERIOD);
      // all of it for a quarter of the reference, so the next one is half
      await expect(buyer.execute([call]))
        .to.emit(buyer, "Answered")
        .withArgs(
          controller.interface.encodeFunctionResult("lot", [[round, 700n * USD, 0n, start, USD_REFERENCE_PRICE / 2n]]),
        );
      await expect(controller.lot(usd)).to.be.revertedWithCustomError(controller, "Controller_NoLot").withArgs(usd);
    });

    it("refuses a purchase of the rest from within the hook", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { usd, controller } = contracts;
      const { round } = await openLot(protocol, usd, 700n * USD);
      const buyer = await deployBuyer(protocol);
      const inner = await buyCall(protocol, buyer, usd, round, 50n * USD);
      const outer = await buyCall(protocol, buyer, usd, round, 100n * USD, hookData(inner));

      await expect(buyer.execute([outer])).to.be.revertedWithCustomError(controller, "ReentrancyGuardReentrantCall");

      await expect(buyer.execute([inner])).to.changeTokenBalance(usd, buyer, 50n * USD);
    });

    it("refuses a purchase of another asset from within the hook", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { usd, dai, controller } = contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      const second = await openLot(protocol, dai, 700n * DAI);
      const buyer = await deployBuyer(protocol);
      const inner = await buyCall(protocol, buyer, dai, second.round, 50n * DAI);
      const outer = await buyCall(protocol, buyer, usd, first.round, 100n * USD, hookData(inner));

      await expect(buyer.execute([outer])).to.be.revertedWithCustomError(controller, "ReentrancyGuardReentrantCall");

      await expect(buyer.execute([inner])).to.changeTokenBalance(dai, buyer, 50n * DAI);
    });

    it("refuses writeOff from within the hook, of the same lot and of another", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { usd, dai, controller } = contracts;
      const bought = await openLot(protocol, usd, 700n * USD);
      const other = await openLot(protocol, dai, 700n * DAI);
      const buyer = await deployBuyer(protocol);
      await time.increaseTo(other.start + 30n * PERIOD);

      const writeOffs = await Promise.all([
        controller.writeOff.populateTransaction(usd, bought.round),
        controller.writeOff.populateTransaction(dai, other.round),
      ]);
      for (const inner of writeOffs.map(callOf)) {
        const outer = await buyCall(protocol, buyer, usd, bought.round, 100n * USD, hookData(inner));
        await expect(buyer.execute([outer])).to.be.revertedWithCustomError(controller, "ReentrancyGuardReentrantCall");
      }
      for (const inner of writeOffs.map(callOf)) {
        await expect(buyer.execute([inner])).to.emit(controller, "LotWrittenOff");
      }
    });

    it("refuses burn from within the hook", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { usd, controller } = contracts;
      const { round } = await openLot(protocol, usd, 700n * USD);
      const burnable = await closedTFTRound(protocol, TFT);
      const buyer = await deployBuyer(protocol);
      const inner = callOf(await controller.burn.populateTransaction(burnable));
      const outer = await buyCall(protocol, buyer, usd, round, 100n * USD, hookData(inner));

      await expect(buyer.execute([outer])).to.be.revertedWithCustomError(controller, "ReentrancyGuardReentrantCall");

      await expect(buyer.execute([inner])).to.emit(controller, "Destroyed");
    });
  });

  describe("an asset gone bad", () => {
    it("blocks nobody but its own receiver: another receiver, another asset and TFT go on [T7]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      const { bidder, stranger, miners } = protocol.actors;
      const { hostile, asset } = await listHostileToken(protocol);
      const bad = await openLot(protocol, asset, 700n * DAI);
      const good = await openLot(protocol, usd, 700n * USD);
      const burnable = await earn(protocol, [{ asset: tft, amount: TFT, miner: miners[0] }]);
      await startEpoch(protocol);
      await hostile.blockReceiver(bidder);
      const buy = (lot: Asset, round: bigint, to: HardhatEthersSigner) =>
        controller.connect(bidder).buy(lot, round, 1_000n, ANY_PRICE, to, "0x");

      await expect(buy(asset, bad.round, bidder))
        .to.be.revertedWithCustomError(hostile, "HostileToken_Blocked")
        .withArgs(bidder);
      await expect(buy(asset, bad.round, stranger)).to.changeTokenBalance(asset, stranger, 1_000n);
      await expect(buy(usd, good.round, bidder)).to.changeTokenBalance(usd, bidder, 1_000n);
      await expect(controller.burn(burnable)).to.emit(controller, "Destroyed");
    });

    it("is not sold when its transfer answers false", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller } = protocol.contracts;
      const { hostile, asset } = await listHostileToken(protocol);
      const { round, start } = await openLot(protocol, asset, 700n * DAI);
      await hostile.setAnswer(1n);

      await expect(buyAt(protocol, { asset, round, start, age: PERIOD, amount: DAI }))
        .to.be.revertedWithCustomError(controller, "SafeERC20FailedOperation")
        .withArgs(asset);
    });

    it("is sold when its transfer answers nothing", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { hostile, asset } = await listHostileToken(protocol);
      const { round, start } = await openLot(protocol, asset, 700n * DAI);
      await hostile.setAnswer(2n);

      await expect(buyAt(protocol, { asset, round, start, age: PERIOD, amount: DAI })).to.changeTokenBalance(
        asset,
        protocol.actors.bidder,
        DAI,
      );
    });

    it("cannot buy, burn or write off from within its transfer", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { controller, pool, usd } = contracts;
      const { hostile, asset } = await listHostileToken(protocol);
      const bad = await openLot(protocol, asset, 700n * DAI);
      const good = await openLot(protocol, usd, 700n * USD);
      const burnable = await closedTFTRound(protocol, TFT);
      const buyer = await deployBuyer(protocol);
      const outer = await buyCall(protocol, buyer, asset, bad.round, DAI);
      await time.increase(30n * PERIOD);

      for (const inner of [
        await buyCall(protocol, buyer, usd, good.round, USD),
        await buyCall(protocol, buyer, asset, bad.round, DAI),
        callOf(await controller.burn.populateTransaction(burnable)),
        callOf(await controller.writeOff.populateTransaction(usd, good.round)),
      ]) {
        await hostile.setHook(buyer, buyer.interface.encodeFunctionData("execute", [[inner]]));
        await expect(buyer.execute([outer])).to.be.revertedWithCustomError(controller, "ReentrancyGuardReentrantCall");

        await hostile.setHook(ZeroAddress, "0x");
        await expect(buyer.execute([inner])).to.emit(pool, "RewardAdded");
      }
    });
  });
});
