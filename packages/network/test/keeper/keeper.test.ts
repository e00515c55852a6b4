import { loadFixture, setBalance, time } from "@nomicfoundation/hardhat-network-helpers";
import { Turns } from "@turingfog/network";
import { DAY, TU, WAD as TFT, WRITE_OFF_PERIODS } from "@turingfog/sdk";
import { ReceiptTree } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { formatUnits, parseUnits, toQuantity, ZeroAddress } from "ethers";
import { ethers, ignition, network } from "hardhat";

import FillerModule from "../../../../deploy/modules/Filler";
import FillerV4Module from "../../../../deploy/modules/FillerV4";
import { openJob, receiptOf } from "../../../../test/helpers/settling";
import { deployProtocolFixture, type Protocol } from "../../../../test/helpers/fixture";
import { openLot, PERIOD, POOL_TFT, POOL_USD, USD } from "../../../../test/helpers/filling";
import { earn, passVetoWindow, settle, startEpoch, submitReceipts } from "../../../../test/helpers/market";
import { createPool, deployUniswapV3, POOL_FEE } from "../../../../test/helpers/uniswap";
import { createPoolV4, deployUniswapV4 } from "../../../../test/helpers/uniswapV4";
import { KeeperWorld } from "../helpers/keeping";

/** Wei that the next block asks for a unit of gas. */
const setFee = (fee: bigint) => network.provider.send("hardhat_setNextBlockBaseFeePerGas", [toQuantity(fee)]);

const turnOfEvents = () => new Promise((resolve) => setImmediate(resolve));
const sentBy = (account: string) => ethers.provider.getTransactionCount(account);

/** Two orders, one in dollars and one in DAI, with receipts under a root that is final. */
async function withFinalRoot() {
  const protocol = await deployProtocolFixture();
  const { usd, dai } = protocol.contracts;
  const jobs = [await openJob(protocol), await openJob(protocol, { asset: dai })];
  await time.increase(3_600);
  const now = BigInt(await time.latest());
  const receipts = jobs.map((job) => receiptOf(job, TU / 4n, now));
  const tree = await submitReceipts(protocol, receipts);
  await passVetoWindow(protocol);
  return { protocol, jobs, receipts, tree, usd };
}

