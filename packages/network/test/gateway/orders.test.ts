import { setImmediate } from "node:timers/promises";

import { time } from "@nomicfoundation/hardhat-network-helpers";
import { paymentRefOf } from "@turingfog/network";
import { DAY, HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { parseUnits } from "ethers";
import { ethers, network } from "hardhat";

import { advance, paid, UNIT_PRICE, withGateway } from "../helpers/gatewayWorld";

const DEPOSIT = UNIT_PRICE / 2n;
/** 10 USDC at 0.9 and 5 %, in cents. */
const PRICE = 945n;
const FEE = 50n;
const BALANCE = 1_000_000_000n;

describe("An order that is paid by card", () => {
  it("is opened once by a permit, for the gateway, under the session's reference, and its rest is refunded", () =>
    withGateway({}, async (given) => {
      const { world, gateway, payer } = given;
      const { escrow } = world.fixture.protocol.contracts;
      world.node.isAtWork = true;
      const { id, session, price } = await paid(given);
      expect(price).to.equal(String(PRICE));
      await advance(given, 4);
      expect((await gateway.told(id)).state).to.equal("opened");
      const [args, ...others] = await world.openings();
      expect(others).to.deep.equal([]);
      expect([args.payer, args.refundTo, await escrow.ownerOf(args.orderId)]).to.deep.equal([payer, payer, payer]);
      expect([args.paymentRef, args.deposit]).to.deep.equal([paymentRefOf(session), DEPOSIT]);

      world.node.isAtWork = false;
      world.node.counts = () => TU / 4n;
      world.node.settle = (each) => escrow.settleAcknowledged(args.asset, [each]);
      await time.increase(HOUR);
      await advance(given, 4);
      const { state, files } = await gateway.told(id);
      expect([state, ...files.map(({ path }) => path)]).to.deep.equal(["delivered", "job.json", "out/words.txt"]);
      const file = await fetch(`${gateway.url}/v1/sessions/${id}/files/out/words.txt`);
      expect(await file.text()).to.equal(`hello of order ${args.orderId}\n`);

      // nobody needs the order any more, and its rest can be had after the grace
      expect((await escrow.order(args.orderId)).endsAt).to.be.at.most(BigInt(await time.latest()));
      await world.passGrace(args.orderId);
      await advance(given, 3);
      const rest = PRICE / 2n - FEE;
      expect(await gateway.told(id)).to.include({ state: "refunded", due: String(rest), refunded: String(rest) });
      expect(world.stripe.refunds.map(({ amount }) => amount)).to.deep.equal([Number(rest)]);
      expect(await world.fixture.usdc.balanceOf(payer)).to.equal(BALANCE - DEPOSIT / 2n);
      expect(Object.entries(gateway.parts).filter(([, part]) => part.state !== "ok")).to.deep.equal([]);
    }));

  it("is opened after an approval, where the asset takes no permits", () =>
    withGateway({ allowance: "approve" }, async (given) => {
      const { world, gateway, payer } = given;
      const { id } = await paid(given);
      await advance(given, 5);
      expect((await gateway.told(id)).state).to.equal("delivered");
      const { addresses } = world.fixture.protocol;
      expect(await world.fixture.usdc.allowance(payer, addresses.escrow)).to.equal(0n);
    }));

  it("is opened on no node alone, at the gateway's price, if it is a joint one", () =>
    withGateway({ jointUnitPrice: String(2n * UNIT_PRICE) }, async (given) => {
      const { world, gateway } = given;
      const nodes = [String(world.fixture.nodeId)];
      const { id, price } = await paid(given, { node: "0", nodes });
      expect(price).to.equal(String(2n * PRICE));
      await advance(given, 4);
      expect((await gateway.told(id)).state).to.equal("delivered");
      const [{ nodeId, unitPrice }] = await world.openings();
      expect([nodeId, unitPrice]).to.deep.equal([0n, 2n * UNIT_PRICE]);
      expect([...world.node.orders.values()].flatMap(({ acknowledgements }) => acknowledgements)).to.deep.equal([]);
    }));

  it("is not opened when the price rose above the quote, and all is refunded", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { id } = await paid(given);
      await world.price(UNIT_PRICE + 1n);
      await advance(given, 2);
      expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
      expect((await gateway.told(id)).reason).to.match(/^the price rose above the quote: 20000001 /);
      expect(await world.openings()).to.deep.equal([]);
    }));

  it("costs what the node takes when the price fell, and the difference is refunded too", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      const { id } = await paid(given);
      await world.price(UNIT_PRICE / 2n);
      await advance(given, 4);
      const [{ orderId, deposit }] = await world.openings();
      expect(deposit).to.equal(DEPOSIT / 2n);
      await world.passGrace(orderId);
      await advance(given, 3);
      expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(PRICE - FEE) });
    }));

  it("waits for another day when the daily limit is reached", () =>
    withGateway({ dailySpending: "15", openWithin: 604_800 }, async (given) => {
      const { world, gateway } = given;
      const both = [await paid(given), await paid(given)];
      const states = async () => (await Promise.all(both.map(({ id }) => gateway.told(id)))).map(({ state }) => state);
      await advance(given, 3);
      expect(await states()).to.have.members(["delivered", "paid"]);
      expect(gateway.parts.approvals.reason).to.match(/^an order needs 10.0, 10.0 of the daily limit of 15.0 went/);
      world.ahead = DAY + 60n;
      await advance(given, 3);
      expect(await states()).to.deep.equal(["delivered", "delivered"]);
      expect(await world.openings()).to.have.length(2);
    }));

  it("is quoted to nobody above what is spent in a day, or while the payer has too little", () =>
    withGateway({ dailySpending: "9" }, async (given) => {
      const { world, gateway, payer } = given;
      expect((await gateway.quote()).body).to.include({ error: "above-limit" });
      await world.empty(payer);
      expect((await gateway.quote({ tu: "0.1" })).body).to.include({ error: "out-of-funds" });
    }));

  it("is refunded in full when it could not be opened in time, for nothing was ever signed", () =>
    withGateway({ openWithin: 600 }, async (given) => {
      const { world, gateway, payer } = given;
      const { id } = await paid(given);
      await world.empty(payer);
      await advance(given, 2);
      expect((await gateway.told(id)).state).to.equal("approved");
      expect(gateway.parts.orders.state).to.equal("waiting");
      world.ahead = 700n;
      await advance(given, 2);
      expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
      expect(await world.openings()).to.deep.equal([]);
    }));

  it("is opened again under the same reference when a reorganisation has undone it, and counts once it is final", () =>
    withGateway({ chain: { confirmationSeconds: 60 } }, async (given) => {
      const { world, gateway } = given;
      const { id } = await paid(given);
      await time.increase(120);
      const before: unknown = await network.provider.send("evm_snapshot");
      await gateway.advance();
      expect(await world.openings()).to.have.length(1);
      expect((await gateway.told(id)).state).to.equal("approved");
      await network.provider.send("evm_revert", [before]);
      await time.increase(120);
      expect(await world.openings()).to.deep.equal([]);
      await advance(given, 2);
      expect((await gateway.told(id)).state).to.equal("approved");
      expect(gateway.parts.orders).to.deep.equal({ state: "ok", reason: undefined });
      await time.increase(61);
      await gateway.advance();
      expect((await gateway.told(id)).state).to.equal("opened");
      expect(await world.openings()).to.have.length(1);
    }));

  it("is not refunded until a final block shows that the transaction which was refused can be mined no more", () =>
    withGateway({ chain: { confirmationSeconds: 60 } }, async (given) => {
      const { world, gateway, payer } = given;
      const { id } = await paid(given);
      await time.increase(120);
      await network.provider.send("evm_setAutomine", [false]);
      try {
        const sending = gateway.advance();
        while ((await ethers.provider.getTransactionCount(payer, "pending")) === 0) await setImmediate();
        // the owner's transaction is mined before it
        const fee = parseUnits("500", "gwei");
        await world.price(UNIT_PRICE + 1n, { maxFeePerGas: fee, maxPriorityFeePerGas: fee, gasLimit: 500_000 });
        await network.provider.send("hardhat_mine");
        await sending;
      } finally {
        await network.provider.send("evm_setAutomine", [true]);
      }
      expect(gateway.parts.orders.reason).to.match(/^The contract refused "Open the order of payment 0x/);
      world.ahead += 60n;
      await gateway.advance();
      expect((await gateway.told(id)).state).to.equal("approved");
      await time.increase(120);
      await advance(given, 2);
      expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
      expect(await world.openings()).to.deep.equal([]);
    }));

  it("is not refunded while a transaction may be waiting somewhere, which is replaced by an empty one first", () =>
    withGateway({}, async (given) => {
      const { world, gateway, payer } = given;
      const { id } = await paid(given);
      world.chain.refused.add("eth_sendRawTransaction");
      await advance(given, 2);
      expect(gateway.parts.orders.reason).to.match(/limit exceeded/);
      await world.price(UNIT_PRICE + 1n);
      for (let i = 0; i < 3; ++i) {
        world.ahead += 60n;
        await gateway.advance();
      }
      expect((await gateway.told(id)).state).to.equal("approved");
      expect(world.stripe.refunds).to.deep.equal([]);
      world.chain.refused.clear();
      // the one that was signed to replace it is given its time
      await time.increase(60);
      for (let i = 0; i < 3; ++i) {
        world.ahead += 60n;
        await gateway.advance();
      }
      expect(await ethers.provider.getTransactionCount(payer)).to.equal(1);
      expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(PRICE) });
      expect(await world.openings()).to.deep.equal([]);
    }));

  it("is stopped when its node refuses the job, and its rest is refunded", () =>
    withGateway({}, async (given) => {
      const { world, gateway } = given;
      world.node.refuses = () => "not here";
      const { id } = await paid(given);
      await advance(given, 6);
      expect((await gateway.told(id)).reason).to.equal("the node refuses the job: not here");
      const [{ orderId }] = await world.openings();
      const { escrow } = world.fixture.protocol.contracts;
      expect((await escrow.order(orderId)).endsAt).to.be.at.most(BigInt(await time.latest()));
      await world.passGrace(orderId);
      await advance(given, 3);
      expect(await gateway.told(id)).to.include({ state: "refunded", refunded: String(PRICE - FEE) });
    }));
});
