import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, MINUTE, TU } from "@turingfog/sdk";
import { readSignerSet, signMessage } from "@turingfog/sdk/ethers";
import { ReceiptTree } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id, parseUnits, type Signer } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import {
  earn,
  listNode,
  openOrder,
  passVetoWindow,
  registerNode,
  settle,
  startEpoch,
  submitReceipts,
} from "../helpers/market";
import { byAddress, deliver } from "../helpers/orders";
import { enter, Purse } from "./ledger";
import { buyAt, lotOf, openLot, payOut } from "./lots";
import { ageAt, attainableTU, coalitionBound, destroy, divide, MAX_SHARE, owed, part, TFT, USD } from "./predictions";

const PRICE = 2n * USD;
const DEPOSIT = 100n * TFT;

/** The longest that a guardian can hold up a closing: seven days of vetoes, a freeze, and a grace after each. */
const LONGEST_HOLD = 7n * DAY + 3n * DAY + 7n * DAY + 3n * DAY;

/** Every function that changes something and takes more than a caller's own: what a governor might try. */
async function powersOverFunds({ contracts }: Protocol, thief: Signer) {
  const { tft, vault, pool, controller, escrow } = contracts;
  return [
    { call: await tft.burn.populateTransaction(1n), on: tft, error: "TFT_NotController" },
    { call: await vault.release.populateTransaction(), on: vault, error: "Vault_NotController" },
    { call: await pool.addReward.populateTransaction(1n, 1n, true), on: pool, error: "Pool_NotController" },
    { call: await pool.addWeights.populateTransaction(tft, [thief], [1n]), on: pool, error: "Pool_NotEscrow" },
    {
      call: await controller.createAuction.populateTransaction(tft, 1n),
      on: controller,
      error: "Controller_NotEscrow",
    },
    { call: await escrow.setFreeze.populateTransaction(0n, 2n ** 40n - 1n), on: escrow, error: "Escrow_NotOracle" },
  ];
}

describe("A guardian gone bad", () => {
  it("gains nothing, and holds a refund up by twenty days at most, but no claim, burn or purchase [T30]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow, oracle, controller, pool } = protocol.contracts;
    const { guardian, miners, renters, bidder } = protocol.actors;
    const bad = oracle.connect(guardian);
    const nodeId = await listNode(protocol, miners[0], usd, PRICE);
    const done = await earn(protocol, [
      { asset: tft, amount: DEPOSIT, miner: miners[0] },
      { asset: usd, amount: 10n * USD, miner: miners[0] },
    ]);
    const lotStart = (await startEpoch(protocol)) * DAY;
    const orderId = await openOrder(protocol, renters[0], usd, { nodeId, maxUnitPrice: PRICE });
    const purse = await Purse.of([tft, usd], guardian);
    const { startedAt, endsAt } = await escrow.order(orderId);

    // a veto in the last second that counts, and a freeze in the last second before the closing
    await time.increaseTo(endsAt + 7n * DAY - HOUR);
    const vetoed = await submitReceipts(protocol, [
      { orderId, nodeId, cumulativeTU: TU, measuredAt: startedAt + MINUTE },
    ]);
    await time.setNextBlockTimestamp(endsAt + 7n * DAY);
    await bad.veto(vetoed.root);
    await time.setNextBlockTimestamp(endsAt + 7n * DAY + protocol.params.grace - 1n);
    await bad.freeze();
    await controller.burn(done);
    await expect(pool.claimFor(miners[0], [await pool.bucketId(done, tft)])).to.changeTokenBalance(
      tft,
      miners[0],
      divide(destroy(DEPOSIT, 0n)).reward,
    );
    const lot = { asset: usd, round: done, start: lotStart };
    const now = BigInt(await time.latest()) + 10n;
    await expect(buyAt(protocol, bidder, lot, now - lotStart, 10n * USD)).to.emit(controller, "LotSoldOut");

    const closable = endsAt + LONGEST_HOLD - 1n;
    await time.setNextBlockTimestamp(closable - 1n);
    await expect(escrow.close(orderId))
      .to.be.revertedWithCustomError(escrow, "Escrow_TooEarly")
      .withArgs(orderId, closable);
    await expect(escrow.close(orderId)).to.changeTokenBalance(usd, renters[0], PRICE);
    await purse.expectOutcome({ adversary: "guardian gone bad", scenario: "veto and freeze", paid: {}, predicted: {} });
    enter({
      adversary: "guardian gone bad",
      scenario: "a refund, after the order's end",
      paidIn: "0",
      gotBack: `${closable - endsAt} s of delay`,
      bound: `${LONGEST_HOLD} s of delay`,
    });
  });

  it("is replaced by the governor within the grace, and the miner is paid after all", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { usd, escrow, oracle, timelock } = protocol.contracts;
    const { guardian, admin, miners, renters } = protocol.actors;
    const nodeId = await listNode(protocol, miners[0], usd, PRICE);
    const orderId = await openOrder(protocol, renters[0], usd, { nodeId, maxUnitPrice: PRICE });
    const { startedAt, endsAt } = await escrow.order(orderId);
    await time.increaseTo(endsAt);
    const receipt = { orderId, nodeId, cumulativeTU: TU, measuredAt: endsAt };
    const vetoed = await submitReceipts(protocol, [receipt]);
    await oracle.connect(guardian).veto(vetoed.root);

    await asGovernor(timelock, admin, await oracle.setGuardian.populateTransaction(renters[2]));
    const again = { ...receipt, measuredAt: endsAt - 1n };
    const settlement = deliver(protocol, usd, [again]);

    const rate = (185n * TU * 1_024n) / 100n;
    expect(attainableTU(rate, endsAt - 1n - startedAt)).to.be.greaterThan(TU);
    await expect(settlement).to.changeTokenBalance(usd, escrow, -PRICE);
    expect(await time.latest()).to.be.lessThan(endsAt + protocol.params.grace);
  });
});

