import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, pricePerGpuHour, TU } from "@turingfog/sdk";
import {
  deliveredOn,
  InconsistentLogsError,
  type Market,
  readEarnings,
  readMarket,
  readOrders,
  spentOn,
} from "@turingfog/sdk/ethers";
import { ACKNOWLEDGEMENT } from "@turingfog/sdk/wire";
import { readDomain } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { type Filter, parseUnits, type Provider } from "ethers";
import { ethers } from "hardhat";

import { asGovernor } from "../../../test/helpers/governor";
import { deployProtocolFixture, type Protocol } from "../../../test/helpers/fixture";
import {
  openOrder,
  passVetoWindow,
  registerNodes,
  registerUnattested,
  settle,
  startEpoch,
  stopAndClose,
  submitAttestation,
  submitReceipts,
} from "../../../test/helpers/market";

const PRICE = parseUnits("0.5", 6);
const TFT_PRICE = parseUnits("20", 18);
const MANY = 2n ** 100n;

const rangeOf = (provider: Provider = ethers.provider) => ({ provider, since: 0 });

/** Two nodes that have worked, one with a pending attestation, and one without any. */
async function worked() {
  const protocol = await deployProtocolFixture();
  const { contracts, actors } = protocol;
  const { registry, usd, tft, dai, escrow } = contracts;
  const [first, second, third] = actors.miners;
  const [a, b] = await registerNodes(protocol, [first, second], { gpuModel: "RTX 2080 Ti", gpuCount: 4n });
  const c = await registerUnattested(protocol, third, { gpuModel: "V100", gpuCount: 8n });
  const d = await registerUnattested(protocol, third, { gpuModel: "Titan V", gpuCount: 1n });
  await registry.connect(first).setListing(a, usd, 2n * PRICE, 5n * TU);
  await registry.connect(first).setListing(a, usd, PRICE, 10n * TU);
  await registry.connect(first).setListing(a, dai, PRICE, 10n * TU);
  await registry.connect(first).setListing(a, tft, TFT_PRICE, MANY);
  await registry.connect(second).setListing(b, usd, PRICE, MANY);
  await registry.connect(second).setListing(b, usd, 0n, 0n);
  await registry.connect(third).setListing(c, usd, PRICE, MANY);

  const renter = actors.renters[0];
  const own = await openOrder(protocol, renter, usd, { nodeId: a, tuAmount: 2n * TU, maxUnitPrice: PRICE });
  const closed = await openOrder(protocol, renter, tft, { nodeId: a, tuAmount: TU, maxUnitPrice: TFT_PRICE });
  const joint = await openOrder(protocol, renter, usd, { maxUnitPrice: PRICE });
  await time.increase(HOUR);
  const acknowledged = { orderId: closed, cumulativeTU: TU / 4n };
  const domain = await readDomain(escrow);
  await escrow.settleAcknowledged(tft, [await ACKNOWLEDGEMENT.sign(renter, domain, acknowledged)]);
  const measuredAt = BigInt(await time.latest());
  const tree = await submitReceipts(protocol, [
    { orderId: own, nodeId: a, cumulativeTU: TU / 8n, measuredAt },
    { orderId: joint, nodeId: a, cumulativeTU: TU / 16n, measuredAt },
    { orderId: joint, nodeId: b, cumulativeTU: TU / 16n, measuredAt },
  ]);
  await passVetoWindow(protocol);
  await settle(protocol, usd, tree);
  await stopAndClose(protocol, renter, closed);
  await escrow.connect(renter).transferFrom(renter, actors.renters[1], own);
  await registry.connect(second).transferNode(b, third);
  await registry.connect(third).acceptNode(b);
  await submitAttestation(protocol, c);
  return { protocol, tree, nodeIds: { a, b, c, d }, orderIds: { own, closed, joint } };
}

/** Checks that a market says what the contracts say. */
async function expectTrue({ contracts }: Protocol, { nodes }: Market): Promise<void> {
  const { registry } = contracts;
  for (const { nodeId, owner, gpuModel, gpuCount, rating, ratePerDay, standing, offers } of nodes) {
    const node = await registry.node(nodeId);
    expect({ owner, gpuModel, gpuCount }).to.deep.equal({
      owner: node.owner,
      gpuModel: node.gpuModel,
      gpuCount: node.gpuCount,
    });
    expect(ratePerDay).to.equal(await registry.ratePerDay(nodeId));
    expect(rating).to.equal(await registry.ratingOf(gpuModel));
    expect(standing === "attested").to.equal(await registry.isAttested(nodeId, await time.latest()));
    for (const asset of [contracts.usd, contracts.dai, contracts.tft]) {
      const address = await asset.getAddress();
      const offer = offers.find((each) => each.asset === address);
      const [unitPrice, capacityTU] = await registry.listing(nodeId, address);
      expect(offer?.unitPrice ?? 0n, `${nodeId} in ${address}`).to.equal(unitPrice);
      if (offer === undefined) continue;
      expect(offer.capacityTU).to.equal(capacityTU);
      expect(offer.gpuHourPrice).to.equal(pricePerGpuHour(unitPrice, rating));
    }
  }
}

