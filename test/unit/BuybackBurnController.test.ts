import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { loadFixture, setStorageAt, time } from "@nomicfoundation/hardhat-network-helpers";
import {
  BURNING_END,
  DAY,
  MAX_REFERENCE,
  MINUTE,
  nextReference,
  NOMINAL_SUPPLY,
  Phase,
  priceAt,
  PRODUCTION_MINING_END,
  RESERVE,
  tftOwed,
  ULTIMATE_SUPPLY,
  WAD as TFT,
} from "@turingfog/sdk";
import { expect } from "chai";
import {
  AbiCoder,
  type ContractTransaction,
  type ContractTransactionResponse,
  keccak256,
  MaxUint256,
  toBeHex,
  ZeroAddress,
} from "ethers";
import fc from "fast-check";
import { ethers } from "hardhat";

import { type HostileBuyer, TestToken__factory } from "../../typechain-types";
import type { CallStruct } from "../../typechain-types/contracts/mocks/HostileBuyer";
import { deployProtocolFixture, INITIAL_TFT, type Protocol, USD_REFERENCE_PRICE } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { burnUpTo } from "../helpers/lifetime";
import { type Asset, earn, startEpoch } from "../helpers/market";
import { impersonate, systemOf } from "../helpers/system";
import { splitOf, supplyAt } from "../model/reference/supply";

const SEED = Number(process.env.SEED ?? 1);

const USD = 10n ** 6n;
const DAI = 10n ** 18n;

/** The local parameters' epoch and auction period. */
const EPOCH = DAY;
const PERIOD = DAY;

const MAX_PERIOD = 30n * DAY;

/** Where a test does not care about the price. */
const ANY_PRICE = MaxUint256;

/** What a destruction is told to have done; the bucket is that of the epoch and the asset. */
interface Destroyed {
  bought: bigint;
  burned: bigint;
  released: bigint;
  operations: bigint;
  reward: bigint;
  phase: Phase;
}

async function expectDestroyed(
  { contracts: { controller, pool } }: Protocol,
  destruction: Promise<ContractTransactionResponse> | ContractTransactionResponse,
  epoch: bigint,
  asset: Asset,
  { bought, burned, released, operations, reward, phase }: Destroyed,
): Promise<void> {
  await expect(destruction)
    .to.emit(controller, "Destroyed")
    .withArgs(
      await pool.bucketId(epoch, asset),
      epoch,
      asset,
      bought,
      burned,
      released,
      operations,
      reward,
      BigInt(phase),
    );
}

/** Has a miner earn TFT, paid by the treasury, and ends the epoch. */
async function endedTFTBucket(protocol: Protocol, amount: bigint): Promise<bigint> {
  const { treasury, miners } = protocol.actors;
  const epoch = await earn(protocol, [{ asset: protocol.contracts.tft, amount, miner: miners[0], payer: treasury }]);
  await startEpoch(protocol);
  return epoch;
}

/** Has a miner earn an asset, ends the epoch, and lets the bidder pay for everything that he may buy. */
async function openLot(protocol: Protocol, asset: Asset, amount: bigint): Promise<{ epoch: bigint; start: bigint }> {
  const { contracts, actors } = protocol;
  const epoch = await earn(protocol, [{ asset, amount, miner: actors.miners[0] }]);
  await contracts.tft.connect(actors.bidder).approve(contracts.controller, INITIAL_TFT);
  const start = (await startEpoch(protocol)) * EPOCH;
  return { epoch, start };
}

/** The bidder buys for himself, when a lot's clock shows `age` seconds. */
async function buyAt(
  { contracts: { controller }, actors: { bidder } }: Protocol,
  { asset, epoch, start, age, amount }: { asset: Asset; epoch: bigint; start: bigint; age: bigint; amount: bigint },
): Promise<ContractTransactionResponse> {
  await time.setNextBlockTimestamp(start + age);
  return controller.connect(bidder).buy(asset, epoch, amount, ANY_PRICE, bidder, "0x");
}

/** A buyer's contract that holds TFT and has approved the controller. */
async function deployBuyer({ contracts: { tft, controller }, actors }: Protocol): Promise<HostileBuyer> {
  const buyer = await ethers.deployContract("HostileBuyer");
  await tft.connect(actors.treasury).transfer(buyer, 1_000_000n * TFT);
  await buyer.execute([callOf(await tft.approve.populateTransaction(controller, MaxUint256))]);
  return buyer;
}

/** As a buyer's contract takes it, from `await controller.burnEpoch.populateTransaction(epoch)`. */
function callOf({ to, data }: ContractTransaction): CallStruct {
  return { target: to, data };
}

/** What a buyer's contract is passed to make calls in its hook. */
function hookData(...calls: CallStruct[]): string {
  return AbiCoder.defaultAbiCoder().encode(["tuple(address target, bytes data)[]"], [calls]);
}

/** Buys for a buyer's contract, which is called back when there is `data`. */
async function buyCall(
  { contracts: { controller } }: Protocol,
  buyer: HostileBuyer,
  asset: Asset,
  epoch: bigint,
  amount: bigint,
  data = "0x",
): Promise<CallStruct> {
  return callOf(await controller.buy.populateTransaction(asset, epoch, amount, ANY_PRICE, buyer, data));
}

