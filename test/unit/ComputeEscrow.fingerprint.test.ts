import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, TU } from "@turingfog/sdk";
import { expect } from "chai";
import { MaxUint256, parseUnits } from "ethers";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { listNode, openOrder, registerNode } from "../helpers/market";
import { acknowledge, deliver, openParams, startOf } from "../helpers/orders";
import type { OpenParamsStruct } from "../../typechain-types/contracts/ComputeEscrow";

const UNIT_PRICE = parseUnits("1", 6);

/** Does something, and tells whether it changes an order's fingerprint. */
async function changes({ contracts: { escrow } }: Protocol, orderId: bigint, act: () => Promise<unknown>) {
  const before = await escrow.getStateFingerprint(orderId);
  await act();
  return (await escrow.getStateFingerprint(orderId)) !== before;
}

describe("ComputeEscrow, fingerprints of orders", () => {
  describe("getStateFingerprint", () => {
    it("rejects an order that was never opened, and one that is closed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const orderId = await openOrder(protocol, protocol.actors.renters[0], usd, { maxUnitPrice: UNIT_PRICE });
      await time.increaseTo((await escrow.refundable(orderId)).from);
      await escrow.close(orderId);

      for (const unknown of [orderId, orderId + 1n, 0n]) {
        await expect(escrow.getStateFingerprint(unknown))
          .to.be.revertedWithCustomError(escrow, "Escrow_UnknownOrder")
          .withArgs(unknown);
      }
    });

    it("changes with each settlement, by receipt or acknowledgement, and with a stop", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const { miners, renters } = protocol.actors;
      const nodeId = await listNode(protocol, miners[0], usd, UNIT_PRICE);
      const orderId = await openOrder(protocol, renters[0], usd, { nodeId, maxUnitPrice: UNIT_PRICE });
      const measuredAt = (await startOf(protocol, orderId)) + HOUR;
      await time.increase(HOUR);
      const seen = [await escrow.getStateFingerprint(orderId)];
      const settling = async (tu: bigint) =>
        escrow.settleAcknowledged(usd, [await acknowledge(protocol, renters[0], orderId, tu)]);
      const acts = [
        () => deliver(protocol, usd, [{ orderId, nodeId, cumulativeTU: 1n, measuredAt }]),
        () => settling(2n),
        () => escrow.connect(renters[0]).stop(orderId),
        () => settling(TU),
      ];

      for (const act of acts) {
        await act();
        seen.push(await escrow.getStateFingerprint(orderId));
      }

      expect(new Set(seen).size).to.equal(seen.length);
    });

    it("changes with each node's settlement on a joint order", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { usd } = protocol.contracts;
      const { miners, renters } = protocol.actors;
      const nodeIds = [await registerNode(protocol, miners[0]), await registerNode(protocol, miners[1])];
      const orderId = await openOrder(protocol, renters[0], usd, { maxUnitPrice: UNIT_PRICE });
      const measuredAt = (await startOf(protocol, orderId)) + HOUR;
      await time.increase(HOUR);

      for (const nodeId of nodeIds) {
        const settling = () => deliver(protocol, usd, [{ orderId, nodeId, cumulativeTU: 1n, measuredAt }]);
        expect(await changes(protocol, orderId, settling)).to.equal(true);
      }
    });

    it("stays when nothing of the order changes: approval, sale, nothing new, a freeze", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, oracle, usd } = protocol.contracts;
      const { miners, renters, guardian } = protocol.actors;
      const nodeId = await listNode(protocol, miners[0], usd, UNIT_PRICE);
      const orderId = await openOrder(protocol, renters[0], usd, { nodeId, maxUnitPrice: UNIT_PRICE });
      const held = escrow.connect(renters[0]);

      const nothing = { orderId, cumulativeTU: 0n, signature: "0x" };
      for (const act of [
        () => held.approve(renters[1], orderId),
        () => held.settleAcknowledged(usd, [nothing]),
        () => held.transferFrom(renters[0], renters[1], orderId),
        () => oracle.connect(guardian).freeze(),
      ]) {
        expect(await changes(protocol, orderId, act)).to.equal(false);
      }
    });

    it("differs by each of the terms alone: node, price, TU, start, end, promise of the refund", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, usd } = protocol.contracts;
      const { miners, renters } = protocol.actors;
      const [renter] = renters;
      const nodeId = await listNode(protocol, miners[0], usd, UNIT_PRICE);
      await usd.connect(renter).approve(escrow, MaxUint256);
      const start = BigInt(await time.latest()) + 10n;
      const open = async (at: bigint, all: OpenParamsStruct[]) => {
        await time.setNextBlockTimestamp(at);
        await escrow.connect(renter).openOrders(all);
      };

      await open(start, [
        openParams(usd, renter),
        openParams(usd, renter, { nodeId }),
        openParams(usd, renter, { maxUnitPrice: UNIT_PRICE + 1n }),
        openParams(usd, renter, { tuAmount: TU + 1n }),
        openParams(usd, renter, { duration: DAY + 1n }),
        openParams(usd, renter, { refundTo: renter.address }),
      ]);
      await open(start + 1n, [openParams(usd, renter, { duration: DAY - 1n })]); // ends with the first one

      const opened = await escrow.queryFilter(escrow.filters.OrderOpened());
      const seen = await Promise.all(opened.map(({ args }) => escrow.getStateFingerprint(args.orderId)));
      expect(new Set(seen).size).to.equal(7);
    });
  });

  describe("supportsInterface", () => {
    it("says ERC-165, ERC-721, its metadata and ERC-5646, and nothing else", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const { escrow } = contracts;

      for (const [interfaceId, isSupported] of [
        ["0x01ffc9a7", true],
        ["0x80ac58cd", true],
        ["0x5b5e139f", true],
        ["0xf5112315", true],
        ["0xffffffff", false],
        ["0x780e9d63", false],
      ] as const) {
        expect(await escrow.supportsInterface(interfaceId), interfaceId).to.equal(isSupported);
      }
      expect(escrow.interface.getFunction("getStateFingerprint").selector).to.equal("0xf5112315");
    });
  });
});