describe("A governor gone bad", () => {
  it("holds a refund up by rotations for seven days and a grace, however often it rotates, and takes nothing [T30]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, timelock, oracle, escrow } = protocol.contracts;
    const { admin, renters } = protocol.actors;
    const purse = await Purse.of([tft, usd], admin, timelock);
    const orderId = await openOrder(protocol, renters[0], usd, { maxUnitPrice: PRICE });
    const { endsAt } = await escrow.order(orderId);
    const rotation = await oracle.setSigners.populateTransaction([...(await oracle.signers())], await oracle.quorum());

    // each takes the two days of the timelock; the fourth comes after the seven days
    await time.increaseTo(endsAt);
    for (let i = 0; i < 4; i++) await asGovernor(timelock, admin, rotation);
    expect(await time.latest()).to.be.greaterThan(endsAt + 7n * DAY);

    const closable = endsAt + 7n * DAY + protocol.params.grace;
    await time.increaseTo(closable - 2n);
    await expect(escrow.close(orderId))
      .to.be.revertedWithCustomError(escrow, "Escrow_TooEarly")
      .withArgs(orderId, closable);
    await time.setNextBlockTimestamp(closable);
    await expect(escrow.close(orderId)).to.changeTokenBalance(usd, renters[0], PRICE);
    await purse.expectOutcome({ adversary: "governor gone bad", scenario: "rotations", paid: {}, predicted: {} });
  });

  it("cannot move escrowed funds, lots, the reserve, rewards or the supply [T1] [T30]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, timelock, pool, controller, escrow, vault } = protocol.contracts;
    const { admin, miners, renters, bidder } = protocol.actors;
    const purse = await Purse.of([tft, usd], admin, timelock);
    const round = await earn(protocol, [{ asset: tft, amount: DEPOSIT, miner: miners[0] }]);
    await startEpoch(protocol);
    await controller.burn(round);
    await openLot(protocol, usd, [{ amount: 10n * USD, miner: miners[0] }]);
    await openOrder(protocol, renters[0], usd, { maxUnitPrice: PRICE });
    const before = await Promise.all([pool, controller, escrow, vault, bidder].map((holder) => tft.balanceOf(holder)));

    for (const { call, on, error } of await powersOverFunds(protocol, admin)) {
      await expect(asGovernor(timelock, admin, call))
        .to.be.revertedWithCustomError(on, error)
        .withArgs(timelock);
    }
    for (const token of [tft, usd]) {
      for (const holder of [escrow, controller, pool, vault]) {
        const theft = await token.transferFrom.populateTransaction(holder, admin, 1n);
        await expect(asGovernor(timelock, admin, theft))
          .to.be.revertedWithCustomError(token, "ERC20InsufficientAllowance")
          .withArgs(timelock, 0n, 1n);
      }
    }

    expect(
      await Promise.all([pool, controller, escrow, vault, bidder].map((holder) => tft.balanceOf(holder))),
    ).to.deep.equal(before);
    await purse.expectOutcome({ adversary: "governor gone bad", scenario: "others' funds", paid: {}, predicted: {} });
  });

  it("takes a fifth of a release for operations, and nothing of what was released before [T30]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, timelock, controller, vault } = protocol.contracts;
    const { admin, miners, stranger } = protocol.actors;
    const purse = await Purse.of([tft], stranger);

    await expect(asGovernor(timelock, admin, await vault.setOperations.populateTransaction(stranger, MAX_SHARE + 1n)))
      .to.be.revertedWithCustomError(vault, "Vault_ShareTooHigh")
      .withArgs(MAX_SHARE + 1n, MAX_SHARE);
    await asGovernor(timelock, admin, await vault.setOperations.populateTransaction(stranger, MAX_SHARE));
    const round = await earn(protocol, [{ asset: tft, amount: DEPOSIT, miner: miners[0] }]);
    await startEpoch(protocol);
    await controller.burn(round);
    await payOut(protocol, round, tft, [miners[0]]);

    await purse.expectOutcome({
      adversary: "governor gone bad",
      scenario: "operations at a fifth, of 100 TFT burned",
      paid: {},
      predicted: { TFT: divide(destroy(DEPOSIT, 0n), MAX_SHARE).operations },
      bound: { TFT: (DEPOSIT * 16n) / 100n },
    });
  });

  it("takes with signers of their own what a corrupt quorum takes, two days later and within the veto window", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, timelock, oracle, escrow } = protocol.contracts;
    const { admin, renters, miners, bidder } = protocol.actors;
    const thief = miners[2];
    const puppets = await byAddress((await ethers.getSigners()).slice(1, 5));
    const nodeId = await registerNode(protocol, thief);
    const joint = await openOrder(protocol, renters[0], usd, { maxUnitPrice: PRICE, duration: 30n * DAY });
    const purse = await Purse.of([tft, usd], thief);
    // whoever stops when the change is proposed is out of it: the delay is as long as it takes
    await asGovernor(timelock, admin, await oracle.setSigners.populateTransaction(puppets, 4n));

    const measuredAt = BigInt(await time.latest());
    const tree = await ReceiptTree.of([{ orderId: joint, nodeId, cumulativeTU: TU, measuredAt }]);
    const { domain, version } = await readSignerSet(oracle);
    const message = { receiptsRoot: tree.root, dataHash: id("nothing"), signerSetVersion: version };
    const signatures = await Promise.all(puppets.map((puppet) => signMessage(puppet, domain, "ReceiptBatch", message)));
    await oracle.submit(tree.root, message.dataHash, signatures);
    await passVetoWindow(protocol);
    await settle(protocol, usd, tree);
    expect(await escrow.liabilities(usd)).to.equal(0n);
    await startEpoch(protocol);
    const lot = await lotOf(protocol, usd);
    await buyAt(protocol, bidder, lot, ageAt(3n), PRICE);
    await payOut(protocol, lot.round, usd, [thief]);

    await purse.expectOutcome({
      adversary: "governor gone bad",
      scenario: "with signers of his own, on an order of 2 USD",
      paid: {},
      predicted: { TFT: divide(destroy(owed(PRICE, parseUnits("20", 18), 3n), 0n)).reward },
    });
  });

  it("gets by a worthless asset of their own what its TFT release, and nothing of other buckets", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, timelock, escrow, pool, controller } = protocol.contracts;
    const { admin, miners, renters, bidder } = protocol.actors;
    const [insider, owner] = [miners[2], renters[2]];
    const worthless = await ethers.deployContract("TestToken", ["Worthless", "WORTHLESS", 18]);
    await worthless.mint(owner, 10n ** 30n);
    const highest = 1_000_000_000n * TFT;
    await asGovernor(timelock, admin, await escrow.listAsset.populateTransaction(worthless, highest));
    const purse = await Purse.of([tft], insider, owner);

    const round = await earn(protocol, [
      { asset: worthless, amount: 10n ** 29n, miner: insider, payer: owner },
      { asset: usd, amount: 10n * USD, miner: miners[0] },
      { asset: tft, amount: DEPOSIT, miner: miners[0] },
    ]);
    const start = (await startEpoch(protocol)) * DAY;
    // four halvings a day bring even a billion TFT for a unit of 10^18 down to what he has: here a million
    await buyAt(protocol, bidder, { asset: usd, round, start }, ageAt(3n), 10n * USD);
    await controller.burn(round);
    const honest = owed(10n * USD, parseUnits("20", 18), 3n);
    const burned = honest + DEPOSIT;
    const halvings = 61n;
    const paid = owed(10n ** 29n, highest, halvings, 10n ** 18n);
    await buyAt(protocol, owner, { asset: worthless, round, start }, ageAt(halvings), 10n ** 29n);
    await payOut(protocol, round, worthless, [insider]);

    const destruction = destroy(paid, burned);
    await purse.expectOutcome({
      adversary: "governor gone bad",
      scenario: "a worthless asset at the highest reference",
      paid: { TFT: paid },
      predicted: { TFT: part(divide(destruction).reward, 1n, 1n) },
      bound: { TFT: coalitionBound(destruction) },
    });
    const rewards = [
      [usd, divide(destroy(honest, 0n)).reward],
      [tft, divide(destroy(DEPOSIT, honest)).reward],
    ] as const;
    for (const [asset, reward] of rewards) {
      expect((await pool.bucket(await pool.bucketId(round, asset))).reward).to.equal(reward);
    }
  });
});