describe("readMarket", () => {
  it("says of every node what the registry says", async () => {
    const { protocol, nodeIds } = await loadFixture(worked);
    const market = await readMarket(protocol.contracts, rangeOf());
    const { a, b, c, d } = nodeIds;
    expect(market.nodes.map(({ nodeId }) => nodeId)).to.deep.equal([a, b, c, d]);
    await expectTrue(protocol, market);
    expect(market.nodes.map(({ gpu }) => gpu)).to.deep.equal(["RTX 2080 Ti", "RTX 2080 Ti", "V100", "Titan V"]);
    expect(market.nodes.map(({ offers }) => offers.length)).to.deep.equal([3, 0, 1, 0]);
    expect(market.block).to.equal(await time.latestBlock());
  });

  it("tells an attestation that is pending from one that counts, has ended, or was never given", async () => {
    const { protocol, nodeIds } = await loadFixture(worked);
    const standings = async () => (await readMarket(protocol.contracts, rangeOf())).nodes.map((each) => each.standing);
    expect(await standings()).to.deep.equal(["attested", "attested", "pending", "unattested"]);
    await protocol.contracts.registry.connect(protocol.actors.guardian).revokeNode(nodeIds.c);
    expect(await standings()).to.deep.equal(["attested", "attested", "unattested", "unattested"]);
    const { attestedUntil } = await protocol.contracts.registry.node(nodeIds.a);
    await time.increase(91n * DAY);
    expect(await standings()).to.deep.equal(["unattested", "unattested", "unattested", "unattested"]);
    // one that was undone before it counted leaves the one before it
    await submitAttestation(protocol, nodeIds.a);
    await protocol.contracts.registry.connect(protocol.actors.guardian).revokeNode(nodeIds.a);
    const [first] = (await readMarket(protocol.contracts, rangeOf())).nodes;
    expect(first).to.include({ standing: "unattested", attestedUntil });
  });

  it("leaves out offers in an asset that takes no new orders", async () => {
    const { protocol, nodeIds } = await loadFixture(worked);
    const { escrow, timelock, dai } = protocol.contracts;
    await asGovernor(timelock, protocol.actors.admin, await escrow.delistAsset.populateTransaction(dai));
    const { nodes } = await readMarket(protocol.contracts, rangeOf());
    const assets = nodes.find(({ nodeId }) => nodeId === nodeIds.a)?.offers.map(({ asset }) => asset);
    expect(assets)
      .to.have.length(2)
      .and.not.include(await dai.getAddress());
  });

  it("counts what became of a node's own orders", async () => {
    const { protocol, nodeIds } = await loadFixture(worked);
    const { nodes } = await readMarket(protocol.contracts, rangeOf());
    const history = nodes.find(({ nodeId }) => nodeId === nodeIds.a)?.history;
    expect(history).to.deep.equal({ open: 1, closed: 1, boughtTU: TU, deliveredTU: TU / 4n });
  });

  for (const event of ["OrderOpened", "ReceiptSettled", "OrderClosed"] as const) {
    it(`refuses a node that has lost a log of ${event}`, async () => {
      const { protocol } = await loadFixture(worked);
      const { topicHash } = protocol.contracts.escrow.interface.getEvent(event);
      const { provider } = ethers;
      const lossy = Object.create(provider, {
        getLogs: {
          value: async (filter: Filter) => {
            const logs = await provider.getLogs(filter);
            return logs.filter(({ topics }) => topics[0] !== topicHash);
          },
        },
      }) as Provider;
      const reading = readMarket(protocol.contracts, rangeOf(lossy));
      await expect(reading).to.be.rejectedWith(InconsistentLogsError, "lacks logs until block");
    });
  }
});

