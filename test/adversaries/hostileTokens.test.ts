import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { type Addressable, MaxUint256 } from "ethers";
import { ethers } from "hardhat";

import { type TestToken, TestToken__factory, type WeirdToken } from "../../typechain-types";
import { deployProtocolFixture, type Protocol, USD_REFERENCE_PRICE } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { type Asset, openOrder, registerNode, startEpoch } from "../helpers/market";
import { deliver, expectSoundBooks, listRefusingToken, openParams } from "../helpers/orders";
import { enter } from "./ledger";
import { buyAt, lotOf, payOut } from "./lots";
import { ageAt, destroy, divide, owed, TFT, USD } from "./predictions";

const PRICE = 10n * TFT;

/** As the orders of WeirdToken's modes. */
enum Mode {
  Plain,
  Silent,
  Reverting,
  GasBurning,
}

/** Has the governor list a token in good faith, as what it looks like. */
async function list({ contracts, actors }: Protocol, token: Addressable): Promise<TestToken> {
  const { escrow, timelock } = contracts;
  const address = await token.getAddress();
  await asGovernor(timelock, actors.admin, await escrow.listAsset.populateTransaction(address, USD_REFERENCE_PRICE));
  return TestToken__factory.connect(address, actors.deployer);
}

async function listWeird(protocol: Protocol): Promise<{ weird: WeirdToken; asset: TestToken }> {
  const weird = await ethers.deployContract("WeirdToken");
  for (const renter of protocol.actors.renters) await weird.mint(renter, 1_000n * PRICE);
  return { weird, asset: await list(protocol, weird) };
}

/** An order of 4 TU in each asset, of which a node delivers one; resolves to what is to be settled and closed. */
async function openBeside(protocol: Protocol, assets: readonly { asset: Asset; unitPrice: bigint }[]) {
  const { miners, renters } = protocol.actors;
  await startEpoch(protocol);
  const nodeId = await registerNode(protocol, miners[0]);
  const orders: { asset: Asset; orderId: bigint; unitPrice: bigint }[] = [];
  for (const { asset, unitPrice } of assets) {
    const terms = { tuAmount: 4n * TU, maxUnitPrice: unitPrice, duration: 2n * HOUR };
    orders.push({ asset, unitPrice, orderId: await openOrder(protocol, renters[0], asset, terms) });
  }
  await time.increase(HOUR);
  const measuredAt = BigInt(await time.latest());
  const receipts = orders.map(({ orderId }) => ({ orderId, nodeId, cumulativeTU: TU, measuredAt }));
  return { orders, receipts };
}

/** Checks that an order in USD is settled, sold, claimed and refunded as if there were no other asset. */
async function expectUSDToGoOn(protocol: Protocol, { orders, receipts }: Awaited<ReturnType<typeof openBeside>>) {
  const { usd, escrow, pool } = protocol.contracts;
  const { renters, miners, bidder } = protocol.actors;
  const order = orders.findIndex(({ asset }) => asset === usd);
  await deliver(protocol, usd, receipts, [receipts[order]]);
  const next = await startEpoch(protocol);
  const lot = await lotOf(protocol, usd);
  await buyAt(protocol, bidder, lot, ageAt(3n), USD);
  await payOut(protocol, lot.round, usd, [miners[0]]);
  const { reward } = await pool.bucket(await pool.bucketId(lot.round, usd));
  expect(reward).to.equal(divide(destroy(owed(USD, USD_REFERENCE_PRICE, 3n), 0n)).reward);
  await time.increaseTo((next + 4n) * DAY);
  await expect(escrow.close(orders[order].orderId)).to.changeTokenBalance(usd, renters[0], 3n * USD);
  await expectSoundBooks(protocol, usd);
}

