import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, MINUTE, TU } from "@turingfog/sdk";
import { signPermit } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { MaxUint256 } from "ethers";

import { TestToken__factory } from "../../typechain-types";
import { deployProtocolFixture } from "../helpers/fixture";
import {
  listNode,
  openOrder,
  passVetoWindow,
  registerNode,
  settle,
  startEpoch,
  submitReceipts,
} from "../helpers/market";
import { deliver, expectSoundBooks, listRefusingToken, openParams } from "../helpers/orders";
import { enter, Purse } from "./ledger";
import { lotOf } from "./lots";
import { attainableTU, earnedBy, USD } from "./predictions";

const PRICE = 2n * USD;

describe("A griefing renter", () => {
  it("who reserves all of a node and stops at once binds his own money, and the node is free again [T34]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow, registry } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const nodeId = await listNode(protocol, miners[0], usd, PRICE);
    await registry.connect(miners[0]).setListing(nodeId, usd, PRICE, 100n * TU);
    const purse = await Purse.of([tft, usd], renters[0]);
    const terms = { nodeId, tuAmount: 100n * TU, maxUnitPrice: PRICE, duration: 366n * DAY };

    const orderId = await openOrder(protocol, renters[0], usd, terms);
    await escrow.connect(renters[0]).stop(orderId);
    await registry.connect(miners[0]).setListing(nodeId, usd, PRICE, 100n * TU);
    const honest = await openOrder(protocol, renters[1], usd, { ...terms, duration: DAY });
    expect((await escrow.order(honest)).tuAmount).to.equal(100n * TU);

    const { endsAt } = await escrow.order(orderId);
    await expect(escrow.close(orderId))
      .to.be.revertedWithCustomError(escrow, "Escrow_TooEarly")
      .withArgs(orderId, endsAt + protocol.params.grace);
    await time.increaseTo(endsAt + protocol.params.grace);
    await escrow.close(orderId);
    await purse.expectOutcome({
      adversary: "griefing renter",
      scenario: "reserves a node and stops; bound for three days",
      paid: { USD: 200n * USD },
      predicted: { USD: 200n * USD },
    });
  });

  it("who stops a minute before a reading has what ran since the last one for nothing, and pays for the rest [T15] [T34]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const nodeId = await listNode(protocol, miners[0], usd, PRICE, { gpuModel: "GTX 1080 Ti", gpuCount: 10n });
    const purse = await Purse.of([tft, usd], renters[0]);
    const orderId = await openOrder(protocol, renters[0], usd, { nodeId, tuAmount: 10n * TU, maxUnitPrice: PRICE });
    const { startedAt } = await escrow.order(orderId);

    const stoppedAt = startedAt + 6n * HOUR - MINUTE;
    await time.setNextBlockTimestamp(stoppedAt);
    await escrow.connect(renters[0]).stop(orderId);
    await time.increaseTo(startedAt + 6n * HOUR);
    const readings = [5n, 6n].map((hours) => {
      const cumulativeTU = attainableTU(10n * TU, hours * HOUR);
      return { orderId, nodeId, cumulativeTU, measuredAt: startedAt + hours * HOUR };
    });
    await deliver(protocol, usd, readings);
    await time.increaseTo(stoppedAt + protocol.params.grace);
    await escrow.close(orderId);

    // the last 59 of 359 minutes; readings a minute apart would leave less than one
    const earned = earnedBy(attainableTU(10n * TU, 5n * HOUR), PRICE);
    expect(earned).to.be.greaterThan(4n * USD);
    await purse.expectOutcome({
      adversary: "griefing renter",
      scenario: "stops a minute before a reading",
      paid: { USD: 20n * USD },
      predicted: { USD: 20n * USD - earned },
    });
  });

  it("who opens dust orders for another changes nothing for him, and pays for them [T1] [T2]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const [victim, griefer] = renters;
    const nodeId = await registerNode(protocol, miners[0]);
    const orderId = await openOrder(protocol, victim, usd, { tuAmount: 4n * TU, maxUnitPrice: PRICE });
    const before = await escrow.order(orderId);
    const due = await escrow.refundable(orderId);
    const purse = await Purse.of([tft, usd], griefer);

    const dust: bigint[] = [];
    for (let i = 0; i < 10; i++) {
      const terms = { renter: victim, refundTo: griefer, tuAmount: 1n, maxUnitPrice: 1n, duration: HOUR };
      dust.push(await openOrder(protocol, griefer, usd, terms));
    }
    await time.increase(HOUR / 2n);
    const measuredAt = BigInt(await time.latest());
    // a receipt of dust on each of them, and of nothing on the victim's
    await deliver(protocol, usd, [
      { orderId, nodeId, cumulativeTU: 0n, measuredAt },
      ...dust.slice(0, 5).map((dustId) => ({ orderId: dustId, nodeId, cumulativeTU: 1n, measuredAt })),
    ]);
    for (const dustId of dust.slice(0, 5)) await escrow.close(dustId);

    expect(await escrow.order(orderId)).to.deep.equal(before);
    expect(await escrow.refundable(orderId)).to.deep.equal(due);
    // an order of a unit costs a unit, and earns less than one
    await purse.expectOutcome({
      adversary: "griefing renter",
      scenario: "ten dust orders for another, five open still",
      paid: { USD: 10n },
      predicted: { USD: 5n },
    });
    await expectSoundBooks(protocol, usd);
  });
});

