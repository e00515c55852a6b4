import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { loadFixture, setStorageAt, time } from "@nomicfoundation/hardhat-network-helpers";
import {
  BURNING_END,
  DAY,
  MAX_REFERENCE,
  MIN_REFERENCE,
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

/** What a destruction is told to have done; the bucket is that of the round and the asset. */
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
  round: bigint,
  asset: Asset,
  { bought, burned, released, operations, reward, phase }: Destroyed,
): Promise<void> {
  await expect(destruction)
    .to.emit(controller, "Destroyed")
    .withArgs(
      await pool.bucketId(round, asset),
      round,
      asset,
      bought,
      burned,
      released,
      operations,
      reward,
      BigInt(phase),
    );
}

/** Has a miner earn TFT, paid by the treasury, and ends the epoch, with which the round closes unless one waits. */
async function closedTFTRound(protocol: Protocol, amount: bigint): Promise<bigint> {
  const { treasury, miners } = protocol.actors;
  const round = await earn(protocol, [{ asset: protocol.contracts.tft, amount, miner: miners[0], payer: treasury }]);
  await startEpoch(protocol);
  return round;
}

/** Has a miner earn an asset, closes its round with the epoch, and lets the bidder pay for everything they may buy. */
async function openLot(protocol: Protocol, asset: Asset, amount: bigint): Promise<{ round: bigint; start: bigint }> {
  const { contracts, actors } = protocol;
  const round = await earn(protocol, [{ asset, amount, miner: actors.miners[0] }]);
  await contracts.tft.connect(actors.bidder).approve(contracts.controller, INITIAL_TFT);
  const start = (await startEpoch(protocol)) * EPOCH;
  return { round, start };
}

/** The second in which the present epoch ends. */
async function endOfEpoch(): Promise<bigint> {
  return (BigInt(await time.latest()) / EPOCH + 1n) * EPOCH;
}

/** The bidder buys for himself, when a lot's clock shows `age` seconds. */
async function buyAt(
  { contracts: { controller }, actors: { bidder } }: Protocol,
  { asset, round, start, age, amount }: { asset: Asset; round: bigint; start: bigint; age: bigint; amount: bigint },
): Promise<ContractTransactionResponse> {
  await time.setNextBlockTimestamp(start + age);
  return controller.connect(bidder).buy(asset, round, amount, ANY_PRICE, bidder, "0x");
}

/** A buyer's contract that holds TFT and has approved the controller. */
async function deployBuyer({ contracts: { tft, controller }, actors }: Protocol): Promise<HostileBuyer> {
  const buyer = await ethers.deployContract("HostileBuyer");
  await tft.connect(actors.treasury).transfer(buyer, 100_000_000n * TFT);
  await buyer.execute([callOf(await tft.approve.populateTransaction(controller, MaxUint256))]);
  return buyer;
}

