import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { id } from "ethers";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { signByQuorum, submitReceipts } from "../helpers/market";
import { schedule } from "../helpers/orders";
import { UNIT_PRICE, openJob, expectClosableFrom } from "../helpers/closing";

const FREEZE_DURATION = 7n * DAY;

const FREEZE_INTERVAL = 30n * DAY;

const MAX_HOLD = 7n * DAY;

/** Has the guardian veto some root at a given time. */
async function vetoAt(protocol: Protocol, timestamp: bigint) {
  const { contracts, actors } = protocol;
  const receiptsRoot = id(`root vetoed at ${timestamp}`);
  const content = { receiptsRoot, dataHash: id("receipt file") };
  const signatures = await signByQuorum(protocol, "ReceiptBatch", content);
  await time.setNextBlockTimestamp(timestamp - 1n);
  await contracts.oracle.submit(content.receiptsRoot, content.dataHash, signatures);
  await time.setNextBlockTimestamp(timestamp);
  await contracts.oracle.connect(actors.guardian).veto(receiptsRoot);
}

/** Schedules a rotation to the same signers, lets the delay pass, and resolves to what has it done at a given time. */
async function prepareRotation({ contracts, actors, params }: Protocol): Promise<(timestamp: bigint) => Promise<void>> {
  const { oracle, timelock } = contracts;
  const rotation = await oracle.setSigners.populateTransaction([...(await oracle.signers())], await oracle.quorum());
  const execute = await schedule(timelock, actors.admin, rotation);
  await time.increase(params.governor.minDelay);
  return async (timestamp) => {
    await time.setNextBlockTimestamp(timestamp);
    await execute();
  };
}

/** Has the guardian freeze the network at a given time. */
async function freezeAt({ contracts, actors }: Protocol, timestamp: bigint) {
  await time.setNextBlockTimestamp(timestamp);
  await contracts.oracle.connect(actors.guardian).freeze();
}