describe("A blacklisted payee", () => {
  it("keeps only his own refund waiting, and gets it once he can be paid [T7]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { escrow, tft } = protocol.contracts;
    const { miners, renters, stranger } = protocol.actors;
    const refusing = await listRefusingToken(protocol);
    const asset = TestToken__factory.connect(await refusing.getAddress(), stranger);
    const nodeId = await registerNode(protocol, miners[0]);
    const blocked = await openOrder(protocol, renters[0], asset, { tuAmount: 4n * TU, maxUnitPrice: PRICE });
    const other = await openOrder(protocol, renters[1], asset, { tuAmount: 4n * TU, maxUnitPrice: PRICE });
    const purse = await Purse.of([tft, asset], renters[0]);
    await refusing.setRefused(renters[0], true);
    await time.increase(HOUR);
    const measuredAt = BigInt(await time.latest());
    await deliver(
      protocol,
      asset,
      [blocked, other].map((orderId) => ({ orderId, nodeId, cumulativeTU: TU, measuredAt })),
    );
    await time.increase(DAY + protocol.params.grace);

    await expect(escrow.close(blocked))
      .to.be.revertedWithCustomError(refusing, "RefusingToken_Refused")
      .withArgs(renters[0]);
    await expect(escrow.close(other)).to.changeTokenBalance(asset, renters[1], 3n * PRICE);
    await purse.expectOutcome({ adversary: "blacklisted payee", scenario: "while blocked", paid: {}, predicted: {} });

    await refusing.setRefused(renters[0], false);
    await escrow.close(blocked);
    await purse.expectOutcome({
      adversary: "blacklisted payee",
      scenario: "once unblocked",
      paid: {},
      predicted: { RUSD: 3n * PRICE },
    });
    await expectSoundBooks(protocol, asset);
  });

  it("who buys in the auction blocks nobody else's purchase, and no miner's claim [T7]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { controller, tft, pool } = protocol.contracts;
    const { miners, renters, bidder, stranger } = protocol.actors;
    const refusing = await listRefusingToken(protocol);
    const asset = TestToken__factory.connect(await refusing.getAddress(), stranger);
    await startEpoch(protocol);
    const nodeId = await registerNode(protocol, miners[0]);
    const orderId = await openOrder(protocol, renters[0], asset, { maxUnitPrice: PRICE });
    await time.increase(HOUR);
    const measuredAt = BigInt(await time.latest());
    // the miner cannot have the asset either, and need not
    await refusing.setRefused(miners[0], true);
    await refusing.setRefused(bidder, true);
    await deliver(protocol, asset, [{ orderId, nodeId, cumulativeTU: TU, measuredAt }]);
    await startEpoch(protocol);
    await tft.connect(bidder).approve(controller, MaxUint256);
    const { round } = await lotOf(protocol, asset);

    const buyFor = (to: typeof bidder) => controller.connect(bidder).buy(asset, round, PRICE, MaxUint256, to, "0x");
    await expect(buyFor(bidder)).to.be.revertedWithCustomError(refusing, "RefusingToken_Refused").withArgs(bidder);
    await expect(buyFor(stranger)).to.changeTokenBalance(asset, stranger, PRICE);

    const bucket = await pool.bucketId(round, asset);
    const { reward } = await pool.bucket(bucket);
    expect(reward).to.be.greaterThan(0n);
    await expect(pool.claimFor(miners[0], [bucket])).to.changeTokenBalance(tft, miners[0], reward);
    enter({
      adversary: "blacklisted payee",
      scenario: "as a bidder and as a miner",
      paidIn: "-",
      gotBack: "nothing is held up",
      bound: "only what is paid to him in the asset",
    });
  });
});

