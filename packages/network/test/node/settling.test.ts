import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import {
  escrowDomain,
  NODE_MIGRATIONS,
  NodeStore,
  type NodeTables,
  type OrderFacts,
  isAcknowledgedBy,
  Settler,
} from "@turingfog/network";
import { TU } from "@turingfog/sdk";
import { TuringFog } from "@turingfog/sdk/ethers";
import { ACKNOWLEDGEMENT, type Acknowledgement } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { deployProtocolFixture } from "../../../../test/helpers/fixture";
import { listNode, openOrder, stopAndClose } from "../../../../test/helpers/market";
import { LOG } from "../helpers/intake";
import { Stores } from "../helpers/stores";

/** Two orders of the first renter on a node, and a settler whose final block shows neither as settled nor as closed. */
async function open() {
  const protocol = await loadFixture(deployProtocolFixture);
  const { contracts, actors, addresses } = protocol;
  const [renter, buyer] = actors.renters;
  const nodeId = await listNode(protocol, actors.miners[0], contracts.usd, 1_000_000n);
  const terms = { nodeId, maxUnitPrice: 1_000_000n };
  const orderIds = [
    await openOrder(protocol, renter, contracts.usd, terms),
    await openOrder(protocol, renter, contracts.usd, terms),
  ];
  const { chainId } = await renter.provider.getNetwork();
  const domain = escrowDomain(chainId, addresses.escrow);
  const asset = await contracts.usd.getAddress();
  const acknowledged: Acknowledgement[] = [];
  const facts = {
    order: (orderId: bigint) =>
      orderIds.includes(orderId) ? ({ orderId, asset, closed: false } as OrderFacts) : undefined,
  };
  const start = () => new Settler({ store: { acknowledgements: async () => acknowledged }, facts, domain, log: LOG });
  const settler = start();
  const fog = new TuringFog(addresses, actors.stranger);
  const sent = () => actors.stranger.getNonce();
  const before = await sent();
  return {
    ...{ protocol, contracts, renter, buyer, orderIds, domain, fog },
    acknowledge: async (by: HardhatEthersSigner, orderId: bigint, cumulativeTU: bigint) =>
      void acknowledged.push(await ACKNOWLEDGEMENT.sign(by, domain, { orderId, cumulativeTU })),
    settle: () => settler.settle(fog),
    settleAfterRestart: () => start().settle(fog),
    transactions: async () => (await sent()) - before,
  };
}

describe("Settler", () => {
  it("sends an acknowledgement once, though no final block has it yet", async () => {
    const { acknowledge, settle, settleAfterRestart, transactions, contracts, renter, orderIds } = await open();
    await acknowledge(renter, orderIds[0], TU / 2n);
    await settle();
    await settle();
    await settleAfterRestart();
    expect((await contracts.escrow.order(orderIds[0])).tuSettled).to.equal(TU / 2n);
    expect(await transactions()).to.equal(1);
  });

  it("sends none that the escrow would pass over", async () => {
    const { acknowledge, settle, transactions, contracts, protocol, renter, buyer, orderIds } = await open();
    const [sold, closed] = orderIds;
    await acknowledge(renter, sold, TU / 2n);
    await acknowledge(renter, closed, TU / 2n);
    await contracts.escrow.connect(renter).transferFrom(renter, buyer, sold);
    await stopAndClose(protocol, renter, closed);
    await settle();
    await settle();
    expect(await transactions()).to.equal(0);
  });

  it("settles the orders behind one that fails, and says why it fails", async () => {
    const { acknowledge, settle, contracts, renter, orderIds, fog } = await open();
    for (const orderId of orderIds) await acknowledge(renter, orderId, TU);
    const real = fog.settleAcknowledged.bind(fog);
    fog.settleAcknowledged = async (asset, [each]) => {
      if (each.orderId === orderIds[0]) throw new Error("no coins");
      return real(asset, [each]);
    };
    await expect(settle()).to.be.rejectedWith("no coins");
    expect((await contracts.escrow.order(orderIds[1])).tuSettled).to.equal(TU);
  });

  it("lets the present holder's acknowledgement take the place of a former one's, though it is of less", async () => {
    const { renter, buyer, domain, orderIds } = await open();
    const stores = new Stores();
    try {
      const store = new NodeStore((await stores.openNew<NodeTables>(NODE_MIGRATIONS)).db, 7n);
      const [orderId] = orderIds;
      const sign = (by: HardhatEthersSigner, cumulativeTU: bigint) =>
        ACKNOWLEDGEMENT.sign(by, domain, { orderId, cumulativeTU });
      const keep = async (by: HardhatEthersSigner, cumulativeTU: bigint) =>
        store.acknowledge(await sign(by, cumulativeTU), (kept) => isAcknowledgedBy(by.address, kept, domain));
      await keep(renter, 5n);
      await keep(renter, 4n);
      expect((await store.acknowledgement(orderId))?.cumulativeTU).to.equal(5n);
      await keep(buyer, 3n);
      expect((await store.acknowledgement(orderId))?.cumulativeTU).to.equal(3n);
    } finally {
      await stores.close();
    }
  });
});
