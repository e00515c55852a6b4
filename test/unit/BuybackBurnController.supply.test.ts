import { loadFixture, setStorageAt } from "@nomicfoundation/hardhat-network-helpers";
import {
  BURNING_END,
  NOMINAL_SUPPLY,
  Phase,
  PRODUCTION_MINING_END,
  RESERVE,
  ULTIMATE_SUPPLY,
  WAD as TFT,
} from "@turingfog/sdk";
import { expect } from "chai";
import { AbiCoder, keccak256, toBeHex, ZeroAddress } from "ethers";
import fc from "fast-check";
import { deployProtocolFixture } from "../helpers/fixture";
import { burnUpTo } from "../helpers/lifetime";
import { earn, startEpoch } from "../helpers/market";
import { splitOf, supplyAt } from "../model/reference/supply";
import { USD, PERIOD, expectDestroyed, closedTFTRound, openLot, buyAt } from "../helpers/buyback";

const SEED = Number(process.env.SEED ?? 1);

describe("BuybackBurnController", () => {
  describe("the supply's boundaries", () => {
    it("is still in production mining one unit before its end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END - 11n);
      const round = await closedTFTRound(protocol, 10n);

      // 80 % of E1 - 11 are 349,999,...,991.2 units, of E1 - 1 they are ...,999.2
      await expectDestroyed(protocol, controller.burn(round), round, tft, {
        bought: 10n,
        burned: 10n,
        released: 8n,
        operations: 0n,
        reward: 8n,
        phase: Phase.ProductionMining,
      });
      expect(await controller.phase()).to.equal(BigInt(Phase.ProductionMining));
      expect((await controller.supply()).reserve).to.equal(1n);
    });

    it("empties the reserve exactly when 437.5 M are burned, and changes phase", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, vault } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END - 1_000n * TFT);
      const round = await closedTFTRound(protocol, 1_000n * TFT);

      await expectDestroyed(protocol, controller.burn(round), round, tft, {
        bought: 1_000n * TFT,
        burned: 1_000n * TFT,
        released: 800n * TFT,
        operations: 80n * TFT,
        reward: 720n * TFT,
        phase: Phase.BuybackDistribution,
      });
      expect(await controller.supply()).to.deep.equal([
        562_500_000n * TFT,
        437_500_000n * TFT,
        350_000_000n * TFT,
        0n,
        562_500_000n * TFT,
        BigInt(Phase.BuybackDistribution),
      ]);
      expect(await tft.balanceOf(vault)).to.equal(await vault.operationsOwed());
    });

    it("splits an amount that crosses the end of production mining", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END - 1_000n * TFT);
      const round = await closedTFTRound(protocol, 1_600n * TFT + 1n);

      // 1,000 TFT by the first rule; of the 600 TFT and 1 unit beyond, half rounded up is burned
      await expectDestroyed(protocol, controller.burn(round), round, tft, {
        bought: 1_600n * TFT + 1n,
        burned: 1_300n * TFT + 1n,
        released: 800n * TFT,
        operations: 80n * TFT,
        reward: 720n * TFT + 300n * TFT,
        phase: Phase.BuybackDistribution,
      });
      expect((await controller.supply()).reserve).to.equal(0n);
    });

    it("splits an amount that goes one unit beyond the end of production mining", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END - 1n);
      const round = await closedTFTRound(protocol, 3n);

      await expectDestroyed(protocol, controller.burn(round), round, tft, {
        bought: 3n,
        burned: 2n,
        released: 1n,
        operations: 0n,
        reward: 2n,
        phase: Phase.BuybackDistribution,
      });
    });

    it("burns half, rounded up, and distributes half in phase 2, without release and operations", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, pool, vault } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END);
      const round = await closedTFTRound(protocol, 101n);

      const burn = controller.burn(round);

      await expectDestroyed(protocol, burn, round, tft, {
        bought: 101n,
        burned: 51n,
        released: 0n,
        operations: 0n,
        reward: 50n,
        phase: Phase.BuybackDistribution,
      });
      await expect(burn).to.changeTokenBalances(tft, [controller, pool, vault], [-101n, 50n, 0n]);
      await expect(burn).not.to.emit(vault, "Released");
    });

    it("burns a single unit of phase 2, and the bucket is final without a reward", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, pool } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END);
      const round = await closedTFTRound(protocol, 1n);

      await expectDestroyed(protocol, controller.burn(round), round, tft, {
        bought: 1n,
        burned: 1n,
        released: 0n,
        operations: 0n,
        reward: 0n,
        phase: Phase.BuybackDistribution,
      });
      expect(await pool.bucket(await pool.bucketId(round, tft))).to.deep.equal([1n, 0n, true]);
    });

    it("is still in phase 2 one unit before the ultimate supply", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller } = protocol.contracts;

      await burnUpTo(protocol, BURNING_END - 1n);

      expect(await controller.phase()).to.equal(BigInt(Phase.BuybackDistribution));
      expect((await controller.supply()).total).to.equal(ULTIMATE_SUPPLY + 1n);
    });

    it("reaches the ultimate supply exactly, and is mature", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      await burnUpTo(protocol, BURNING_END - 500n * TFT);
      const round = await closedTFTRound(protocol, 1_000n * TFT);

      await expectDestroyed(protocol, controller.burn(round), round, tft, {
        bought: 1_000n * TFT,
        burned: 500n * TFT,
        released: 0n,
        operations: 0n,
        reward: 500n * TFT,
        phase: Phase.Mature,
      });
      expect(await controller.supply()).to.deep.equal([
        100_000_000n * TFT,
        900_000_000n * TFT,
        350_000_000n * TFT,
        0n,
        100_000_000n * TFT,
        BigInt(Phase.Mature),
      ]);
      expect(await controller.phase()).to.equal(BigInt(Phase.Mature));
    });

    it("burns no more than is left above the ultimate supply, and distributes the rest", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      await burnUpTo(protocol, BURNING_END - 500n * TFT);
      const round = await closedTFTRound(protocol, 5_000n * TFT);

      await expectDestroyed(protocol, controller.burn(round), round, tft, {
        bought: 5_000n * TFT,
        burned: 500n * TFT,
        released: 0n,
        operations: 0n,
        reward: 4_500n * TFT,
        phase: Phase.Mature,
      });
      expect(await tft.totalSupply()).to.equal(ULTIMATE_SUPPLY);
    });

    it("sends the pool nothing of what is bought back while all of it is burned", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, pool } = protocol.contracts;

      await controller.burn(await closedTFTRound(protocol, 100n * TFT));

      const transfers = tft.filters.Transfer(controller, pool);
      expect(await tft.queryFilter(transfers, "latest"), "a transfer of nothing").to.deep.equal([]);
    });

    it("burns nothing ever after, and distributes all", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, pool, vault } = protocol.contracts;
      await burnUpTo(protocol, BURNING_END);

      for (const bought of [1n, 1_000_000n * TFT + 1n]) {
        const round = await closedTFTRound(protocol, bought);
        const burn = controller.burn(round);
        await expectDestroyed(protocol, burn, round, tft, {
          bought,
          burned: 0n,
          released: 0n,
          operations: 0n,
          reward: bought,
          phase: Phase.Mature,
        });
        await expect(burn).to.changeTokenBalances(tft, [controller, pool, vault], [-bought, bought, 0n]);
        const burns = tft.filters.Transfer(controller, ZeroAddress);
        expect(await tft.queryFilter(burns, "latest"), "a burn of nothing").to.deep.equal([]);
      }
      expect(await tft.totalSupply()).to.equal(ULTIMATE_SUPPLY);
    });

    it("splits one amount that crosses both boundaries", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      // more than ever circulates would have to be bought back at once, so the treasury is given what does not exist
      const balanceSlot = keccak256(
        AbiCoder.defaultAbiCoder().encode(["address", "uint256"], [protocol.actors.treasury.address, 0n]),
      );
      const bought = (437_500_000n + 2n * 462_500_000n + 1_000n) * TFT;
      await setStorageAt(await tft.getAddress(), balanceSlot, toBeHex(bought, 32));
      const round = await closedTFTRound(protocol, bought);

      await expectDestroyed(protocol, controller.burn(round), round, tft, {
        bought,
        burned: 900_000_000n * TFT,
        released: 350_000_000n * TFT,
        operations: 35_000_000n * TFT,
        reward: (315_000_000n + 462_500_000n + 1_000n) * TFT,
        phase: Phase.Mature,
      });
      expect(await controller.supply()).to.deep.equal([
        ULTIMATE_SUPPLY,
        BURNING_END,
        RESERVE,
        0n,
        ULTIMATE_SUPPLY,
        BigInt(Phase.Mature),
      ]);
    });

    it(`follows the reference model through a random life, in which no coalition gains (seed ${SEED}) [T29] [random]`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, pool, vault } = protocol.contracts;
      const { treasury, operations } = protocol.actors;
      // lets the allocations vest, and brings no more than a unit
      await burnUpTo(protocol, 1n);
      let burned = 1n;

      const whole = 10n ** 9n + 7n;
      const parts = fc.sample(fc.bigInt({ min: 1n, max: whole }), { numRuns: 24, seed: SEED });
      for (const part of parts) {
        const before = await controller.supply();
        const bought = ((await tft.balanceOf(treasury)) * part) / whole;
        const round = await earn(protocol, [{ asset: tft, amount: bought, miner: treasury, payer: treasury }]);
        await startEpoch(protocol);
        await controller.burn(round);
        const id = await pool.bucketId(round, tft);
        const { reward } = await pool.bucket(id);
        await pool.connect(treasury).claim([id], treasury);

        const step = splitOf(bought, burned);
        burned += step.burned;
        const after = await controller.supply();
        expect(after).to.deep.equal(supplyAt(burned));
        expect(after.circulating).to.be.at.most(before.circulating);

        // renter, miner and operations together, by section 4 of the protocol, statement 8
        const owed = await vault.operationsOwed();
        expect(await tft.balanceOf(vault)).to.equal(RESERVE - after.released + owed);
        await vault.payOperations();
        const back = reward + owed;
        await tft.connect(operations).transfer(treasury, await tft.balanceOf(operations));
        expect(back).to.equal(step.released + step.distributed);
        expect(back).to.be.at.most((step.b1 * 4n + 4n) / 5n + step.distributed);
      }
    });
  });

  describe("supply", () => {
    it("is at genesis 1 B in all, 350 M in reserve and 650 M in circulation", async () => {
      const { controller } = (await loadFixture(deployProtocolFixture)).contracts;

      expect(await controller.supply()).to.deep.equal([
        1_000_000_000n * TFT,
        0n,
        0n,
        350_000_000n * TFT,
        650_000_000n * TFT,
        BigInt(Phase.ProductionMining),
      ]);
      expect(await controller.phase()).to.equal(BigInt(Phase.ProductionMining));
    });

    it("takes 20 % of what is burned in production mining out of circulation", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller } = protocol.contracts;
      await controller.burn(await closedTFTRound(protocol, 1_000n * TFT));

      expect(await controller.supply()).to.deep.equal([
        1_000_000_000n * TFT - 1_000n * TFT,
        1_000n * TFT,
        800n * TFT,
        350_000_000n * TFT - 800n * TFT,
        650_000_000n * TFT - 200n * TFT,
        BigInt(Phase.ProductionMining),
      ]);
    });

    it("can be rebuilt from the logs alone", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END - 100n * TFT);
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      for (const age of [PERIOD, PERIOD + 1n, PERIOD + 2n]) {
        await buyAt(protocol, { asset: usd, round, start, age, amount: 100n * USD });
      }
      await burnUpTo(protocol, PRODUCTION_MINING_END + 10_000n * TFT);

      const logs = (await controller.queryFilter(controller.filters.Destroyed())).map(({ args }) => args);

      const burned = logs.reduce((sum, log) => sum + log.burned, 0n);
      const released = logs.reduce((sum, log) => sum + log.released, 0n);
      for (const log of logs) {
        expect(log.bought).to.equal(log.burned + log.reward - (log.released - log.operations));
      }
      expect(await controller.supply()).to.deep.equal([
        NOMINAL_SUPPLY - burned,
        burned,
        released,
        RESERVE - released,
        NOMINAL_SUPPLY - burned - (RESERVE - released),
        logs[logs.length - 1].phase,
      ]);
    });
  });
});