describe("A front-runner of permits", () => {
  it("stops no deposit by using the permit first, and cannot spend the allowance it gives [T8]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow } = protocol.contracts;
    const { renters, stranger } = protocol.actors;
    const [victim] = renters;
    const deadline = BigInt(await time.latest()) + DAY;
    const params = openParams(usd, victim, { maxUnitPrice: PRICE });
    const permit = await signPermit(victim, usd, escrow, PRICE, deadline);
    const purse = await Purse.of([tft, usd], stranger);

    await usd.connect(stranger).permit(victim, escrow, PRICE, deadline, permit.v, permit.r, permit.s);
    // he has the allowance of nobody but himself, for whomever he opens, with the permit or without
    const thiefs = escrow.connect(stranger);
    const stolen = { ...params, renter: stranger };
    for (const theft of [() => thiefs.openOrder(stolen), () => thiefs.openOrderWithPermit(stolen, permit)]) {
      await expect(theft())
        .to.be.revertedWithCustomError(usd, "ERC20InsufficientAllowance")
        .withArgs(escrow, 0n, PRICE);
    }

    const opening = escrow.connect(victim).openOrderWithPermit(params, permit);
    await expect(opening).to.changeTokenBalances(usd, [victim, escrow], [-PRICE, PRICE]);
    await purse.expectOutcome({ adversary: "permit front-runner", scenario: "USD", paid: {}, predicted: {} });
  });
});

describe("A settler of others' receipts", () => {
  it("who settles one of many, or late, takes nothing from the rest [T9]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, pool } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    await startEpoch(protocol);
    const nodes = [await registerNode(protocol, miners[0]), await registerNode(protocol, miners[1])];
    const orderId = await openOrder(protocol, renters[0], usd, { tuAmount: 4n * TU, maxUnitPrice: PRICE });
    await time.increase(HOUR);
    const measuredAt = BigInt(await time.latest());
    const purse = await Purse.of([tft, usd], miners[0]);
    const [first, second] = nodes.map((nodeId) => ({ orderId, nodeId, cumulativeTU: TU, measuredAt }));
    const tree = await submitReceipts(protocol, [first, second]);
    await passVetoWindow(protocol);

    // his own, again and again, in the hope that the other's is used up
    for (let times = 0; times < 3; times++) await settle(protocol, usd, tree, [first]);
    await settle(protocol, usd, tree, [second]);

    const bucket = await pool.bucketId(await pool.openRound(usd), usd);
    expect(await pool.weightOf(bucket, miners[0])).to.equal(PRICE);
    expect(await pool.weightOf(bucket, miners[1])).to.equal(PRICE);
    await purse.expectOutcome({ adversary: "settler", scenario: "his own receipt thrice", paid: {}, predicted: {} });
  });
});
