import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, MINUTE, NOMINAL_SUPPLY, Phase, WAD as TFT } from "@turingfog/sdk";
import { expect } from "chai";
import { ethers } from "hardhat";
import { deployProtocolFixture } from "../helpers/fixture";
import { earn, startEpoch } from "../helpers/market";
import { systemOf } from "../helpers/system";
import { expectDestroyed, closedTFTRound, endOfEpoch } from "../helpers/buyback";

const MAX_PERIOD = 30n * DAY;

describe("BuybackBurnController", () => {
  describe("constructor", () => {
    for (const [name, period] of [
      ["below a minute", MINUTE - 1n],
      ["above 30 days", MAX_PERIOD + 1n],
    ] as const) {
      it(`refuses an auction period a second ${name}`, async () => {
        const { contracts } = await loadFixture(deployProtocolFixture);

        await expect(ethers.deployContract("BuybackBurnController", [systemOf(contracts), period]))
          .to.be.revertedWithCustomError(contracts.controller, "Controller_PeriodOutOfBounds")
          .withArgs(period, MINUTE, MAX_PERIOD);
      });
    }

    for (const [name, period] of [
      ["a minute", MINUTE],
      ["30 days", MAX_PERIOD],
    ] as const) {
      it(`takes an auction period of ${name}`, async () => {
        const { contracts } = await loadFixture(deployProtocolFixture);

        const controller = await ethers.deployContract("BuybackBurnController", [systemOf(contracts), period]);

        expect(await controller.AUCTION_PERIOD()).to.equal(period);
      });
    }

    it("knows the contracts of the system and their times", async () => {
      const { contracts, params } = await loadFixture(deployProtocolFixture);
      const { controller, tft, vault, pool, escrow } = contracts;

      expect(await controller.TFT()).to.equal(tft);
      expect(await controller.VAULT()).to.equal(vault);
      expect(await controller.POOL()).to.equal(pool);
      expect(await controller.ESCROW()).to.equal(escrow);
      expect(await controller.AUCTION_PERIOD()).to.equal(params.auctionPeriod);
    });
  });

  describe("burn", () => {
    it("refuses while no TFT were earned", async () => {
      const { controller, tft } = (await loadFixture(deployProtocolFixture)).contracts;

      await expect(controller.burn(0n)).to.be.revertedWithCustomError(controller, "Controller_NoLot").withArgs(tft);
    });

    it("refuses until the last second of the epoch, and burns in the first second after it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      const round = await earn(protocol, [{ asset: tft, amount: TFT, miner: protocol.actors.miners[0] }]);

      const end = await endOfEpoch();
      await time.setNextBlockTimestamp(end - 1n);
      await expect(controller.burn(round)).to.be.revertedWithCustomError(controller, "Controller_NoLot").withArgs(tft);

      await time.setNextBlockTimestamp(end);
      await expect(controller.burn(round)).to.emit(controller, "Destroyed");
    });

    it("refuses any round but the closed one, and every one when all are burned", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      const first = await closedTFTRound(protocol, TFT);
      const second = await closedTFTRound(protocol, TFT);

      await expect(controller.burn(second))
        .to.be.revertedWithCustomError(controller, "Controller_WrongRound")
        .withArgs(second, first);

      await controller.burn(first);
      await expect(controller.burn(first))
        .to.be.revertedWithCustomError(controller, "Controller_WrongRound")
        .withArgs(first, second);

      await controller.burn(second);
      await expect(controller.burn(second)).to.be.revertedWithCustomError(controller, "Controller_NoLot").withArgs(tft);
    });

    it("burns the bucket, releases 80 % of it and keeps a tenth of that for operations", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, vault, pool } = protocol.contracts;
      const round = await closedTFTRound(protocol, 1_000n * TFT);

      const burn = controller.burn(round);

      await expectDestroyed(protocol, burn, round, tft, {
        bought: 1_000n * TFT,
        burned: 1_000n * TFT,
        released: 800n * TFT,
        operations: 80n * TFT,
        reward: 720n * TFT,
        phase: Phase.ProductionMining,
      });
      await expect(burn).to.changeTokenBalances(
        tft,
        [controller, vault, pool],
        [-1_000n * TFT, -720n * TFT, 720n * TFT],
      );
      await expect(burn)
        .to.emit(pool, "RewardAdded")
        .withArgs(await pool.bucketId(round, tft), 720n * TFT, true);
      await expect(burn)
        .to.emit(vault, "Released")
        .withArgs(800n * TFT, 80n * TFT, 800n * TFT);
      expect(await vault.operationsOwed()).to.equal(80n * TFT);
      expect(await tft.totalSupply()).to.equal(NOMINAL_SUPPLY - 1_000n * TFT);
    });

    it("may be called by anyone, who gets nothing for it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      const { stranger } = protocol.actors;
      const round = await closedTFTRound(protocol, 1_000n * TFT);

      await expect(controller.connect(stranger).burn(round)).to.changeTokenBalance(tft, stranger, 0n);
    });

    it("has rounds without gaps, however many epochs pass in which nothing is earned", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller } = protocol.contracts;
      const first = await closedTFTRound(protocol, TFT);
      await controller.burn(first);
      for (let quiet = 0; quiet < 3; ++quiet) await startEpoch(protocol);
      const second = await closedTFTRound(protocol, TFT);

      expect([first, second]).to.deep.equal([1n, 2n]);
      await expect(controller.burn(second)).to.emit(controller, "Destroyed");
    });

    it("burns at once all that has gathered while the round before waited", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      const first = await closedTFTRound(protocol, TFT);
      const second = await closedTFTRound(protocol, 3n * TFT);
      expect(await closedTFTRound(protocol, 5n * TFT)).to.equal(second);

      await controller.burn(first);
      await expect(controller.burn(second)).to.changeTokenBalance(tft, controller, -8n * TFT);
    });

    it("releases 80 % of all that was burned, rounded down, also of single units", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, vault } = protocol.contracts;

      for (const [released, total] of [
        [0n, 0n],
        [1n, 1n],
        [1n, 2n],
        [1n, 3n],
        [1n, 4n],
      ]) {
        const round = await closedTFTRound(protocol, 1n);
        await expectDestroyed(protocol, controller.burn(round), round, tft, {
          bought: 1n,
          burned: 1n,
          released,
          operations: 0n,
          reward: released,
          phase: Phase.ProductionMining,
        });
        expect(await vault.released()).to.equal(total);
      }
    });

    it("rounds operations' part down", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, vault, pool } = protocol.contracts;
      // of 24 units 19 are released, a tenth of which is 1.9
      const round = await closedTFTRound(protocol, 24n);
      const burn = controller.burn(round);

      await expectDestroyed(protocol, burn, round, tft, {
        bought: 24n,
        burned: 24n,
        released: 19n,
        operations: 1n,
        reward: 18n,
        phase: Phase.ProductionMining,
      });
      await expect(burn).to.changeTokenBalances(tft, [controller, vault, pool], [-24n, -18n, 18n]);
    });

    it("destroys what was earned and nothing that someone has sent [T25]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      await tft.connect(protocol.actors.treasury).transfer(controller, 500n * TFT);
      const round = await closedTFTRound(protocol, 1_000n * TFT);

      await controller.burn(round);

      expect(await tft.burned()).to.equal(1_000n * TFT);
      expect(await tft.balanceOf(controller)).to.equal(500n * TFT);
    });

    it("goes on while the network is frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, oracle } = protocol.contracts;
      const round = await closedTFTRound(protocol, TFT);
      await oracle.connect(protocol.actors.guardian).freeze();

      await expect(controller.burn(round)).to.emit(controller, "Destroyed");
    });
  });
});