/** Lists a token that behaves, until it is told not to; every renter has some of it. */
async function listHostileToken({ contracts, actors }: Protocol) {
  const { escrow, timelock } = contracts;
  const hostile = await ethers.deployContract("HostileToken");
  for (const renter of actors.renters) await hostile.mint(renter, 1_000_000n * DAI);
  await asGovernor(timelock, actors.admin, await escrow.listAsset.populateTransaction(hostile, 20n * TFT));
  return { hostile, asset: TestToken__factory.connect(await hostile.getAddress(), actors.deployer) };
}

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
      expect(await controller.EPOCH_LENGTH()).to.equal(params.epochLength);
      expect(await controller.AUCTION_PERIOD()).to.equal(params.auctionPeriod);
    });
  });

  describe("burnEpoch", () => {
    it("refuses while no TFT were earned", async () => {
      const { controller, tft } = (await loadFixture(deployProtocolFixture)).contracts;

      await expect(controller.burnEpoch(0n))
        .to.be.revertedWithCustomError(controller, "Controller_NoLot")
        .withArgs(tft);
    });

    it("refuses until the last second of the epoch, and burns in the first second after it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      const epoch = await earn(protocol, [{ asset: tft, amount: TFT, miner: protocol.actors.miners[0] }]);

      await time.setNextBlockTimestamp((epoch + 1n) * EPOCH - 1n);
      await expect(controller.burnEpoch(epoch))
        .to.be.revertedWithCustomError(controller, "Controller_NoLot")
        .withArgs(tft);

      await time.setNextBlockTimestamp((epoch + 1n) * EPOCH);
      await expect(controller.burnEpoch(epoch)).to.emit(controller, "Destroyed");
    });

    it("refuses any epoch but the oldest, and every one when all are burned", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      const first = await endedTFTBucket(protocol, TFT);
      const second = await endedTFTBucket(protocol, TFT);

      await expect(controller.burnEpoch(second))
        .to.be.revertedWithCustomError(controller, "Controller_WrongEpoch")
        .withArgs(second, first);

      await controller.burnEpoch(first);
      await expect(controller.burnEpoch(first))
        .to.be.revertedWithCustomError(controller, "Controller_WrongEpoch")
        .withArgs(first, second);

      await controller.burnEpoch(second);
      await expect(controller.burnEpoch(second))
        .to.be.revertedWithCustomError(controller, "Controller_NoLot")
        .withArgs(tft);
    });

    it("burns the bucket, releases 80 % of it and keeps a tenth of that for operations", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, vault, pool } = protocol.contracts;
      const epoch = await endedTFTBucket(protocol, 1_000n * TFT);

      const burn = controller.burnEpoch(epoch);

      await expectDestroyed(protocol, burn, epoch, tft, {
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
        .withArgs(await pool.bucketId(epoch, tft), 720n * TFT, true);
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
      const epoch = await endedTFTBucket(protocol, 1_000n * TFT);

      await expect(controller.connect(stranger).burnEpoch(epoch)).to.changeTokenBalance(tft, stranger, 0n);
    });

    it("passes over epochs in which nothing was earned", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller } = protocol.contracts;
      const first = await endedTFTBucket(protocol, TFT);
      await startEpoch(protocol);
      const third = await endedTFTBucket(protocol, TFT);
      expect(third).to.be.greaterThan(first + 1n);

      await controller.burnEpoch(first);

      await expect(controller.burnEpoch(third)).to.emit(controller, "Destroyed");
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
        const epoch = await endedTFTBucket(protocol, 1n);
        await expectDestroyed(protocol, controller.burnEpoch(epoch), epoch, tft, {
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
      const epoch = await endedTFTBucket(protocol, 24n);
      const burn = controller.burnEpoch(epoch);

      await expectDestroyed(protocol, burn, epoch, tft, {
        bought: 24n,
        burned: 24n,
        released: 19n,
        operations: 1n,
        reward: 18n,
        phase: Phase.ProductionMining,
      });
      await expect(burn).to.changeTokenBalances(tft, [controller, vault, pool], [-24n, -18n, 18n]);
    });

    it("destroys what was earned and nothing that someone has sent", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      await tft.connect(protocol.actors.treasury).transfer(controller, 500n * TFT);
      const epoch = await endedTFTBucket(protocol, 1_000n * TFT);

      await controller.burnEpoch(epoch);

      expect(await tft.burned()).to.equal(1_000n * TFT);
      expect(await tft.balanceOf(controller)).to.equal(500n * TFT);
    });

    it("goes on while the network is frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, oracle } = protocol.contracts;
      const epoch = await endedTFTBucket(protocol, TFT);
      await oracle.connect(protocol.actors.guardian).freeze();

      await expect(controller.burnEpoch(epoch)).to.emit(controller, "Destroyed");
    });
  });

  describe("the supply's boundaries", () => {
    it("is still in production mining one unit before its end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END - 11n);
      const epoch = await endedTFTBucket(protocol, 10n);

      // 80 % of E1 - 11 are 349,999,...,991.2 units, of E1 - 1 they are ...,999.2
      await expectDestroyed(protocol, controller.burnEpoch(epoch), epoch, tft, {
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
      const epoch = await endedTFTBucket(protocol, 1_000n * TFT);

      await expectDestroyed(protocol, controller.burnEpoch(epoch), epoch, tft, {
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
      const epoch = await endedTFTBucket(protocol, 1_600n * TFT + 1n);

      // 1,000 TFT by the first rule; of the 600 TFT and 1 unit beyond, half rounded up is burned
      await expectDestroyed(protocol, controller.burnEpoch(epoch), epoch, tft, {
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
      const epoch = await endedTFTBucket(protocol, 3n);

      await expectDestroyed(protocol, controller.burnEpoch(epoch), epoch, tft, {
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
      const epoch = await endedTFTBucket(protocol, 101n);

      const burn = controller.burnEpoch(epoch);

      await expectDestroyed(protocol, burn, epoch, tft, {
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
      const epoch = await endedTFTBucket(protocol, 1n);

      await expectDestroyed(protocol, controller.burnEpoch(epoch), epoch, tft, {
        bought: 1n,
        burned: 1n,
        released: 0n,
        operations: 0n,
        reward: 0n,
        phase: Phase.BuybackDistribution,
      });
      expect(await pool.bucket(await pool.bucketId(epoch, tft))).to.deep.equal([1n, 0n, true]);
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
      const epoch = await endedTFTBucket(protocol, 1_000n * TFT);

      await expectDestroyed(protocol, controller.burnEpoch(epoch), epoch, tft, {
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
      const epoch = await endedTFTBucket(protocol, 5_000n * TFT);

      await expectDestroyed(protocol, controller.burnEpoch(epoch), epoch, tft, {
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

      await controller.burnEpoch(await endedTFTBucket(protocol, 100n * TFT));

      const transfers = tft.filters.Transfer(controller, pool);
      expect(await tft.queryFilter(transfers, "latest"), "a transfer of nothing").to.deep.equal([]);
    });

    it("burns nothing ever after, and distributes all", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, pool, vault } = protocol.contracts;
      await burnUpTo(protocol, BURNING_END);

      for (const bought of [1n, 1_000_000n * TFT + 1n]) {
        const epoch = await endedTFTBucket(protocol, bought);
        const burn = controller.burnEpoch(epoch);
        await expectDestroyed(protocol, burn, epoch, tft, {
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
      const epoch = await endedTFTBucket(protocol, bought);

      await expectDestroyed(protocol, controller.burnEpoch(epoch), epoch, tft, {
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

    it(`follows the reference model through a random life, in which no coalition gains (seed ${SEED})`, async () => {
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
        const epoch = await earn(protocol, [{ asset: tft, amount: bought, miner: treasury, payer: treasury }]);
        await startEpoch(protocol);
        await controller.burnEpoch(epoch);
        const id = await pool.bucketId(epoch, tft);
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

  describe("lot and price", () => {
    it("refuse TFT, which are never sold", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      await endedTFTBucket(protocol, TFT);

      await expect(controller.lot(tft)).to.be.revertedWithCustomError(controller, "Controller_TFTNotSold").withArgs();
      await expect(controller.price(tft)).to.be.revertedWithCustomError(controller, "Controller_TFTNotSold").withArgs();
    });

    it("refuse an asset that was never listed, and one in which nothing was earned", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { controller, usd } = contracts;

      for (const asset of [actors.stranger, usd]) {
        await expect(controller.lot(asset))
          .to.be.revertedWithCustomError(controller, "Controller_NoLot")
          .withArgs(asset);
        await expect(controller.price(asset))
          .to.be.revertedWithCustomError(controller, "Controller_NoLot")
          .withArgs(asset);
      }
    });

    it("refuse until the last second of the epoch, and show the lot from the first second after it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const epoch = await earn(protocol, [{ asset: usd, amount: 700n * USD, miner: protocol.actors.miners[0] }]);
      const end = (epoch + 1n) * EPOCH;

      await time.increaseTo(end - 1n);
      await expect(controller.lot(usd)).to.be.revertedWithCustomError(controller, "Controller_NoLot").withArgs(usd);
      await expect(controller.price(usd)).to.be.revertedWithCustomError(controller, "Controller_NoLot").withArgs(usd);

      await time.increaseTo(end);
      expect(await controller.lot(usd)).to.deep.equal([epoch, 700n * USD, 700n * USD, end, USD_REFERENCE_PRICE]);
      expect(await controller.price(usd)).to.equal(8n * USD_REFERENCE_PRICE);
    });

    it("show what is left of a lot that is sold in part", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);

      await buyAt(protocol, { asset: usd, epoch, start, age: 10n, amount: 100n * USD });
      await buyAt(protocol, { asset: usd, epoch, start, age: 20n, amount: 50n * USD });

      expect(await controller.lot(usd)).to.deep.equal([epoch, 700n * USD, 550n * USD, start, USD_REFERENCE_PRICE]);
    });

    it("fall from 8 r to r / 4 in the first period, and by 2^8 in each after it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { start } = await openLot(protocol, usd, 700n * USD);

      for (const [age, price] of [
        [0n, 160n * TFT],
        [PERIOD / 5n, 80n * TFT],
        [(PERIOD * 3n) / 5n, 20n * TFT],
        [PERIOD, 5n * TFT],
        [(PERIOD * 9n) / 8n, (5n * TFT) / 2n],
        [2n * PERIOD, (5n * TFT) / 256n],
        [3n * PERIOD, (5n * TFT) / 256n ** 2n],
      ]) {
        if (age > 0n) await time.increaseTo(start + age);
        expect(await controller.price(usd)).to.be.closeTo(price, 1n);
      }
    });

    it("are those of the library at the first and last seconds of the periods", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { start } = await openLot(protocol, usd, 700n * USD);

      const ages = [1n, 2n, 12_345n, PERIOD - 1n, PERIOD, PERIOD + 1n, 2n * PERIOD - 1n, 2n * PERIOD, 17n * PERIOD];
      for (const age of ages) {
        await time.increaseTo(start + age);
        expect(await controller.price(usd)).to.equal(priceAt(USD_REFERENCE_PRICE, age, PERIOD));
      }
    });

    it("do not move when someone sends the asset or TFT", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);

      await usd.mint(controller, 10_000n * USD);
      await tft.connect(protocol.actors.treasury).transfer(controller, 10_000n * TFT);
      await time.increaseTo(start + 1_000n);

      expect(await controller.lot(usd)).to.deep.equal([epoch, 700n * USD, 700n * USD, start, USD_REFERENCE_PRICE]);
      expect(await controller.price(usd)).to.equal(priceAt(USD_REFERENCE_PRICE, 1_000n, PERIOD));
      await buyAt(protocol, { asset: usd, epoch, start, age: 2_000n, amount: 700n * USD });
      expect(await usd.balanceOf(controller)).to.equal(10_000n * USD);
    });

    it("start the clock of the next lot at the end of its epoch, when the lot before was sold out by then", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      await buyAt(protocol, { asset: usd, ...first, age: 100n, amount: 700n * USD });

      const second = await openLot(protocol, usd, 300n * USD);

      expect((await controller.lot(usd)).startedAt).to.equal(second.start);
      expect((await controller.lot(usd)).epoch).to.equal(second.epoch);
    });

    it("start the clock of the next lot when the lot before is sold out, when its epoch ended before that", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      const second = await openLot(protocol, usd, 300n * USD);
      const age = second.start - first.start + 1_000n;

      await buyAt(protocol, { asset: usd, ...first, age, amount: 700n * USD });

      const lot = await controller.lot(usd);
      expect(lot.epoch).to.equal(second.epoch);
      expect(lot.startedAt).to.equal(first.start + age);
      expect(await controller.price(usd)).to.equal(8n * lot.referencePrice);
    });

    it("go on when the asset is delisted", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, escrow, timelock } = protocol.contracts;
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);
      await asGovernor(timelock, protocol.actors.admin, await escrow.delistAsset.populateTransaction(usd));

      expect((await controller.lot(usd)).remaining).to.equal(700n * USD);
      await expect(buyAt(protocol, { asset: usd, epoch, start, age: 3n * PERIOD, amount: 700n * USD })).to.emit(
        controller,
        "LotSoldOut",
      );
    });
  });

  describe("oldestBucket", () => {
    it("tells how many buckets wait, and the oldest one's epoch, ended or not", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      expect(await controller.oldestBucket(tft)).to.deep.equal([0n, 0n]);

      const first = await earn(protocol, [
        { asset: tft, amount: TFT, miner },
        { asset: usd, amount: USD, miner },
      ]);
      expect(await controller.oldestBucket(tft)).to.deep.equal([1n, first]);

      const second = await earn(protocol, [{ asset: tft, amount: TFT, miner }]);
      expect(await controller.oldestBucket(tft)).to.deep.equal([2n, first]);
      expect(await controller.oldestBucket(usd)).to.deep.equal([1n, first]);

      await controller.burnEpoch(first);
      expect(await controller.oldestBucket(tft)).to.deep.equal([1n, second]);
    });

    it("has no epoch once every bucket is destroyed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      await controller.burnEpoch(await endedTFTBucket(protocol, TFT));

      expect(await controller.oldestBucket(tft)).to.deep.equal([0n, 0n]);
    });
  });

  describe("buy", () => {
    it("refuses TFT", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      const { bidder } = protocol.actors;
      const epoch = await endedTFTBucket(protocol, TFT);

      await expect(controller.connect(bidder).buy(tft, epoch, TFT, ANY_PRICE, bidder, "0x"))
        .to.be.revertedWithCustomError(controller, "Controller_TFTNotSold")
        .withArgs();
    });

    it("refuses an asset of which nothing is for sale", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { controller, usd } = contracts;
      const { bidder } = actors;

      await expect(controller.connect(bidder).buy(usd, 0n, USD, ANY_PRICE, bidder, "0x"))
        .to.be.revertedWithCustomError(controller, "Controller_NoLot")
        .withArgs(usd);
    });

    it("refuses another epoch than the lot's: a younger one, and one that is sold out", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const first = await openLot(protocol, usd, 700n * USD);
      const second = await openLot(protocol, usd, 300n * USD);
      const buy = (epoch: bigint) => controller.connect(bidder).buy(usd, epoch, 700n * USD, ANY_PRICE, bidder, "0x");

      await expect(buy(second.epoch))
        .to.be.revertedWithCustomError(controller, "Controller_WrongEpoch")
        .withArgs(second.epoch, first.epoch);

      await buy(first.epoch);
      await expect(buy(first.epoch))
        .to.be.revertedWithCustomError(controller, "Controller_WrongEpoch")
        .withArgs(first.epoch, second.epoch);
    });

    it("refuses a purchase of nothing", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { epoch } = await openLot(protocol, usd, 700n * USD);

      await expect(controller.connect(bidder).buy(usd, epoch, 0n, ANY_PRICE, bidder, "0x"))
        .to.be.revertedWithCustomError(controller, "Controller_ZeroAmount")
        .withArgs();
    });

    it("refuses a price one unit above the bidder's maximum, and takes one that equals it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);
      const buy = (maxPrice: bigint) => controller.connect(bidder).buy(usd, epoch, USD, maxPrice, bidder, "0x");

      const price = priceAt(USD_REFERENCE_PRICE, 1_000n, PERIOD);
      await time.setNextBlockTimestamp(start + 1_000n);
      await expect(buy(price - 1n))
        .to.be.revertedWithCustomError(controller, "Controller_PriceAboveMax")
        .withArgs(price, price - 1n);

      await time.setNextBlockTimestamp(start + 1_001n);
      await expect(buy(priceAt(USD_REFERENCE_PRICE, 1_001n, PERIOD))).to.emit(controller, "LotFilled");
    });

    it("refuses a bidder who has not approved what he owes", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);
      const owed = tftOwed(USD, priceAt(USD_REFERENCE_PRICE, PERIOD, PERIOD), USD);
      await tft.connect(bidder).approve(controller, owed - 1n);

      await time.setNextBlockTimestamp(start + PERIOD);
      await expect(controller.connect(bidder).buy(usd, epoch, USD, ANY_PRICE, bidder, "0x"))
        .to.be.revertedWithCustomError(tft, "ERC20InsufficientAllowance")
        .withArgs(controller, owed - 1n, owed);
    });

    it("sells a part at the price of the moment, and destroys what it brought at once", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft, vault, pool } = protocol.contracts;
      const { bidder, stranger } = protocol.actors;
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);
      // r / 4: 5 TFT for each
      const [amount, owed] = [100n * USD, 500n * TFT];

      await time.setNextBlockTimestamp(start + PERIOD);
      const purchase = controller.connect(bidder).buy(usd, epoch, amount, ANY_PRICE, stranger, "0x");

      await expect(purchase).to.changeTokenBalances(usd, [controller, stranger, bidder], [-amount, amount, 0n]);
      await expect(purchase).to.changeTokenBalances(
        tft,
        [bidder, controller, vault, pool],
        [-owed, 0n, -360n * TFT, 360n * TFT],
      );
      await expect(purchase)
        .to.emit(controller, "LotFilled")
        .withArgs(usd, epoch, bidder, stranger, amount, owed, 5n * TFT);
      await expectDestroyed(protocol, purchase, epoch, usd, {
        bought: owed,
        burned: owed,
        released: 400n * TFT,
        operations: 40n * TFT,
        reward: 360n * TFT,
        phase: Phase.ProductionMining,
      });
      await expect(purchase).not.to.emit(controller, "LotSoldOut");
      expect(await pool.bucket(await pool.bucketId(epoch, usd))).to.deep.equal([700n * USD, 360n * TFT, false]);
    });

    it("returns what was filled and what is owed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);
      await time.increaseTo(start + PERIOD);

      expect(
        await controller.connect(bidder).buy.staticCall(usd, epoch, 1_000n * USD, ANY_PRICE, bidder, "0x"),
      ).to.deep.equal([700n * USD, 3_500n * TFT]);
    });

    it("sells the rest, makes the bucket final and tells what the lot brought", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, pool } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);
      const firstOwed = tftOwed(300n * USD, priceAt(USD_REFERENCE_PRICE, 40_000n, PERIOD), USD);
      await buyAt(protocol, { asset: usd, epoch, start, age: 40_000n, amount: 300n * USD });

      const purchase = buyAt(protocol, { asset: usd, epoch, start, age: PERIOD, amount: 400n * USD });

      const proceeds = firstOwed + 2_000n * TFT;
      const average = (proceeds * USD) / (700n * USD);
      expect(average).to.be.within(USD_REFERENCE_PRICE / 2n + 1n, USD_REFERENCE_PRICE * 2n - 1n);
      await expect(purchase)
        .to.emit(controller, "LotFilled")
        .withArgs(usd, epoch, bidder, bidder, 400n * USD, 2_000n * TFT, 5n * TFT);
      await expect(purchase)
        .to.emit(controller, "LotSoldOut")
        .withArgs(usd, epoch, proceeds, USD_REFERENCE_PRICE, average);
      expect((await pool.bucket(await pool.bucketId(epoch, usd))).isFinal).to.equal(true);
      await expect(controller.lot(usd)).to.be.revertedWithCustomError(controller, "Controller_NoLot").withArgs(usd);
    });

    it("keeps the next lot's account apart from that of the lot before", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      await buyAt(protocol, { asset: usd, ...first, age: PERIOD, amount: 300n * USD });
      await buyAt(protocol, { asset: usd, ...first, age: PERIOD + 1n, amount: 400n * USD });
      const second = await openLot(protocol, usd, 500n * USD);
      const { remaining, referencePrice } = await controller.lot(usd);
      expect(remaining).to.equal(500n * USD);

      const proceeds = tftOwed(500n * USD, priceAt(referencePrice, 40_000n, PERIOD), USD);
      await expect(buyAt(protocol, { asset: usd, ...second, age: 40_000n, amount: 500n * USD }))
        .to.emit(controller, "LotSoldOut")
        .withArgs(
          usd,
          second.epoch,
          proceeds,
          referencePrice,
          nextReference(referencePrice, proceeds, 500n * USD, USD),
        );
    });

    it("fills no more than is left, so that a purchase in front of the bidder's does not stop his", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);
      await buyAt(protocol, { asset: usd, epoch, start, age: 60_000n, amount: 1n });

      const purchase = buyAt(protocol, { asset: usd, epoch, start, age: 60_001n, amount: 700n * USD });

      await expect(purchase).to.changeTokenBalance(usd, bidder, 700n * USD - 1n);
      await expect(purchase).to.emit(controller, "LotSoldOut");
    });

    for (const [name, left, filled] of [
      ["sells a rest just below 1 % of the lot with the fill that would leave it", 9_999n, 1_000_000n],
      ["leaves a rest of exactly 1 % of the lot", 10_000n, 990_000n],
      ["leaves a rest just above 1 % of the lot", 10_001n, 989_999n],
    ] as const) {
      it(name, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { usd } = protocol.contracts;
        const { epoch, start } = await openLot(protocol, usd, 1_000_000n);

        await expect(
          buyAt(protocol, { asset: usd, epoch, start, age: PERIOD, amount: 1_000_000n - left }),
        ).to.changeTokenBalance(usd, protocol.actors.bidder, filled);
      });
    }

    it("measures a rest by the whole lot, not by what was left of it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { epoch, start } = await openLot(protocol, usd, 10_000n);
      await buyAt(protocol, { asset: usd, epoch, start, age: PERIOD, amount: 9_800n });

      await expect(buyAt(protocol, { asset: usd, epoch, start, age: PERIOD + 1n, amount: 100n })).to.changeTokenBalance(
        usd,
        bidder,
        100n,
      );
      await expect(buyAt(protocol, { asset: usd, epoch, start, age: PERIOD + 2n, amount: 1n })).to.changeTokenBalance(
        usd,
        bidder,
        100n,
      );
    });

    it("rounds what is owed up", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      const { epoch, start } = await openLot(protocol, usd, 10_000n);
      const price = priceAt(USD_REFERENCE_PRICE, 12_345n, PERIOD);
      const owed = (7n * price) / USD + 1n;
      expect((7n * price) % USD).not.to.equal(0n);

      await expect(buyAt(protocol, { asset: usd, epoch, start, age: 12_345n, amount: 7n })).to.changeTokenBalance(
        tft,
        protocol.actors.bidder,
        -owed,
      );
      expect(await tft.burned()).to.equal(owed);
      expect(await tft.balanceOf(controller)).to.equal(0n);
    });

    it("takes a unit when the price has fallen to nothing, so that every lot clears", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, pool } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);

      const purchase = buyAt(protocol, { asset: usd, epoch, start, age: 17n * PERIOD, amount: 700n * USD });

      await expect(purchase)
        .to.emit(controller, "LotFilled")
        .withArgs(usd, epoch, bidder, bidder, 700n * USD, 1n, 0n);
      await expect(purchase)
        .to.emit(controller, "LotSoldOut")
        .withArgs(usd, epoch, 1n, USD_REFERENCE_PRICE, USD_REFERENCE_PRICE);
      expect(await pool.bucket(await pool.bucketId(epoch, usd))).to.deep.equal([700n * USD, 0n, true]);
    });

    it("destroys by the rule of phase 2 when production mining has ended", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END);
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);

      await expectDestroyed(
        protocol,
        buyAt(protocol, { asset: usd, epoch, start, age: PERIOD, amount: 100n * USD }),
        epoch,
        usd,
        {
          bought: 500n * TFT,
          burned: 250n * TFT,
          released: 0n,
          operations: 0n,
          reward: 250n * TFT,
          phase: Phase.BuybackDistribution,
        },
      );
    });

    it("splits a fill that crosses the end of production mining", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END - 100n * TFT);
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);

      await expectDestroyed(
        protocol,
        buyAt(protocol, { asset: usd, epoch, start, age: PERIOD, amount: 100n * USD }),
        epoch,
        usd,
        {
          bought: 500n * TFT,
          burned: 300n * TFT,
          released: 80n * TFT,
          operations: 8n * TFT,
          reward: 72n * TFT + 200n * TFT,
          phase: Phase.BuybackDistribution,
        },
      );
    });

    it("splits a fill that crosses the ultimate supply", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd, tft } = protocol.contracts;
      await burnUpTo(protocol, BURNING_END - 100n * TFT);
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);

      await expectDestroyed(
        protocol,
        buyAt(protocol, { asset: usd, epoch, start, age: PERIOD, amount: 100n * USD }),
        epoch,
        usd,
        {
          bought: 500n * TFT,
          burned: 100n * TFT,
          released: 0n,
          operations: 0n,
          reward: 400n * TFT,
          phase: Phase.Mature,
        },
      );
      expect(await tft.totalSupply()).to.equal(ULTIMATE_SUPPLY);
    });

    it("goes on while the network is frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, oracle } = protocol.contracts;
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);
      await oracle.connect(protocol.actors.guardian).freeze();

      await expect(buyAt(protocol, { asset: usd, epoch, start, age: PERIOD, amount: 700n * USD })).to.emit(
        controller,
        "LotSoldOut",
      );
    });
  });

  describe("the reference price", () => {
    for (const [name, age, factor] of [
      ["at most doubles, whatever was paid", 60n, 2n],
      ["is the average, when that is within half and double", 60_000n, undefined],
    ] as const) {
      it(name, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { controller, usd } = protocol.contracts;
        const { epoch, start } = await openLot(protocol, usd, 10_000n * USD);
        const price = priceAt(USD_REFERENCE_PRICE, age, PERIOD);

        await buyAt(protocol, { asset: usd, epoch, start, age, amount: 10_000n * USD });
        await openLot(protocol, usd, USD);

        expect((await controller.lot(usd)).referencePrice).to.equal(
          factor === undefined ? price : factor * USD_REFERENCE_PRICE,
        );
      });
    }

    it("at most halves, however late the lot was sold", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { epoch, start } = await openLot(protocol, usd, 10_000n * USD);

      await expect(buyAt(protocol, { asset: usd, epoch, start, age: PERIOD, amount: 10_000n * USD }))
        .to.emit(controller, "LotSoldOut")
        .withArgs(usd, epoch, 50_000n * TFT, USD_REFERENCE_PRICE, USD_REFERENCE_PRICE / 2n);
    });

    it("weighs every fill by its volume", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { epoch, start } = await openLot(protocol, usd, 10_000n * USD);
      const fills = [
        [40_000n, 1_000n * USD],
        [50_000n, 7_000n * USD],
        [60_000n, 2_000n * USD],
      ];
      for (const [age, amount] of fills) await buyAt(protocol, { asset: usd, epoch, start, age, amount });
      await openLot(protocol, usd, USD);

      const owed = fills.map(([age, amount]) => tftOwed(amount, priceAt(USD_REFERENCE_PRICE, age, PERIOD), USD));
      const proceeds = owed.reduce((sum, part) => sum + part);
      const { referencePrice } = await controller.lot(usd);
      expect(referencePrice).to.equal((proceeds * USD) / (10_000n * USD));
      expect(referencePrice).to.equal(nextReference(USD_REFERENCE_PRICE, proceeds, 10_000n * USD, USD));
    });

    for (const [name, proceeds, reference] of [
      ["stays when the lot brought a unit less than 1,000 TFT", 1_000n * TFT - 1n, 20n * TFT],
      ["follows a lot that brought 1,000 TFT", 1_000n * TFT, 10n * TFT],
    ] as const) {
      it(name, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { controller, dai } = protocol.contracts;
        // below a unit for a unit, so that one size of the lot brings these proceeds to the unit
        const age = (PERIOD * 3n) / 2n;
        const price = priceAt(20n * TFT, age, PERIOD);
        expect(price).to.be.lessThan(TFT);
        const amount = (proceeds * DAI) / price;
        const { epoch, start } = await openLot(protocol, dai, amount);

        await expect(buyAt(protocol, { asset: dai, epoch, start, age, amount }))
          .to.emit(controller, "LotSoldOut")
          .withArgs(dai, epoch, proceeds, 20n * TFT, reference);
      });
    }

    it("stays through twenty lots of one unit, bought in one transaction", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const buyer = await deployBuyer(protocol);
      const epochs: bigint[] = [];
      for (let i = 0; i < 20; ++i) epochs.push((await openLot(protocol, usd, 1n)).epoch);
      const calls = await Promise.all(epochs.map((epoch) => buyCall(protocol, buyer, usd, epoch, 1n)));

      await expect(buyer.execute(calls)).to.changeTokenBalance(usd, buyer, 20n);

      const { start } = await openLot(protocol, usd, 10_000n * USD);
      expect((await controller.lot(usd)).referencePrice).to.equal(USD_REFERENCE_PRICE);
      await time.increaseTo(start + 1_000n);
      expect(await controller.price(usd)).to.equal(priceAt(USD_REFERENCE_PRICE, 1_000n, PERIOD));
    });

    it("stays through twenty quiet epochs with a lot of one unit each", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      for (let i = 0n; i < 20n; ++i) {
        const { epoch, start } = await openLot(protocol, usd, 1n);
        // at any price there is, from the highest to the lowest of the first period
        await buyAt(protocol, { asset: usd, epoch, start, age: 10n + i * 4_000n, amount: 1n });
      }

      const { start } = await openLot(protocol, usd, 10_000n * USD);
      expect((await controller.lot(usd)).referencePrice).to.equal(USD_REFERENCE_PRICE);
      await time.increaseTo(start + 1_000n);
      expect(await controller.price(usd)).to.equal(priceAt(USD_REFERENCE_PRICE, 1_000n, PERIOD));
    });

    it("is each asset's own", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, dai } = protocol.contracts;
      const { epoch, start } = await openLot(protocol, usd, 10_000n * USD);
      await buyAt(protocol, { asset: usd, epoch, start, age: PERIOD, amount: 10_000n * USD });

      await openLot(protocol, dai, DAI);

      expect((await controller.lot(dai)).referencePrice).to.equal(20n * TFT);
    });
  });

  describe("buy with a hook", () => {
    it("is refused for a caller that cannot be called back", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { epoch } = await openLot(protocol, usd, 700n * USD);

      const purchase = controller.connect(bidder).buy(usd, epoch, USD, ANY_PRICE, bidder, "0x01");

      await expect(purchase).to.be.revertedWithoutReason();
      expect(await tft.burned()).to.equal(0n);
    });

    it("calls the caller with exactly what was paid out, what is owed, and his data", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { controller, usd } = contracts;
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);
      const buyer = await deployBuyer(protocol);
      const data = hookData(callOf(await usd.balanceOf.populateTransaction(buyer)));

      await time.setNextBlockTimestamp(start + PERIOD);
      const purchase = buyer.execute([await buyCall(protocol, buyer, usd, epoch, 100n * USD, data)]);

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
      const { epoch } = await openLot(protocol, contracts.usd, 700n * USD);
      const buyer = await deployBuyer(protocol);

      const purchase = buyer.execute([await buyCall(protocol, buyer, contracts.usd, epoch, 100n * USD)]);

      await expect(purchase).not.to.emit(buyer, "Hooked");
    });

    it("lets the caller find the TFT that he owes in the hook", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { tft, usd, controller } = contracts;
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);
      const buyer = await ethers.deployContract("HostileBuyer");
      await tft.connect(actors.treasury).approve(buyer, 500n * TFT);
      const source = hookData(
        callOf(await tft.transferFrom.populateTransaction(actors.treasury, buyer, 500n * TFT)),
        callOf(await tft.approve.populateTransaction(controller, 500n * TFT)),
      );
      const call = await buyCall(protocol, buyer, usd, epoch, 100n * USD, source);

      await time.setNextBlockTimestamp(start + PERIOD);
      const purchase = buyer.execute([call]);

      await expect(purchase).to.changeTokenBalances(tft, [actors.treasury, buyer], [-500n * TFT, 0n]);
      await expect(purchase).to.changeTokenBalance(usd, buyer, 100n * USD);
    });

    it("takes the asset back when the caller does not pay in the end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { tft, usd, controller } = contracts;
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);
      const buyer = await deployBuyer(protocol);
      const revoke = callOf(await tft.approve.populateTransaction(controller, 0n));
      const call = await buyCall(protocol, buyer, usd, epoch, 100n * USD, hookData(revoke));

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
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);
      const buyer = await deployBuyer(protocol);
      const look = callOf(await controller.lot.populateTransaction(usd));

      await expect(buyer.execute([await buyCall(protocol, buyer, usd, epoch, 100n * USD, hookData(look))]))
        .to.emit(buyer, "Answered")
        .withArgs(
          controller.interface.encodeFunctionResult("lot", [
            [epoch, 700n * USD, 600n * USD, start, USD_REFERENCE_PRICE],
          ]),
        );
    });

    it("refuses a purchase of the rest from within the hook", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { usd, controller } = contracts;
      const { epoch } = await openLot(protocol, usd, 700n * USD);
      const buyer = await deployBuyer(protocol);
      const inner = await buyCall(protocol, buyer, usd, epoch, 50n * USD);
      const outer = await buyCall(protocol, buyer, usd, epoch, 100n * USD, hookData(inner));

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
      const inner = await buyCall(protocol, buyer, dai, second.epoch, 50n * DAI);
      const outer = await buyCall(protocol, buyer, usd, first.epoch, 100n * USD, hookData(inner));

      await expect(buyer.execute([outer])).to.be.revertedWithCustomError(controller, "ReentrancyGuardReentrantCall");

      await expect(buyer.execute([inner])).to.changeTokenBalance(dai, buyer, 50n * DAI);
    });

    it("refuses burnEpoch from within the hook", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { usd, controller } = contracts;
      const { epoch } = await openLot(protocol, usd, 700n * USD);
      const burnable = await endedTFTBucket(protocol, TFT);
      const buyer = await deployBuyer(protocol);
      const inner = callOf(await controller.burnEpoch.populateTransaction(burnable));
      const outer = await buyCall(protocol, buyer, usd, epoch, 100n * USD, hookData(inner));

      await expect(buyer.execute([outer])).to.be.revertedWithCustomError(controller, "ReentrancyGuardReentrantCall");

      await expect(buyer.execute([inner])).to.emit(controller, "Destroyed");
    });
  });

  describe("an asset gone bad", () => {
    it("blocks nobody but its own receiver: another receiver, another asset and TFT go on", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      const { bidder, stranger, miners } = protocol.actors;
      const { hostile, asset } = await listHostileToken(protocol);
      const bad = await openLot(protocol, asset, 700n * DAI);
      const good = await openLot(protocol, usd, 700n * USD);
      const burnable = await earn(protocol, [{ asset: tft, amount: TFT, miner: miners[0] }]);
      await startEpoch(protocol);
      await hostile.blockReceiver(bidder);
      const buy = (lot: Asset, epoch: bigint, to: HardhatEthersSigner) =>
        controller.connect(bidder).buy(lot, epoch, 1_000n, ANY_PRICE, to, "0x");

      await expect(buy(asset, bad.epoch, bidder))
        .to.be.revertedWithCustomError(hostile, "HostileToken_Blocked")
        .withArgs(bidder);
      await expect(buy(asset, bad.epoch, stranger)).to.changeTokenBalance(asset, stranger, 1_000n);
      await expect(buy(usd, good.epoch, bidder)).to.changeTokenBalance(usd, bidder, 1_000n);
      await expect(controller.burnEpoch(burnable)).to.emit(controller, "Destroyed");
    });

    it("is not sold when its transfer answers false", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller } = protocol.contracts;
      const { hostile, asset } = await listHostileToken(protocol);
      const { epoch, start } = await openLot(protocol, asset, 700n * DAI);
      await hostile.setAnswer(1n);

      await expect(buyAt(protocol, { asset, epoch, start, age: PERIOD, amount: DAI }))
        .to.be.revertedWithCustomError(controller, "SafeERC20FailedOperation")
        .withArgs(asset);
    });

    it("is sold when its transfer answers nothing", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { hostile, asset } = await listHostileToken(protocol);
      const { epoch, start } = await openLot(protocol, asset, 700n * DAI);
      await hostile.setAnswer(2n);

      await expect(buyAt(protocol, { asset, epoch, start, age: PERIOD, amount: DAI })).to.changeTokenBalance(
        asset,
        protocol.actors.bidder,
        DAI,
      );
    });

    it("cannot buy or burn from within its transfer", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const { controller, usd } = contracts;
      const { hostile, asset } = await listHostileToken(protocol);
      const bad = await openLot(protocol, asset, 700n * DAI);
      const good = await openLot(protocol, usd, 700n * USD);
      const burnable = await endedTFTBucket(protocol, TFT);
      const buyer = await deployBuyer(protocol);
      const outer = await buyCall(protocol, buyer, asset, bad.epoch, DAI);

      for (const inner of [
        await buyCall(protocol, buyer, usd, good.epoch, USD),
        await buyCall(protocol, buyer, asset, bad.epoch, DAI),
        callOf(await controller.burnEpoch.populateTransaction(burnable)),
      ]) {
        await hostile.setHook(buyer, buyer.interface.encodeFunctionData("execute", [[inner]]));
        await expect(buyer.execute([outer])).to.be.revertedWithCustomError(controller, "ReentrancyGuardReentrantCall");

        await hostile.setHook(ZeroAddress, "0x");
        await expect(buyer.execute([inner])).to.emit(controller, "Destroyed");
      }
    });
  });

  describe("enqueue", () => {
    it("refuses everyone but the pool", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { controller, usd, escrow } = contracts;

      for (const caller of [actors.stranger, actors.admin, await impersonate(escrow)]) {
        await expect(controller.connect(caller).enqueue(1n, usd))
          .to.be.revertedWithCustomError(controller, "Controller_NotPool")
          .withArgs(caller);
      }
    });

    it("tells which bucket now waits", async () => {
      const { controller, pool, usd } = (await loadFixture(deployProtocolFixture)).contracts;

      await expect(controller.connect(await impersonate(pool)).enqueue(7n, usd))
        .to.emit(controller, "BucketQueued")
        .withArgs(await pool.bucketId(7n, usd), 7n, usd);
    });
  });

  describe("createAuction", () => {
    it("refuses everyone but the escrow", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { controller, usd, timelock } = contracts;

      for (const caller of [actors.stranger, actors.admin, await impersonate(timelock)]) {
        await expect(controller.connect(caller).createAuction(usd, TFT))
          .to.be.revertedWithCustomError(controller, "Controller_NotEscrow")
          .withArgs(caller);
      }
    });

    for (const [name, referencePrice] of [
      ["of zero", 0n],
      ["above the nominal supply", MAX_REFERENCE + 1n],
    ] as const) {
      it(`refuses a reference price ${name}`, async () => {
        const { contracts, actors } = await loadFixture(deployProtocolFixture);
        const { controller, escrow, timelock } = contracts;
        const token = await ethers.deployContract("TestToken", ["Token", "TKN", 8n]);

        await expect(
          asGovernor(timelock, actors.admin, await escrow.listAsset.populateTransaction(token, referencePrice)),
        )
          .to.be.revertedWithCustomError(controller, "Controller_ReferenceOutOfBounds")
          .withArgs(referencePrice, MAX_REFERENCE);
      });
    }

    it("refuses an asset of 25 decimals", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { controller, escrow, timelock } = contracts;
      const token = await ethers.deployContract("TestToken", ["Token", "TKN", 25n]);

      await expect(asGovernor(timelock, actors.admin, await escrow.listAsset.populateTransaction(token, TFT)))
        .to.be.revertedWithCustomError(controller, "Controller_TooManyDecimals")
        .withArgs(token, 25n, 24n);
    });

    for (const [decimals, referencePrice] of [
      [24n, MAX_REFERENCE],
      [0n, 1n],
    ]) {
      it(`takes ${decimals} decimals and a reference price of ${referencePrice}, and sells by them`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { contracts, actors } = protocol;
        const { controller, escrow, timelock } = contracts;
        const token = await ethers.deployContract("TestToken", ["Token", "TKN", decimals]);
        await token.mint(actors.renters[0], 1_000n);

        await expect(
          asGovernor(timelock, actors.admin, await escrow.listAsset.populateTransaction(token, referencePrice)),
        )
          .to.emit(controller, "AuctionCreated")
          .withArgs(token, decimals, referencePrice);

        const { epoch, start } = await openLot(protocol, token, 1_000n);
        const price = priceAt(referencePrice, 100n, PERIOD);
        await expect(buyAt(protocol, { asset: token, epoch, start, age: 100n, amount: 1_000n }))
          .to.emit(controller, "LotFilled")
          .withArgs(token, epoch, actors.bidder, actors.bidder, 1_000n, tftOwed(1_000n, price, 10n ** decimals), price);
      });
    }
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
      await controller.burnEpoch(await endedTFTBucket(protocol, 1_000n * TFT));

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
      const { epoch, start } = await openLot(protocol, usd, 700n * USD);
      for (const age of [PERIOD, PERIOD + 1n, PERIOD + 2n]) {
        await buyAt(protocol, { asset: usd, epoch, start, age, amount: 100n * USD });
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