describe("ComputeEscrow, closing", () => {
  describe("close", () => {
    it("takes an order from the end of the grace on [T15]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);

      await expectClosableFrom(protocol, orderId, endsAt + protocol.params.grace);
    });

    it("takes a stopped order a grace after the stop [T15]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { orderId, startedAt } = await openJob(protocol, contracts.usd);
      await time.setNextBlockTimestamp(startedAt + HOUR);
      await contracts.escrow.connect(actors.renters[0]).stop(orderId);

      await expectClosableFrom(protocol, orderId, startedAt + HOUR + params.grace);
    });

    it("is not held up by a veto before the order's end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
      await vetoAt(protocol, endsAt);

      await expectClosableFrom(protocol, orderId, endsAt + protocol.params.grace);
    });

    it("is held up by a veto until a grace after it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
      await vetoAt(protocol, endsAt + DAY);

      await expectClosableFrom(protocol, orderId, endsAt + DAY + protocol.params.grace);
    });

    it("is held up by the last of several vetoes, within seven days of the order's end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
      for (const later of [DAY, 3n * DAY, MAX_HOLD]) await vetoAt(protocol, endsAt + later);

      await expectClosableFrom(protocol, orderId, endsAt + MAX_HOLD + protocol.params.grace);
    });

    it("is held up by vetoes for seven days at most", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
      for (const later of [DAY, 3n * DAY, MAX_HOLD + 1n, MAX_HOLD + DAY]) await vetoAt(protocol, endsAt + later);

      await expectClosableFrom(protocol, orderId, endsAt + MAX_HOLD + protocol.params.grace);
    });

    it("is held up by a veto within seven days of the end though it could be closed already", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { orderId, endsAt } = await openJob(protocol, contracts.usd);
      await time.increaseTo(endsAt + params.grace);
      await contracts.escrow.close.staticCall(orderId);
      await vetoAt(protocol, endsAt + params.grace + DAY);

      await expectClosableFrom(protocol, orderId, endsAt + DAY + 2n * params.grace);
    });

    it("is not held up by a rotation of the signers in the second of the order's end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const rotateAt = await prepareRotation(protocol);
      const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
      await rotateAt(endsAt);

      await expectClosableFrom(protocol, orderId, endsAt + protocol.params.grace);
    });

    it("is held up by a rotation of the signers until a grace after it [T33]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const rotateAt = await prepareRotation(protocol);
      const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
      await rotateAt(endsAt + 1n);

      await expectClosableFrom(protocol, orderId, endsAt + 1n + protocol.params.grace);
    });

    for (const [title, after] of [
      ["in the last second of seven days", 0n],
      ["a second after seven days", 1n],
      ["days after that", 2n * DAY],
    ] as const) {
      it(`is held up by a rotation ${title} as by one in that second`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const rotateAt = await prepareRotation(protocol);
        const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
        await rotateAt(endsAt + MAX_HOLD + after);

        await expectClosableFrom(protocol, orderId, endsAt + MAX_HOLD + protocol.params.grace);
      });
    }

    for (const [first, second] of [
      ["veto", "rotation"],
      ["rotation", "veto"],
    ] as const) {
      it(`is held up by a ${second} that follows a ${first}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const rotateAt = await prepareRotation(protocol);
        const { orderId, endsAt } = await openJob(protocol, protocol.contracts.usd);
        const act = { veto: (at: bigint) => vetoAt(protocol, at), rotation: rotateAt };
        await act[first](endsAt + HOUR);
        await act[second](endsAt + DAY);

        await expectClosableFrom(protocol, orderId, endsAt + DAY + protocol.params.grace);
      });
    }

    it("is held up by a freeze until a grace after a thaw later than it could have been closed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { orderId, endsAt } = await openJob(protocol, contracts.usd);
      await freezeAt(protocol, endsAt + HOUR);
      const thawedAt = endsAt + params.grace + DAY;
      await time.setNextBlockTimestamp(thawedAt);
      await contracts.oracle.connect(actors.guardian).thaw();

      await expectClosableFrom(protocol, orderId, thawedAt + params.grace);
    });

    it("is not held up by a freeze from the second on in which it can be closed, and is closed while frozen [T33]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { escrow, oracle, usd } = contracts;
      const { orderId, endsAt } = await openJob(protocol, usd);
      await freezeAt(protocol, endsAt + params.grace);

      expect((await escrow.refundable(orderId)).from).to.equal(endsAt + params.grace);
      await expect(escrow.close(orderId)).to.changeTokenBalance(usd, escrow, -UNIT_PRICE);
      expect(await oracle.frozenUntil()).to.be.above(await time.latest());
    });

    it("is not held up by a freeze from a grace after a veto on, and is by one a second before that", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { usd, escrow } = contracts;
      const { orderId, endsAt } = await openJob(protocol, usd);
      const held = await openJob(protocol, usd, { duration: DAY + HOUR });
      await vetoAt(protocol, endsAt + MAX_HOLD);
      await vetoAt(protocol, held.endsAt + MAX_HOLD);
      const from = endsAt + MAX_HOLD + params.grace;
      await freezeAt(protocol, from);

      expect((await escrow.refundable(orderId)).from).to.equal(from);
      await expectClosableFrom(protocol, held.orderId, from + FREEZE_DURATION + params.grace);
    });

    it("is not held up on day 103 by a freeze on day 100, though it could be closed since day 3 [T33]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { escrow, usd } = contracts;
      const { orderId, endsAt } = await openJob(protocol, usd);
      expect(params.grace).to.equal(3n * DAY);
      await freezeAt(protocol, endsAt + 100n * DAY);
      await time.increaseTo(endsAt + 103n * DAY);

      expect((await escrow.refundable(orderId)).from).to.equal(endsAt + 3n * DAY);
      await expect(escrow.close(orderId)).to.changeTokenBalance(usd, escrow, -UNIT_PRICE);
    });

    it("is not held up by the next freeze after one that held it, as soon as that may begin", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { escrow, usd } = contracts;
      const { orderId, endsAt } = await openJob(protocol, usd);
      const frozenAt = endsAt + params.grace - 1n;
      await freezeAt(protocol, frozenAt);
      await freezeAt(protocol, frozenAt + FREEZE_INTERVAL);

      await expect(escrow.close(orderId)).to.changeTokenBalance(usd, escrow, -UNIT_PRICE);
    });

    it("is held up by a freeze that did not concern it once a veto within the seven days does", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const oracle = contracts.oracle.connect(actors.guardian);
      const { orderId, nodeId, endsAt } = await openJob(protocol, contracts.usd);
      await time.increaseTo(endsAt + params.grace - HOUR);
      const receipt = { orderId, nodeId, cumulativeTU: TU, measuredAt: endsAt };
      const { root } = await submitReceipts(protocol, [receipt]);
      const frozenAt = endsAt + params.grace;
      await freezeAt(protocol, frozenAt);
      await contracts.escrow.close.staticCall(orderId);
      await oracle.veto(root);

      await expectClosableFrom(protocol, orderId, frozenAt + FREEZE_DURATION + params.grace);
    });

    it("is held up by a freeze until a grace after the thaw", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const oracle = contracts.oracle.connect(actors.guardian);
      const { orderId, endsAt } = await openJob(protocol, contracts.usd);
      await time.setNextBlockTimestamp(endsAt + HOUR);
      await oracle.freeze();
      expect((await contracts.escrow.refundable(orderId)).from).to.equal(
        endsAt + HOUR + FREEZE_DURATION + params.grace,
      );
      const thawedAt = endsAt + 2n * DAY;
      await time.setNextBlockTimestamp(thawedAt);
      await oracle.thaw();

      await expectClosableFrom(protocol, orderId, thawedAt + params.grace);
    });

    it("is held up by a freeze that runs out until a grace after that", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { orderId, endsAt } = await openJob(protocol, contracts.usd);
      // in the last second of the grace
      const frozenAt = endsAt + params.grace - 1n;
      await time.setNextBlockTimestamp(frozenAt);
      await contracts.oracle.connect(actors.guardian).freeze();

      await expectClosableFrom(protocol, orderId, frozenAt + FREEZE_DURATION + params.grace);
    });

    it("is held up by whichever is later, a veto or a thaw", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const oracle = contracts.oracle.connect(actors.guardian);
      const { orderId, endsAt } = await openJob(protocol, contracts.usd);
      await time.setNextBlockTimestamp(endsAt + HOUR);
      await oracle.freeze();
      await time.setNextBlockTimestamp(endsAt + 2n * HOUR);
      await oracle.thaw();
      expect((await contracts.escrow.refundable(orderId)).from).to.equal(endsAt + 2n * HOUR + params.grace);
      await vetoAt(protocol, endsAt + 3n * HOUR);

      await expectClosableFrom(protocol, orderId, endsAt + 3n * HOUR + params.grace);
    });

    it("is not held up by a freeze before the order's end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { orderId, endsAt } = await openJob(protocol, contracts.usd, { duration: 8n * DAY });
      await contracts.oracle.connect(actors.guardian).freeze();

      await expectClosableFrom(protocol, orderId, endsAt + params.grace);
    });
  });
});