/** As a buyer's contract takes it, from `await controller.burn.populateTransaction(epoch)`. */
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
  round: bigint,
  amount: bigint,
  data = "0x",
): Promise<CallStruct> {
  return callOf(await controller.buy.populateTransaction(asset, round, amount, ANY_PRICE, buyer, data));
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

    it("destroys what was earned and nothing that someone has sent", async () => {
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

  describe("lot and price", () => {
    it("refuse TFT, which are never sold", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      await closedTFTRound(protocol, TFT);

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
      const round = await earn(protocol, [{ asset: usd, amount: 700n * USD, miner: protocol.actors.miners[0] }]);
      const end = await endOfEpoch();

      await time.increaseTo(end - 1n);
      await expect(controller.lot(usd)).to.be.revertedWithCustomError(controller, "Controller_NoLot").withArgs(usd);
      await expect(controller.price(usd)).to.be.revertedWithCustomError(controller, "Controller_NoLot").withArgs(usd);

      await time.increaseTo(end);
      expect(await controller.lot(usd)).to.deep.equal([round, 700n * USD, 700n * USD, end, USD_REFERENCE_PRICE]);
      expect(await controller.price(usd)).to.equal(8_192n * USD_REFERENCE_PRICE);
    });

    it("show what is left of a lot that is sold in part", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);

      await buyAt(protocol, { asset: usd, round, start, age: 10_000n, amount: 100n * USD });
      await buyAt(protocol, { asset: usd, round, start, age: 20_000n, amount: 50n * USD });

      expect(await controller.lot(usd)).to.deep.equal([round, 700n * USD, 550n * USD, start, USD_REFERENCE_PRICE]);
    });

    it("fall from 8,192 r to 8 r in a twelfth of a period, to r / 4 at its end, and by 2^4 in each after it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { start } = await openLot(protocol, usd, 700n * USD);

      for (const [age, price] of [
        [0n, 163_840n * TFT],
        [PERIOD / 24n, 5_120n * TFT],
        [PERIOD / 12n, 160n * TFT],
        // a fifth and three fifths of the eleven twelfths that are left
        [(PERIOD * 4n) / 15n, 80n * TFT],
        [(PERIOD * 19n) / 30n, 20n * TFT],
        [PERIOD, 5n * TFT],
        [(PERIOD * 5n) / 4n, (5n * TFT) / 2n],
        [2n * PERIOD, (5n * TFT) / 16n],
        [3n * PERIOD, (5n * TFT) / 256n],
      ]) {
        if (age > 0n) await time.increaseTo(start + age);
        expect(await controller.price(usd)).to.be.closeTo(price, 1n);
      }
    });

    it("are those of the library at the first and last seconds of the periods", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { start } = await openLot(protocol, usd, 700n * USD);

      const ages = [
        1n,
        2n,
        7_199n,
        7_200n,
        7_201n,
        12_345n,
        PERIOD - 1n,
        PERIOD,
        PERIOD + 1n,
        2n * PERIOD - 1n,
        2n * PERIOD,
        17n * PERIOD,
      ];
      for (const age of ages) {
        await time.increaseTo(start + age);
        expect(await controller.price(usd)).to.equal(priceAt(USD_REFERENCE_PRICE, age, PERIOD));
      }
    });

    it("do not move when someone sends the asset or TFT", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);

      await usd.mint(controller, 10_000n * USD);
      await tft.connect(protocol.actors.treasury).transfer(controller, 10_000n * TFT);
      await time.increaseTo(start + 10_000n);

      expect(await controller.lot(usd)).to.deep.equal([round, 700n * USD, 700n * USD, start, USD_REFERENCE_PRICE]);
      expect(await controller.price(usd)).to.equal(priceAt(USD_REFERENCE_PRICE, 10_000n, PERIOD));
      await buyAt(protocol, { asset: usd, round, start, age: 20_000n, amount: 700n * USD });
      expect(await usd.balanceOf(controller)).to.equal(10_000n * USD);
    });

    it("start the clock of the next lot at the end of its epoch when the lot before is sold out by then", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      await buyAt(protocol, { asset: usd, ...first, age: 10_000n, amount: 700n * USD });

      const second = await openLot(protocol, usd, 300n * USD);

      expect((await controller.lot(usd)).startedAt).to.equal(second.start);
      expect((await controller.lot(usd)).round).to.equal(second.round);
    });

    it("start the clock of the next lot when the lot before is sold out after the end of its epoch", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      const second = await openLot(protocol, usd, 300n * USD);
      const age = second.start - first.start + 1_000n;

      await buyAt(protocol, { asset: usd, ...first, age, amount: 700n * USD });

      const lot = await controller.lot(usd);
      expect(lot.round).to.equal(second.round);
      expect(lot.startedAt).to.equal(first.start + age);
      expect(await controller.price(usd)).to.equal(8_192n * lot.referencePrice);
    });

    it("go on when the asset is delisted", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, escrow, timelock } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      await asGovernor(timelock, protocol.actors.admin, await escrow.delistAsset.populateTransaction(usd));

      expect((await controller.lot(usd)).remaining).to.equal(700n * USD);
      await expect(buyAt(protocol, { asset: usd, round, start, age: 3n * PERIOD, amount: 700n * USD })).to.emit(
        controller,
        "LotSoldOut",
      );
    });
  });

  describe("buy", () => {
    it("refuses TFT", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      const { bidder } = protocol.actors;
      const round = await closedTFTRound(protocol, TFT);

      await expect(controller.connect(bidder).buy(tft, round, TFT, ANY_PRICE, bidder, "0x"))
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

    it("refuses another round than the lot's: the one that waits, and one that is sold out", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const first = await openLot(protocol, usd, 700n * USD);
      const second = await openLot(protocol, usd, 300n * USD);
      const buy = (round: bigint) => controller.connect(bidder).buy(usd, round, 700n * USD, ANY_PRICE, bidder, "0x");

      await expect(buy(second.round))
        .to.be.revertedWithCustomError(controller, "Controller_WrongRound")
        .withArgs(second.round, first.round);

      await buy(first.round);
      await expect(buy(first.round))
        .to.be.revertedWithCustomError(controller, "Controller_WrongRound")
        .withArgs(first.round, second.round);
    });

    it("refuses a purchase of nothing", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round } = await openLot(protocol, usd, 700n * USD);

      await expect(controller.connect(bidder).buy(usd, round, 0n, ANY_PRICE, bidder, "0x"))
        .to.be.revertedWithCustomError(controller, "Controller_ZeroAmount")
        .withArgs();
    });

    it("refuses a price one unit above the bidder's maximum, and takes one that equals it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      const buy = (maxPrice: bigint) => controller.connect(bidder).buy(usd, round, USD, maxPrice, bidder, "0x");

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
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      const owed = tftOwed(USD, priceAt(USD_REFERENCE_PRICE, PERIOD, PERIOD), USD);
      await tft.connect(bidder).approve(controller, owed - 1n);

      await time.setNextBlockTimestamp(start + PERIOD);
      await expect(controller.connect(bidder).buy(usd, round, USD, ANY_PRICE, bidder, "0x"))
        .to.be.revertedWithCustomError(tft, "ERC20InsufficientAllowance")
        .withArgs(controller, owed - 1n, owed);
    });

    it("sells a part at the price of the moment, and destroys what it brought at once", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft, vault, pool } = protocol.contracts;
      const { bidder, stranger } = protocol.actors;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      // r / 4: 5 TFT for each
      const [amount, owed] = [100n * USD, 500n * TFT];

      await time.setNextBlockTimestamp(start + PERIOD);
      const purchase = controller.connect(bidder).buy(usd, round, amount, ANY_PRICE, stranger, "0x");

      await expect(purchase).to.changeTokenBalances(usd, [controller, stranger, bidder], [-amount, amount, 0n]);
      await expect(purchase).to.changeTokenBalances(
        tft,
        [bidder, controller, vault, pool],
        [-owed, 0n, -360n * TFT, 360n * TFT],
      );
      await expect(purchase)
        .to.emit(controller, "LotFilled")
        .withArgs(usd, round, bidder, stranger, amount, owed, 5n * TFT);
      await expectDestroyed(protocol, purchase, round, usd, {
        bought: owed,
        burned: owed,
        released: 400n * TFT,
        operations: 40n * TFT,
        reward: 360n * TFT,
        phase: Phase.ProductionMining,
      });
      await expect(purchase).not.to.emit(controller, "LotSoldOut");
      expect(await pool.bucket(await pool.bucketId(round, usd))).to.deep.equal([700n * USD, 360n * TFT, false]);
    });

    it("returns what was filled and what is owed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      await time.increaseTo(start + PERIOD);

      expect(
        await controller.connect(bidder).buy.staticCall(usd, round, 1_000n * USD, ANY_PRICE, bidder, "0x"),
      ).to.deep.equal([700n * USD, 3_500n * TFT]);
    });

    it("sells the rest, makes the bucket final and tells what the lot brought", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, pool } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      const firstOwed = tftOwed(300n * USD, priceAt(USD_REFERENCE_PRICE, 40_000n, PERIOD), USD);
      await buyAt(protocol, { asset: usd, round, start, age: 40_000n, amount: 300n * USD });

      const purchase = buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 400n * USD });

      const proceeds = firstOwed + 2_000n * TFT;
      const average = (proceeds * USD) / (700n * USD);
      expect(average).to.be.within(USD_REFERENCE_PRICE / 2n + 1n, USD_REFERENCE_PRICE * 2n - 1n);
      await expect(purchase)
        .to.emit(controller, "LotFilled")
        .withArgs(usd, round, bidder, bidder, 400n * USD, 2_000n * TFT, 5n * TFT);
      await expect(purchase)
        .to.emit(controller, "LotSoldOut")
        .withArgs(usd, round, proceeds, USD_REFERENCE_PRICE, average);
      expect((await pool.bucket(await pool.bucketId(round, usd))).isFinal).to.equal(true);
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
          second.round,
          proceeds,
          referencePrice,
          nextReference(referencePrice, proceeds, 500n * USD, USD),
        );
    });

    it("fills no more than is left, so that a purchase in front of the bidder's does not stop his", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      await buyAt(protocol, { asset: usd, round, start, age: 60_000n, amount: 1n });

      const purchase = buyAt(protocol, { asset: usd, round, start, age: 60_001n, amount: 700n * USD });

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
        const { round, start } = await openLot(protocol, usd, 1_000_000n);

        await expect(
          buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 1_000_000n - left }),
        ).to.changeTokenBalance(usd, protocol.actors.bidder, filled);
      });
    }

    it("measures a rest by the whole lot, not by what was left of it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { bidder } = protocol.actors;
      const { round, start } = await openLot(protocol, usd, 10_000n);
      await buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 9_800n });

      await expect(buyAt(protocol, { asset: usd, round, start, age: PERIOD + 1n, amount: 100n })).to.changeTokenBalance(
        usd,
        bidder,
        100n,
      );
      await expect(buyAt(protocol, { asset: usd, round, start, age: PERIOD + 2n, amount: 1n })).to.changeTokenBalance(
        usd,
        bidder,
        100n,
      );
    });

    it("rounds what is owed up", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 10_000n);
      const price = priceAt(USD_REFERENCE_PRICE, 12_345n, PERIOD);
      const owed = (7n * price) / USD + 1n;
      expect((7n * price) % USD).not.to.equal(0n);

      await expect(buyAt(protocol, { asset: usd, round, start, age: 12_345n, amount: 7n })).to.changeTokenBalance(
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
      const { round, start } = await openLot(protocol, usd, 700n * USD);

      const purchase = buyAt(protocol, { asset: usd, round, start, age: 17n * PERIOD, amount: 700n * USD });

      await expect(purchase)
        .to.emit(controller, "LotFilled")
        .withArgs(usd, round, bidder, bidder, 700n * USD, 1n, 0n);
      await expect(purchase)
        .to.emit(controller, "LotSoldOut")
        .withArgs(usd, round, 1n, USD_REFERENCE_PRICE, USD_REFERENCE_PRICE - 1n);
      expect(await pool.bucket(await pool.bucketId(round, usd))).to.deep.equal([700n * USD, 0n, true]);
    });

    it("destroys by the rule of phase 2 when production mining has ended", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END);
      const { round, start } = await openLot(protocol, usd, 700n * USD);

      await expectDestroyed(
        protocol,
        buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 100n * USD }),
        round,
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
      const { round, start } = await openLot(protocol, usd, 700n * USD);

      await expectDestroyed(
        protocol,
        buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 100n * USD }),
        round,
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
      const { round, start } = await openLot(protocol, usd, 700n * USD);

      await expectDestroyed(
        protocol,
        buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 100n * USD }),
        round,
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
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      await oracle.connect(protocol.actors.guardian).freeze();

      await expect(buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 700n * USD })).to.emit(
        controller,
        "LotSoldOut",
      );
    });
  });

  describe("the reference price", () => {
    for (const [name, age, factor] of [
      ["at most doubles, whatever was paid", 7_200n, 2n],
      ["is the average, when that is within half and double", 60_000n, undefined],
    ] as const) {
      it(name, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { controller, usd } = protocol.contracts;
        const { round, start } = await openLot(protocol, usd, 10_000n * USD);
        const price = priceAt(USD_REFERENCE_PRICE, age, PERIOD);

        await buyAt(protocol, { asset: usd, round, start, age, amount: 10_000n * USD });
        await openLot(protocol, usd, USD);

        expect((await controller.lot(usd)).referencePrice).to.equal(
          factor === undefined ? price : factor * USD_REFERENCE_PRICE,
        );
      });
    }

    it("at most halves, however late the lot was sold", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 10_000n * USD);

      await expect(buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 10_000n * USD }))
        .to.emit(controller, "LotSoldOut")
        .withArgs(usd, round, 50_000n * TFT, USD_REFERENCE_PRICE, USD_REFERENCE_PRICE / 2n);
    });

    it("weighs every fill by its volume", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 10_000n * USD);
      const fills = [
        [40_000n, 1_000n * USD],
        [50_000n, 7_000n * USD],
        [60_000n, 2_000n * USD],
      ];
      for (const [age, amount] of fills) await buyAt(protocol, { asset: usd, round, start, age, amount });
      await openLot(protocol, usd, USD);

      const owed = fills.map(([age, amount]) => tftOwed(amount, priceAt(USD_REFERENCE_PRICE, age, PERIOD), USD));
      const proceeds = owed.reduce((sum, part) => sum + part);
      const { referencePrice } = await controller.lot(usd);
      expect(referencePrice).to.equal((proceeds * USD) / (10_000n * USD));
      expect(referencePrice).to.equal(nextReference(USD_REFERENCE_PRICE, proceeds, 10_000n * USD, USD));
    });

    for (const [name, proceeds, reference] of [
      ["goes all the way to half for 1,000 TFT", 1_000n * TFT, 10n * TFT],
      ["goes a quarter of the way to half for 250 TFT", 250n * TFT, (35n * TFT) / 2n],
      ["goes a thousandth of the way to half for a TFT", TFT, 20n * TFT - TFT / 100n],
      ["goes a unit of the way to half for a hundred units", 100n, 20n * TFT - 1n],
    ] as const) {
      it(name, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { controller, dai } = protocol.contracts;
        // below a unit for a unit, so that one size of the lot brings these proceeds to the unit
        const age = 2n * PERIOD;
        const price = priceAt(20n * TFT, age, PERIOD);
        expect(price).to.be.lessThan(TFT);
        const amount = (proceeds * DAI) / price;
        const { round, start } = await openLot(protocol, dai, amount);

        await expect(buyAt(protocol, { asset: dai, round, start, age, amount }))
          .to.emit(controller, "LotSoldOut")
          .withArgs(dai, round, proceeds, 20n * TFT, reference);
      });
    }

    it("is moved by one lot of all that twenty orders of a unit earn, and two lots in a transaction at the most", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const buyer = await deployBuyer(protocol);
      const first = await openLot(protocol, usd, 1n);
      for (let i = 0; i < 20; ++i) await openLot(protocol, usd, 1n);
      const [one, other, none] = await Promise.all(
        [1n, 2n, 3n].map((round) => buyCall(protocol, buyer, usd, round, 20n)),
      );

      await expect(buyer.execute([one, other, none]))
        .to.be.revertedWithCustomError(controller, "Controller_NoLot")
        .withArgs(usd);
      await time.setNextBlockTimestamp(first.start + 50n * DAY);
      await expect(buyer.execute([one, other])).to.changeTokenBalance(usd, buyer, 21n);

      // the first lot brought a unit; the other opened in that second at 8,192 r
      const step = (amount: bigint) => (USD_REFERENCE_PRICE * tftOwed(amount, 163_840n * TFT, USD)) / (1_000n * TFT);
      await openLot(protocol, usd, 10_000n * USD);
      const { referencePrice } = await controller.lot(usd);
      expect(referencePrice).to.be.within(USD_REFERENCE_PRICE - 1n, USD_REFERENCE_PRICE + step(20n));
    });

    it("moves through twenty quiet epochs with a lot of one unit each by their part of 1,000 TFT at the most", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft } = protocol.contracts;
      for (let i = 0n; i < 20n; ++i) {
        const { round, start } = await openLot(protocol, usd, 1n);
        // at any price there is, from the highest to the lowest of the first period
        await buyAt(protocol, { asset: usd, round, start, age: 10n + i * 4_000n, amount: 1n });
      }
      const proceeds = await tft.burned();
      expect(proceeds).to.be.lessThan(TFT / 4n);

      const { start } = await openLot(protocol, usd, 10_000n * USD);
      const { referencePrice } = await controller.lot(usd);
      // Π (1 + p / 1,000 TFT) < 1 + 1.01 · Σ p / 1,000 TFT below a thousandth
      const most = (USD_REFERENCE_PRICE * proceeds * 101n) / (100n * 1_000n * TFT);
      expect(referencePrice).to.be.within(USD_REFERENCE_PRICE - most, USD_REFERENCE_PRICE + most);
      await time.increaseTo(start + 1_000n);
      expect(await controller.price(usd)).to.equal(priceAt(referencePrice, 1_000n, PERIOD));
    });

    it("is each asset's own", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, dai } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 10_000n * USD);
      await buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 10_000n * USD });

      await openLot(protocol, dai, DAI);

      expect((await controller.lot(dai)).referencePrice).to.equal(20n * TFT);
    });
  });

  describe("writeOff", () => {
    /** The age from which a lot can be given up. */
    const AGE = 30n * PERIOD;

    it("refuses TFT, which are burned and never sold", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft } = protocol.contracts;
      const round = await closedTFTRound(protocol, TFT);
      await time.increase(AGE);

      await expect(controller.writeOff(tft, round))
        .to.be.revertedWithCustomError(controller, "Controller_TFTNotSold")
        .withArgs();
    });

    it("refuses an asset of which no round is closed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, dai } = protocol.contracts;
      const round = await earn(protocol, [{ asset: usd, amount: USD, miner: protocol.actors.miners[0] }]);

      for (const asset of [usd, dai]) {
        await expect(controller.writeOff(asset, round))
          .to.be.revertedWithCustomError(controller, "Controller_NoLot")
          .withArgs(asset);
      }
    });

    it("refuses another round than the lot's: none, the one that waits and one after it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { round } = await openLot(protocol, usd, 700n * USD);
      await openLot(protocol, usd, 300n * USD);
      await time.increase(AGE);

      for (const wrong of [0n, round + 1n, round + 2n]) {
        await expect(controller.writeOff(usd, wrong))
          .to.be.revertedWithCustomError(controller, "Controller_WrongRound")
          .withArgs(wrong, round);
      }
    });

    it("refuses a lot a second before it is 30 periods old, and gives it up in the next second", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, pool } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      const id = await pool.bucketId(round, usd);

      await time.setNextBlockTimestamp(start + AGE - 1n);
      await expect(controller.writeOff(usd, round))
        .to.be.revertedWithCustomError(controller, "Controller_TooEarly")
        .withArgs(round, start + AGE);

      await time.setNextBlockTimestamp(start + AGE);
      const writeOff = controller.writeOff(usd, round);
      await expect(writeOff)
        .to.emit(controller, "LotWrittenOff")
        .withArgs(usd, round, 700n * USD);
      await expect(writeOff).to.emit(pool, "RewardAdded").withArgs(id, 0n, true);
      expect(await pool.bucket(id)).to.deep.equal([700n * USD, 0n, true]);
      await expect(controller.lot(usd)).to.be.revertedWithCustomError(controller, "Controller_NoLot").withArgs(usd);
    });

    it("counts the age from the closing of the lot's round, however long ago it was earned", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      const second = await openLot(protocol, usd, 300n * USD);
      const closedAt = first.start + AGE + 12_345n;
      await time.setNextBlockTimestamp(closedAt);
      await controller.writeOff(usd, first.round);

      await time.setNextBlockTimestamp(closedAt + AGE - 1n);
      await expect(controller.writeOff(usd, second.round))
        .to.be.revertedWithCustomError(controller, "Controller_TooEarly")
        .withArgs(second.round, closedAt + AGE);

      await expect(controller.writeOff(usd, second.round))
        .to.emit(controller, "LotWrittenOff")
        .withArgs(usd, second.round, 300n * USD);
    });

    it("may be called by anyone, and moves no token and no supply", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft, pool, vault } = protocol.contracts;
      const { stranger } = protocol.actors;
      const { round } = await openLot(protocol, usd, 700n * USD);
      await time.increase(AGE);
      const supply = await controller.supply();

      const writeOff = controller.connect(stranger).writeOff(usd, round);

      await expect(writeOff).to.changeTokenBalances(usd, [controller, pool, stranger], [0n, 0n, 0n]);
      await expect(writeOff).to.changeTokenBalances(tft, [controller, pool, vault, stranger], [0n, 0n, 0n, 0n]);
      await expect(writeOff).not.to.emit(controller, "Destroyed");
      await expect(writeOff).not.to.emit(controller, "LotSoldOut");
      expect(await controller.supply()).to.deep.equal(supply);
    });

    it("cannot be done twice, also while the next lot is for sale", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { round } = await openLot(protocol, usd, 700n * USD);
      await time.increase(AGE);
      await controller.writeOff(usd, round);
      await expect(controller.writeOff(usd, round))
        .to.be.revertedWithCustomError(controller, "Controller_NoLot")
        .withArgs(usd);

      const next = await openLot(protocol, usd, 300n * USD);
      await expect(controller.writeOff(usd, round))
        .to.be.revertedWithCustomError(controller, "Controller_WrongRound")
        .withArgs(round, next.round);
    });

    it("leaves the last word to a bidder: a lot of that age can still be bought, and then not be given up", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const { round, start } = await openLot(protocol, usd, 700n * USD);

      await buyAt(protocol, { asset: usd, round, start, age: AGE + 1n, amount: 700n * USD });

      await expect(controller.writeOff(usd, round))
        .to.be.revertedWithCustomError(controller, "Controller_NoLot")
        .withArgs(usd);
    });

    it("gives up what is left of a lot sold in part, and the next lot starts clean", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, pool } = protocol.contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      await buyAt(protocol, { asset: usd, ...first, age: PERIOD, amount: 300n * USD });
      // 1,500 TFT burned, of whose release of 1,200 TFT a tenth is operations'
      const reward = 1_080n * TFT;
      await openLot(protocol, usd, 500n * USD);
      const closedAt = first.start + AGE;
      await time.setNextBlockTimestamp(closedAt);

      await expect(controller.writeOff(usd, first.round))
        .to.emit(controller, "LotWrittenOff")
        .withArgs(usd, first.round, 400n * USD);

      expect(await pool.bucket(await pool.bucketId(first.round, usd))).to.deep.equal([700n * USD, reward, true]);
      expect(await controller.lot(usd)).to.deep.equal([2n, 500n * USD, 500n * USD, closedAt, USD_REFERENCE_PRICE]);

      // what the first lot brought counts for nothing in the second one's average
      const second = { asset: usd, round: 2n, start: closedAt };
      await buyAt(protocol, { ...second, age: PERIOD, amount: 100n * USD });
      await time.setNextBlockTimestamp(closedAt + PERIOD + 1n);
      const price = priceAt(USD_REFERENCE_PRICE, PERIOD + 1n, PERIOD);
      const rest = tftOwed(400n * USD, price, USD);
      await expect(
        controller.connect(protocol.actors.bidder).buy(usd, 2n, 400n * USD, ANY_PRICE, protocol.actors.bidder, "0x"),
      )
        .to.emit(controller, "LotSoldOut")
        .withArgs(
          usd,
          2n,
          500n * TFT + rest,
          USD_REFERENCE_PRICE,
          nextReference(USD_REFERENCE_PRICE, 500n * TFT + rest, 500n * USD, USD),
        );
      // what was given up stays where it is
      expect(await usd.balanceOf(controller)).to.equal(400n * USD);
    });

    it("pays the miners of the bucket what was bought back before, by their weights", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft, pool } = protocol.contracts;
      const { miners, bidder } = protocol.actors;
      const round = await earn(protocol, [
        { asset: usd, amount: 100n * USD, miner: miners[0] },
        { asset: usd, amount: 300n * USD, miner: miners[1] },
      ]);
      const start = (await startEpoch(protocol)) * EPOCH;
      await tft.connect(bidder).approve(controller, INITIAL_TFT);
      await buyAt(protocol, { asset: usd, round, start, age: PERIOD, amount: 200n * USD });
      const id = await pool.bucketId(round, usd);
      await expect(pool.connect(miners[0]).claim([id], miners[0])).to.changeTokenBalance(tft, miners[0], 0n);
      await time.setNextBlockTimestamp(start + AGE);
      await controller.writeOff(usd, round);

      // 1,000 TFT burned, 720 of them to the miners
      for (const [miner, part] of [
        [miners[0], 180n * TFT],
        [miners[1], 540n * TFT],
      ] as const) {
        await expect(pool.connect(miner).claim([id], miner)).to.changeTokenBalances(tft, [pool, miner], [-part, part]);
      }
    });

    it("pays nothing for a lot of which nothing was sold, and clears the weight all the same", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, tft, pool } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const { round } = await openLot(protocol, usd, 700n * USD);
      await time.increase(AGE);
      await controller.writeOff(usd, round);
      const id = await pool.bucketId(round, usd);

      await expect(pool.connect(miner).claim([id], miner)).to.changeTokenBalance(tft, miner, 0n);
      expect(await pool.weightOf(id, miner)).to.equal(0n);
    });

    it("leaves the bucket final for good: no reward is added to it later", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, pool } = protocol.contracts;
      const { round } = await openLot(protocol, usd, 700n * USD);
      await time.increase(AGE);
      await controller.writeOff(usd, round);
      const id = await pool.bucketId(round, usd);

      await expect(pool.connect(await impersonate(controller)).addReward(id, 1n, true))
        .to.be.revertedWithCustomError(pool, "Pool_FinalBucket")
        .withArgs(id);
    });

    it("lets the round that gathered meanwhile close at once, and the next one in its epoch", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, pool } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      const { round, start } = await openLot(protocol, usd, 700n * USD);
      for (let epoch = 0; epoch < 3; ++epoch) await earn(protocol, [{ asset: usd, amount: 100n * USD, miner }]);
      await time.setNextBlockTimestamp(start + AGE);
      await controller.writeOff(usd, round);

      expect(await pool.closedRound(usd)).to.deep.equal([round + 1n, 300n * USD, start + AGE]);
      expect(await pool.openRound(usd)).to.equal(round + 2n);
    });

    it("leaves the reference price where it was, whatever was paid before", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd } = protocol.contracts;
      const first = await openLot(protocol, usd, 700n * USD);
      await buyAt(protocol, { asset: usd, ...first, age: 7_200n, amount: 690n * USD });
      await time.increase(AGE);
      await controller.writeOff(usd, first.round);

      await openLot(protocol, usd, USD);
      expect((await controller.lot(usd)).referencePrice).to.equal(USD_REFERENCE_PRICE);
    });

    it("goes on while the network is frozen, and when the asset is delisted", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, usd, escrow, timelock, oracle } = protocol.contracts;
      const { round } = await openLot(protocol, usd, 700n * USD);
      await asGovernor(timelock, protocol.actors.admin, await escrow.delistAsset.populateTransaction(usd));
      await time.increase(AGE);
      await oracle.connect(protocol.actors.guardian).freeze();

      await expect(controller.writeOff(usd, round)).to.emit(controller, "LotWrittenOff");
    });

    // protocol.md, 6.4: locked for good in version 1
    it("frees the 14,240 TFT of rewards that an asset locked by failing when 98.9 % of its lot were sold", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { controller, tft, pool } = protocol.contracts;
      const { bidder, miners } = protocol.actors;
      const { hostile, asset } = await listHostileToken(protocol);
      const { round, start } = await openLot(protocol, asset, 1_000n * DAI);
      // at the reference of 20 TFT, three fifths down from 8 r
      const age = (PERIOD * 19n) / 30n;
      await buyAt(protocol, { asset, round, start, age, amount: 989n * DAI });
      await hostile.blockReceiver(bidder);
      await expect(controller.connect(bidder).buy(asset, round, 11n * DAI, ANY_PRICE, bidder, "0x"))
        .to.be.revertedWithCustomError(hostile, "HostileToken_Blocked")
        .withArgs(bidder);
      const id = await pool.bucketId(round, asset);
      const { reward } = await pool.bucket(id);
      // 72 % of 989 · 20
      expect(reward).to.equal(14_241n * TFT + (6n * TFT) / 10n);
      expect(await pool.claimable(miners[0], [id])).to.equal(0n);

      await time.setNextBlockTimestamp(start + AGE);
      await expect(controller.writeOff(asset, round))
        .to.emit(controller, "LotWrittenOff")
        .withArgs(asset, round, 11n * DAI);

      await expect(pool.claimFor(miners[0], [id])).to.changeTokenBalances(tft, [pool, miners[0]], [-reward, reward]);
    });
  });

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

    it("calls the caller with exactly what was paid out, what is owed, and his data", async () => {
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

    it("lets the caller find the TFT that he owes in the hook", async () => {
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
      ["a unit below a billion units", MIN_REFERENCE - 1n],
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
          .withArgs(referencePrice, MIN_REFERENCE, MAX_REFERENCE);
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
      [0n, MIN_REFERENCE],
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

        const { round, start } = await openLot(protocol, token, 1_000n);
        const price = priceAt(referencePrice, 100n, PERIOD);
        await expect(buyAt(protocol, { asset: token, round, start, age: 100n, amount: 1_000n }))
          .to.emit(controller, "LotFilled")
          .withArgs(token, round, actors.bidder, actors.bidder, 1_000n, tftOwed(1_000n, price, 10n ** decimals), price);
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