describe("A keeper", () => {
  const made: { world?: KeeperWorld } = {};
  const inWorld = async (protocol: Protocol) => (made.world = await KeeperWorld.open(protocol));
  afterEach(async () => {
    await made.world?.close();
    made.world = undefined;
  });

  describe("settling", () => {
    it("brings each asset's receipts of a final root into the escrow, once", async () => {
      const { protocol, jobs, receipts } = await loadFixture(withFinalRoot);
      const world = await inWorld(protocol);
      await world.publish(receipts);
      const { config, keeper } = await world.init("keeper");
      const first = await world.keeper(config);
      await first.advance();
      for (const { orderId } of jobs)
        expect((await protocol.contracts.escrow.order(orderId)).tuSettled).to.equal(TU / 4n);
      expect(await sentBy(keeper)).to.equal(2);
      expect(first.parts.settle).to.deep.equal({ state: "ok", reason: undefined });

      await first.advance();
      expect(world.asked).to.have.length(1);
      expect([await first.acts("this keeper"), await first.acts("others")]).to.deep.equal([2, 0]);
      await first.close();
      const second = await world.keeper(config);
      await second.advance();
      expect([world.asked.length, await sentBy(keeper)]).to.deep.equal([1, 2]);
      await second.close();
    });

    it("leaves a root that is not final, and one that was vetoed", async () => {
      const { protocol, jobs, receipts } = await loadFixture(withFinalRoot);
      const { oracle } = protocol.contracts;
      const later = receipts.map((receipt) => ({ ...receipt, cumulativeTU: TU / 3n }));
      const vetoed = receipts.map((receipt) => ({ ...receipt, cumulativeTU: TU / 2n }));
      const world = await inWorld(protocol);
      for (const each of [receipts, later, vetoed]) await world.publish(each);
      await submitReceipts(protocol, later);
      const { root } = await submitReceipts(protocol, vetoed);
      await oracle.connect(protocol.actors.guardian).veto(root);
      const { advance, close, parts } = await world.keeper((await world.init("keeper")).config);
      await advance();
      expect(parts.settle.state).to.equal("ok");
      expect((await protocol.contracts.escrow.order(jobs[0].orderId)).tuSettled).to.equal(TU / 4n);
      await passVetoWindow(protocol);
      await advance();
      expect((await protocol.contracts.escrow.order(jobs[0].orderId)).tuSettled).to.equal(TU / 3n);
      await close();
    });

    it("says which file no signer gives as it was signed, and settles the others", async () => {
      const { protocol, jobs, receipts } = await loadFixture(withFinalRoot);
      const later = receipts.map((receipt) => ({ ...receipt, cumulativeTU: TU / 3n }));
      await submitReceipts(protocol, later);
      await passVetoWindow(protocol);
      const world = await inWorld(protocol);
      const dataHash = await world.publish(receipts);
      await world.publish(later);
      world.files.set(dataHash, world.files.get(await world.publish(later)) as Uint8Array);
      const { advance, close, parts } = await world.keeper((await world.init("keeper")).config);
      await advance();
      expect(parts.settle.state).to.equal("waiting");
      expect(parts.settle.reason).to.include(`No signer gives the receipt file ${dataHash}: 127.0.0.1`);
      expect((await protocol.contracts.escrow.order(jobs[0].orderId)).tuSettled).to.equal(TU / 3n);
      await close();
    });

    it("tries once what the escrow skips", async () => {
      const { protocol, receipts } = await loadFixture(withFinalRoot);
      // of another node than the order's
      const [receipt] = receipts;
      const skipped = [{ ...receipt, nodeId: receipts[1].nodeId }];
      await submitReceipts(protocol, skipped);
      await passVetoWindow(protocol);
      const world = await inWorld(protocol);
      for (const each of [receipts, skipped]) await world.publish(each);
      const { config, keeper } = await world.init("keeper");
      const { advance, close, parts } = await world.keeper(config);
      for (let i = 0; i < 3; ++i) await advance();
      expect(parts.settle.state).to.equal("ok");
      expect(await sentBy(keeper)).to.equal(3);
      await close();
      const [asked, again] = [world.asked.length, await world.keeper(config)];
      await again.advance();
      expect(world.asked).to.have.length(asked);
      await again.close();
    });
  });

  describe("beside it", () => {
    it("burns, pays operations from the least on, claims for a miner who asked, and closes orders", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { tft, vault, pool, escrow } = contracts;
      const [miner] = actors.miners;
      await earn(protocol, [{ asset: tft, amount: 1_000n * TFT, miner, payer: actors.treasury }]);
      await startEpoch(protocol);
      const { orderId, endsAt } = await openJob(protocol);
      const world = await inWorld(protocol);
      const changes = {
        settle: false,
        operations: { least: "0.5" },
        claims: [{ miner: miner.address, least: "1" }],
      };
      const { advance, close, parts } = await world.keeper((await world.init("keeper", changes)).config);
      const had = await tft.balanceOf(miner);
      await advance();
      expect((await pool.closedRound(tft)).round).to.equal(0n);
      expect(await vault.operationsOwed()).to.equal(0n);
      expect(await tft.balanceOf(miner)).to.be.greaterThan(had);
      expect(await escrow.ownerOf(orderId)).to.equal(actors.renters[0].address);

      await time.increaseTo(endsAt + (await escrow.GRACE()));
      await advance();
      await expect(escrow.refundable(orderId)).to.be.revertedWithCustomError(escrow, "Escrow_UnknownOrder");
      expect(Object.entries(parts).filter(([, { state }]) => state !== "ok")).to.deep.equal([]);
      await close();
    });

    it("buys by a filler once the market pays for it, and writes off what nobody wants", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { usd, dai, tft, controller } = contracts;
      const uniswap = await deployUniswapV3(actors.deployer);
      await usd.mint(actors.treasury, POOL_USD);
      const sides = [
        { token: usd, amount: POOL_USD },
        { token: tft, amount: POOL_TFT },
      ] as const;
      await createPool(uniswap, actors.treasury, ...sides);
      const parameters = {
        Filler: { controller: await controller.getAddress(), factory: await uniswap.factory.getAddress() },
      };
      const { filler } = await ignition.deploy(FillerModule, { parameters });
      const { start } = await openLot(protocol, usd, 1_000n * USD);
      const world = await inWorld(protocol);
      const [asset, address] = [await usd.getAddress(), await filler.getAddress()];
      const fillers = [{ asset, filler: address, pool: { fee: POOL_FEE }, leastProfit: String(USD) }];
      const { config, keeper } = await world.init("keeper", { settle: false, fillers });
      const { advance, close, parts } = await world.keeper(config);
      await advance();
      expect((await controller.lot(usd)).remaining).to.equal(1_000n * USD);

      await time.increaseTo(start + PERIOD);
      await advance();
      await expect(controller.lot(usd)).to.be.revertedWithCustomError(controller, "Controller_NoLot");
      expect(await usd.balanceOf(keeper)).to.be.at.least(USD);

      await openLot(protocol, dai, TFT);
      const unwanted = await controller.lot(dai);
      await time.increaseTo(unwanted.startedAt + WRITE_OFF_PERIODS * DAY);
      await advance();
      await expect(controller.lot(dai)).to.be.revertedWithCustomError(controller, "Controller_NoLot");
      expect(Object.entries(parts).filter(([, { state }]) => state !== "ok")).to.deep.equal([]);
      await close();
    });
  });

  it("buys by a filler of v4, by its pool's whole key, and keeps what is left", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors } = protocol;
    const { usd, tft, controller } = contracts;
    const uniswap = await deployUniswapV4(actors.deployer);
    await usd.mint(actors.treasury, POOL_USD);
    const sides = [
      { token: usd, amount: POOL_USD },
      { token: tft, amount: POOL_TFT },
    ] as const;
    const key = await createPoolV4(uniswap, actors.treasury, ZeroAddress, ...sides);
    const poolManager = await uniswap.manager.getAddress();
    const parameters = { FillerV4: { controller: await controller.getAddress(), poolManager } };
    const { filler } = await ignition.deploy(FillerV4Module, { parameters });
    const { start } = await openLot(protocol, usd, 1_000n * USD);
    const world = await inWorld(protocol);
    const { fee, tickSpacing, hooks } = key;
    const [asset, address] = [await usd.getAddress(), await filler.getAddress()];
    const fillers = [{ asset, filler: address, pool: { fee, tickSpacing, hooks }, leastProfit: String(USD) }];
    const { config, keeper } = await world.init("keeper", { settle: false, fillers });
    const { advance, close } = await world.keeper(config);
    await time.increaseTo(start + PERIOD);
    await advance();
    await expect(controller.lot(usd)).to.be.revertedWithCustomError(controller, "Controller_NoLot");
    expect(await usd.balanceOf(keeper)).to.be.at.least(USD);
    await close();
  });

  describe("its purse", () => {
    it("sends nothing that could cost more than the daily budget has left, and goes on a day later", async () => {
      const { protocol, jobs, receipts } = await loadFixture(withFinalRoot);
      const world = await inWorld(protocol);
      await world.publish(receipts);
      // one settlement takes about 170,000 gas
      const { maxFeePerGas } = await ethers.provider.getFeeData();
      const dailyBudget = ethers.formatEther(300_000n * (maxFeePerGas as bigint));
      const { config, keeper } = await world.init("keeper", { dailyBudget });
      const { advance, close, parts } = await world.keeper(config);
      await advance();
      expect(await sentBy(keeper)).to.equal(1);
      expect(parts.settle.reason).to.match(/may cost [\d.]+, [\d.]+ of the daily budget of [\d.]+ went/);
      await close();

      await time.increase(DAY);
      const later = await world.keeper(config);
      await later.advance();
      expect(await sentBy(keeper)).to.equal(2);
      for (const { orderId } of jobs)
        expect((await protocol.contracts.escrow.order(orderId)).tuSettled).to.equal(TU / 4n);
      await later.close();
    });

    it("says that its key has no coins, and how many it has", async () => {
      const { protocol } = await loadFixture(withFinalRoot);
      const world = await inWorld(protocol);
      const { config, keeper } = await world.init("keeper");
      const { advance, close, parts, metrics } = await world.keeper(config);
      await advance();
      expect(parts.coins.state).to.equal("ok");
      const coins = Number(ethers.formatEther(await ethers.provider.getBalance(keeper)));
      expect(await metrics.getSingleMetricAsString("turingfog_keeper_coins")).to.contain(` ${coins}`);
      await setBalance(keeper, 0n);
      await advance();
      expect(parts.coins).to.include({ state: "waiting", reason: `${keeper} has no coins for gas: send it some` });
      await close();
    });

    it("waits while gas is above the ceiling", async () => {
      const { protocol, receipts } = await loadFixture(withFinalRoot);
      const world = await inWorld(protocol);
      await world.publish(receipts);
      const { config, keeper } = await world.init("keeper", { maxFeeGwei: 0.000001 });
      const { advance, close, parts } = await world.keeper(config);
      await advance();
      expect(parts.settle.reason).to.include("the limit is 0.000001 gwei");
      expect(await sentBy(keeper)).to.equal(0);
      await close();
    });

    it("leaves an act to others for its delay, and does what they do not", async () => {
      const { protocol, receipts } = await loadFixture(withFinalRoot);
      const world = await inWorld(protocol);
      await world.publish(receipts);
      await time.increase(900);
      const patience = { delay: 600, chain: { confirmationSeconds: 900 } };
      const [prompt, patient] = [await world.init("prompt"), await world.init("patient", patience)];
      const [first, second] = [await world.keeper(prompt.config), await world.keeper(patient.config)];
      await second.advance();
      await first.advance();
      await time.increase(600);
      await second.advance();
      expect([await sentBy(prompt.keeper), await sentBy(patient.keeper)]).to.deep.equal([2, 0]);
      expect(await second.acts("others")).to.equal(0);

      const later = receipts.map((receipt) => ({ ...receipt, cumulativeTU: TU / 3n }));
      await world.publish(later);
      await submitReceipts(protocol, later);
      await passVetoWindow(protocol);
      await time.increase(900);
      await second.advance();
      expect(await sentBy(patient.keeper)).to.equal(0);
      await time.increase(600);
      await second.advance();
      expect(await sentBy(patient.keeper)).to.equal(2);
      await first.close();
      await second.close();
    });
  });

  describe("beside others", () => {
    it("does what comes again after its delay too: operations and claims", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault } = protocol.contracts;
      const [miner] = protocol.actors.miners;
      await earn(protocol, [{ asset: tft, amount: 1_000n * TFT, miner, payer: protocol.actors.treasury }]);
      await startEpoch(protocol);
      const world = await inWorld(protocol);
      const changes = {
        ...{ settle: false, delay: 60, operations: { least: "0" } },
        claims: [{ miner: miner.address, least: "0" }],
      };
      const { advance, close } = await world.keeper((await world.init("keeper", changes)).config);
      const had = await tft.balanceOf(miner);
      // the round's burn, then what it has released; each look is of a later block
      for (let i = 0; i < 4; ++i) {
        await advance();
        await time.increase(60);
      }
      expect(await vault.operationsOwed()).to.equal(0n);
      await time.increase(3_600);
      for (let i = 0; i < 2; ++i) {
        await advance();
        await time.increase(60);
      }
      expect(await tft.balanceOf(miner)).to.be.greaterThan(had);
      await close();
    });

    it("leaves a list to others as long as they go through it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow } = protocol.contracts;
      const jobs = [];
      for (let i = 0; i < 3; ++i) jobs.push(await openJob(protocol));
      const world = await inWorld(protocol);
      const { config, keeper } = await world.init("keeper", { settle: false, delay: 60 });
      const { advance, close } = await world.keeper(config);
      await time.increaseTo(jobs[2].endsAt + (await escrow.GRACE()));
      await advance();
      for (const { orderId } of jobs.slice(0, 2)) {
        await time.increase(40);
        await escrow.close(orderId);
        await advance();
        expect(await sentBy(keeper)).to.equal(0);
      }
      await time.increase(60);
      await advance();
      expect(await sentBy(keeper)).to.equal(1);
      await close();
    });

    it("leaves roots to others as long as they settle them, though the file of another is missing", async () => {
      const { protocol, receipts, tree } = await loadFixture(withFinalRoot);
      const { escrow, usd } = protocol.contracts;
      await submitReceipts(protocol, [{ ...receipts[0], cumulativeTU: TU / 5n }]);
      await passVetoWindow(protocol);
      const world = await inWorld(protocol);
      await world.publish(receipts);
      const { config, keeper } = await world.init("keeper", { delay: 60 });
      const { advance, close, parts } = await world.keeper(config);
      await advance();
      expect(parts.settle.reason).to.include("No signer gives the receipt file");
      await time.increase(40);
      await settle(protocol, usd, tree, [receipts[0]]);
      await advance();
      await time.increase(40);
      await advance();
      expect(await sentBy(keeper)).to.equal(0);
      await time.increase(40);
      await advance();
      expect(await sentBy(keeper)).to.equal(1);
      expect(await escrow.settledTU(receipts[1].orderId, receipts[1].nodeId)).to.equal(TU / 4n);
      await close();
    });

    it("keeps the turn of what could not be looked at, and forgets what others have done", () => {
      const turns = new Turns(60n);
      for (const act of ["settle of A", "settle of B", "settle of C"]) turns.isOurs(act, 1_000n);
      turns.end(1_000n);
      turns.isOurs("settle of C", 1_030n);
      turns.keep("of A");
      turns.end(1_030n);
      // others were at it 30 s before
      expect(turns.isOurs("settle of A", 1_060n)).to.equal(false);
      expect(turns.isOurs("settle of A", 1_090n)).to.equal(true);
      expect(turns.isOurs("settle of B", 1_090n)).to.equal(false);
    });

    it("does after ten delays what others leave out", async () => {
      const turns = new Turns(60n);
      expect(turns.isOurs("left out", 1_000n)).to.equal(false);
      for (let now = 1_000n; now < 1_600n; now += 30n) {
        expect(turns.isOurs("left out", now)).to.equal(false);
        turns.isOurs(`act ${now}`, now);
        turns.done(`act ${now}`, now);
      }
      expect(turns.isOurs("left out", 1_600n)).to.equal(true);
    });
  });

  describe("a transaction that is not mined", () => {
    /** Has a keeper send a settlement whose fee has become too low, and somebody else settle instead. */
    async function withStuckKeeper() {
      const { protocol, receipts } = await loadFixture(withFinalRoot);
      const { usd, dai } = protocol.contracts;
      const later = receipts.map((receipt) => ({ ...receipt, cumulativeTU: TU / 3n }));
      await submitReceipts(protocol, later);
      await passVetoWindow(protocol);
      const world = await inWorld(protocol);
      await world.publish(receipts);
      const tree = await ReceiptTree.of(receipts);
      await settle(protocol, dai, tree, [receipts[1]]);
      const made = await world.init("keeper");
      const first = await world.keeper(made.config);
      await setFee(parseUnits("30", "gwei"));
      await network.provider.send("evm_mine");

      await network.provider.send("evm_setAutomine", [false]);
      const settling = first.advance();
      while ((await ethers.provider.getTransactionCount(made.keeper, "pending")) === 0) await turnOfEvents();
      const [stuck] = (await network.provider.send("eth_pendingTransactions")) as { maxFeePerGas: string }[];
      // a block's fee is at most an eighth below that of the one before
      await setFee((BigInt(stuck.maxFeePerGas) * 5n) / 4n);
      await network.provider.send("evm_mine");
      await settle(protocol, usd, tree, [receipts[0]]);
      await network.provider.send("evm_increaseTime", [60]);
      await network.provider.send("evm_mine");
      await settling;
      await first.close();
      expect(await sentBy(made.keeper)).to.equal(0);
      await world.publish(later);
      return { ...made, protocol, world, stuck };
    }
    afterEach(() => network.provider.send("evm_setAutomine", [true]));

    it("is cancelled if somebody else has done its act, so that the next one is sent", async () => {
      const { protocol, world, config, keeper } = await withStuckKeeper();
      const { advance, close, parts } = await world.keeper(config);
      await advance();
      expect(parts.settle.reason).to.match(/^Transaction 0 of this key waits, "Settle 1 .*", and is being cancelled$/);
      await network.provider.send("evm_mine");
      expect(await sentBy(keeper)).to.equal(1);

      await network.provider.send("evm_setAutomine", [true]);
      await advance();
      expect(parts.settle.state).to.equal("ok");
      expect(await sentBy(keeper)).to.equal(3);
      const [job] = await protocol.contracts.escrow.queryFilter(protocol.contracts.escrow.filters.ReceiptSettled(), -1);
      expect(job.args.tuSettled).to.equal(TU / 3n);
      await close();
    });

    it("is left while its cancellation would cost more than the ceiling, which is said", async () => {
      const { world, config, keeper, stuck } = await withStuckKeeper();
      // the chain asks less, and nodes take a replacement from an eighth more on
      const ceiling = (BigInt(stuck.maxFeePerGas) * 11n) / 10n;
      await world.change(config, { maxFeeGwei: Number(formatUnits(ceiling, "gwei")) });
      const { advance, close, parts } = await world.keeper(config);
      await advance();
      expect(parts.settle.reason).to.match(/, and can be cancelled only above maxFeeGwei: raise it$/);
      expect(await network.provider.send("eth_pendingTransactions")).to.have.length(1);
      expect(await sentBy(keeper)).to.equal(0);
      await close();
    });
  });

  it("refuses a configuration that names nobody who has the files", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const world = await inWorld(protocol);
    const { config } = await world.init("keeper", { signers: [] });
    await expect(world.keeper(config)).to.be.rejectedWith(/keeper\.json5, signers: /);
  });
});