describe("readOrders", () => {
  it("finds what an account has paid for, or has ever held", async () => {
    const { protocol, orderIds } = await loadFixture(worked);
    const { contracts, actors } = protocol;
    const idsOf = async (account: string) =>
      (await readOrders(contracts, rangeOf(), { account })).map(({ orderId }) => orderId);
    const { own, closed, joint } = orderIds;
    expect(await idsOf(actors.renters[0].address)).to.deep.equal([own, closed, joint]);
    expect(await idsOf(actors.renters[1].address)).to.deep.equal([own]);
    expect(await idsOf(actors.stranger.address)).to.deep.equal([]);
  });

  it("finds what nodes have worked on, joint orders too", async () => {
    const { protocol, nodeIds, orderIds } = await loadFixture(worked);
    const idsOf = async (...ids: bigint[]) =>
      (await readOrders(protocol.contracts, rangeOf(), { nodeIds: ids })).map(({ orderId }) => orderId);
    expect(await idsOf(nodeIds.b)).to.deep.equal([orderIds.joint]);
    expect(await idsOf(nodeIds.a, nodeIds.b)).to.have.length(3);
    expect(await idsOf(nodeIds.d)).to.deep.equal([]);
  });

  it("says of open orders what the escrow says, and what came back of closed ones", async () => {
    const { protocol, nodeIds, orderIds } = await loadFixture(worked);
    const { escrow } = protocol.contracts;
    for (const record of await readOrders(protocol.contracts, rangeOf())) {
      const { orderId, refund, nodeId, asset, tuAmount, unitPrice, deposit, endsAt, holder } = record;
      if (orderId === orderIds.closed) {
        expect(refund).to.equal(deposit - spentOn(record));
        expect(spentOn(record)).to.equal(TFT_PRICE / 4n);
        expect(record.deliveries).to.deep.equal([
          { nodeId: nodeIds.a, tu: TU / 4n, earned: TFT_PRICE / 4n, acknowledged: TFT_PRICE / 4n },
        ]);
        continue;
      }
      const order = await escrow.order(orderId);
      expect(refund).to.equal(undefined);
      expect({ nodeId, asset, tuAmount, unitPrice, deposit, endsAt }).to.deep.equal({
        ...{ nodeId: order.nodeId, asset: order.asset, tuAmount: order.tuAmount, unitPrice: order.unitPrice },
        ...{ deposit: order.deposit, endsAt: order.endsAt },
      });
      expect(holder).to.equal(await escrow.ownerOf(orderId));
      expect(deliveredOn(record)).to.equal(order.tuSettled);
      expect(spentOn(record)).to.equal(order.earned);
    }
  });
});

describe("readEarnings", () => {
  it("tells rounds that take in earnings, wait, and can be claimed, and by which roots they were earned", async () => {
    const { protocol, tree, orderIds } = await loadFixture(worked);
    const { contracts, actors } = protocol;
    const { tft, usd, controller, pool } = contracts;
    const miner = actors.miners[0].address;
    const [tftAddress, usdAddress] = [await tft.getAddress(), await usd.getAddress()];
    const of = async (asset: string) =>
      (await readEarnings(contracts, rangeOf(), miner)).buckets.find((bucket) => bucket.asset === asset);

    await startEpoch(protocol);
    const usdBucket = await of(usdAddress);
    expect(usdBucket?.settlements[0]).to.include({ receiptsRoot: tree.root });
    expect(usdBucket?.settlements[0].orderIds).to.have.members([orderIds.own, orderIds.joint]);
    expect(usdBucket).to.include({
      state: "closed",
      claimable: 0n,
      weight: await pool.weightOf(usdBucket?.id ?? 0n, miner),
    });

    const closed = await of(tftAddress);
    expect(closed?.settlements[0]).to.include({ receiptsRoot: undefined });
    expect(closed).to.include({ state: "closed", weight: TFT_PRICE / 4n, claimable: 0n });
    await controller.burn(closed?.round ?? 0n);
    const final = await of(tftAddress);
    expect(final?.state).to.equal("final");
    expect(final?.claimable)
      .to.equal(await pool.claimable(miner, [final?.id ?? 0n]))
      .and.above(0n);

    await pool.connect(actors.miners[0]).setRecipient(actors.stranger);
    await pool.claimFor(miner, [final?.id ?? 0n]);
    const after = await readEarnings(contracts, rangeOf(), miner);
    expect(after).to.include({ claimed: final?.claimable, recipient: actors.stranger.address });
    expect(after.buckets.map(({ asset }) => asset)).to.deep.equal([usdAddress]);
  });

  it("shows a round of today as open", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { contracts, actors } = protocol;
    const [nodeId] = await registerNodes(protocol, [actors.miners[0]]);
    const renter = actors.renters[0];
    await contracts.registry.connect(actors.miners[0]).setListing(nodeId, contracts.usd, PRICE, MANY);
    const orderId = await openOrder(protocol, renter, contracts.usd, { nodeId, maxUnitPrice: PRICE });
    const domain = await readDomain(contracts.escrow);
    const word = await ACKNOWLEDGEMENT.sign(renter, domain, { orderId, cumulativeTU: TU });
    await contracts.escrow.settleAcknowledged(contracts.usd, [word]);
    const { buckets, claimed, recipient } = await readEarnings(contracts, rangeOf(), actors.miners[0].address);
    expect(buckets).to.have.length(1);
    expect(buckets[0]).to.include({ state: "open", weight: PRICE, claimable: 0n });
    expect({ claimed, recipient }).to.deep.equal({ claimed: 0n, recipient: actors.miners[0].address });
  });
});