describe("A hostile token", () => {
  it("that answers nothing works like any other", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { escrow, usd, controller } = protocol.contracts;
    const { renters, bidder } = protocol.actors;
    const { weird, asset } = await listWeird(protocol);
    await weird.setMode(Mode.Silent);
    const stage = await openBeside(protocol, [
      { asset, unitPrice: PRICE },
      { asset: usd, unitPrice: USD },
    ]);

    await expect(deliver(protocol, asset, stage.receipts, [stage.receipts[0]])).to.changeTokenBalance(
      asset,
      controller,
      PRICE,
    );
    await startEpoch(protocol);
    const lot = await lotOf(protocol, asset);
    await expect(buyAt(protocol, bidder, lot, ageAt(3n), PRICE)).to.emit(controller, "LotSoldOut");
    await time.increase(5n * DAY);
    await expect(escrow.close(stage.orders[0].orderId)).to.changeTokenBalance(asset, renters[0], 3n * PRICE);
    await expectSoundBooks(protocol, asset);
  });

  it("that takes a fee is refused at the deposit", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { escrow } = protocol.contracts;
    const { renters, stranger } = protocol.actors;
    const refusing = await listRefusingToken(protocol);
    const asset = TestToken__factory.connect(await refusing.getAddress(), stranger);
    await asset.connect(renters[0]).approve(escrow, MaxUint256);
    await refusing.setFee(1n);

    await expect(escrow.connect(renters[0]).openOrder(openParams(asset, renters[0], { maxUnitPrice: USD })))
      .to.be.revertedWithCustomError(escrow, "Escrow_DepositNotReceived")
      .withArgs(USD - 1n, USD);

    expect(await escrow.liabilities(asset)).to.equal(0n);
  });

  it("that takes a fee later leaves the last of its own holders short, and no other asset", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { escrow, usd } = protocol.contracts;
    const { renters, stranger } = protocol.actors;
    const refusing = await listRefusingToken(protocol);
    const asset = TestToken__factory.connect(await refusing.getAddress(), stranger);
    const stage = await openBeside(protocol, [
      { asset, unitPrice: USD },
      { asset: usd, unitPrice: USD },
    ]);
    await refusing.setFee(1n);

    await expectUSDToGoOn(protocol, stage);
    await expect(escrow.close(stage.orders[0].orderId)).to.changeTokenBalances(
      asset,
      [escrow, renters[0]],
      [-4n * USD, 4n * USD - 1n],
    );
  });

  it("whose balances shrink harms those who are paid last in it, and no other asset", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { escrow, usd } = protocol.contracts;
    const { renters } = protocol.actors;
    const { weird, asset } = await listWeird(protocol);
    const stage = await openBeside(protocol, [
      { asset, unitPrice: PRICE },
      { asset, unitPrice: PRICE },
      { asset: usd, unitPrice: USD },
    ]);
    await weird.rebase(TFT / 2n);

    await expectUSDToGoOn(protocol, stage);
    const [first, second] = stage.orders;
    await expect(escrow.close(first.orderId)).to.changeTokenBalance(asset, renters[0], 4n * PRICE);
    await expect(escrow.close(second.orderId)).to.be.revertedWithCustomError(weird, "ERC20InsufficientBalance");
    // who makes good for it has them paid
    await weird.mint(escrow, 8n * PRICE);
    await expect(escrow.close(second.orderId)).to.changeTokenBalance(asset, renters[0], 4n * PRICE);
  });

  it("whose balances grow enriches nobody [T25]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { escrow, usd, pool } = protocol.contracts;
    const { renters, miners } = protocol.actors;
    const { weird, asset } = await listWeird(protocol);
    const stage = await openBeside(protocol, [
      { asset, unitPrice: PRICE },
      { asset: usd, unitPrice: USD },
    ]);
    await weird.rebase(2n * TFT);

    await deliver(protocol, asset, stage.receipts, [stage.receipts[0]]);
    const bucket = await pool.bucketId(await pool.openRound(asset), asset);
    expect(await pool.weightOf(bucket, miners[0])).to.equal(PRICE);
    await time.increase(5n * DAY);
    await expect(escrow.close(stage.orders[0].orderId)).to.changeTokenBalance(asset, renters[0], 3n * PRICE);
    expect(await escrow.liabilities(asset)).to.equal(0n);
    expect(await asset.balanceOf(escrow)).to.equal(4n * PRICE);
  });

  for (const [what, mode] of [
    ["reverts", Mode.Reverting],
    ["burns all gas", Mode.GasBurning],
  ] as const) {
    it(`that ${what} keeps its own orders and lots waiting, and no other asset's [T4]`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd, controller } = protocol.contracts;
      const { renters, bidder } = protocol.actors;
      const { weird, asset } = await listWeird(protocol);
      const stage = await openBeside(protocol, [
        { asset, unitPrice: PRICE },
        { asset: usd, unitPrice: USD },
      ]);
      await deliver(protocol, asset, stage.receipts.slice(0, 1));
      await weird.setMode(mode);

      await expectUSDToGoOn(protocol, stage);
      const lot = await lotOf(protocol, asset);
      const buying = controller.connect(bidder);
      for (const stuck of [
        () => escrow.close.staticCall(stage.orders[0].orderId),
        () => buying.buy.staticCall(asset, lot.round, PRICE, MaxUint256, bidder, "0x"),
      ]) {
        if (mode === Mode.Reverting) await expect(stuck()).to.be.revertedWithCustomError(weird, "WeirdToken_Refused");
        else await expect(stuck()).to.be.revertedWithoutReason();
      }

      await weird.setMode(Mode.Plain);
      await expect(escrow.close(stage.orders[0].orderId)).to.changeTokenBalance(asset, renters[0], 3n * PRICE);
      await expect(buyAt(protocol, bidder, lot, ageAt(61n), PRICE)).to.emit(controller, "LotSoldOut");
    });
  }

  it("that blocks the escrow or the controller harms its own orders only [T3]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { escrow, usd, controller } = protocol.contracts;
    const { renters, stranger } = protocol.actors;
    const refusing = await listRefusingToken(protocol);
    const asset = TestToken__factory.connect(await refusing.getAddress(), stranger);
    const stage = await openBeside(protocol, [
      { asset, unitPrice: USD },
      { asset: usd, unitPrice: USD },
    ]);
    await refusing.setRefused(controller, true);

    await expectUSDToGoOn(protocol, stage);
    await expect(deliver(protocol, asset, stage.receipts.slice(0, 1)))
      .to.be.revertedWithCustomError(refusing, "RefusingToken_Refused")
      .withArgs(controller);
    // what cannot be settled is not used up, and the renter is refunded
    expect((await escrow.order(stage.orders[0].orderId)).tuSettled).to.equal(0n);
    await expect(escrow.close(stage.orders[0].orderId)).to.changeTokenBalance(asset, renters[0], 4n * USD);
  });

  it("under two addresses is two assets with books of their own, each of them covered", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { escrow, controller, pool } = protocol.contracts;
    const { renters, miners, bidder } = protocol.actors;
    const double = await ethers.deployContract("DoubleEntryToken");
    await double.mint(renters[0], 100n * USD);
    const first = await list(protocol, double);
    const second = await list(protocol, TestToken__factory.connect(await double.SECOND_ENTRY(), bidder));
    const stage = await openBeside(protocol, [
      { asset: first, unitPrice: USD },
      { asset: second, unitPrice: 2n * USD },
    ]);
    expect(await first.balanceOf(escrow)).to.equal(12n * USD);

    const { receipts, orders } = stage;
    await deliver(protocol, first, receipts, [receipts[0]]);
    await deliver(protocol, second, receipts.slice(1));
    expect([await escrow.liabilities(first), await escrow.liabilities(second)]).to.deep.equal([3n * USD, 6n * USD]);
    expect(await first.balanceOf(controller)).to.equal(3n * USD);
    await startEpoch(protocol);
    // the first lot, however much is asked for, is what was earned in it
    await expect(buyAt(protocol, bidder, await lotOf(protocol, first), ageAt(3n), 3n * USD)).to.emit(
      controller,
      "LotSoldOut",
    );
    expect([await first.balanceOf(bidder), await first.balanceOf(controller)]).to.deep.equal([USD, 2n * USD]);
    const lot = await lotOf(protocol, second);
    await buyAt(protocol, bidder, lot, ageAt(4n), 3n * USD);
    await payOut(protocol, lot.round, second, miners);
    expect((await pool.bucket(await pool.bucketId(lot.round, second))).isFinal).to.equal(true);

    await time.increase(5n * DAY);
    for (const { orderId } of orders) await escrow.close(orderId);
    expect([await first.balanceOf(escrow), await first.balanceOf(controller)]).to.deep.equal([0n, 0n]);
    expect(await first.balanceOf(renters[0])).to.equal(97n * USD);
    enter({
      adversary: "hostile token",
      scenario: "under two addresses",
      paidIn: "12 DOUBLE",
      gotBack: "9 DOUBLE",
      bound: "9 DOUBLE",
    });
  });
});
