import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { HOUR, TU } from "@turingfog/sdk";
import { mined } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { type ContractTransactionResponse, MaxUint256 } from "ethers";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { earn, openOrder, passVetoWindow, registerNodes, settle, startEpoch, submitReceipts } from "../helpers/market";
import { buy, buyAt, openLot } from "./lots";
import { TFT, USD } from "./predictions";

/** What the bytes of a call's arguments may differ in, and a hash of a longer proof: far below a slot's 2,100. */
const NOISE = 500n;

async function gasOf(transaction: Promise<ContractTransactionResponse>): Promise<bigint> {
  return (await mined(transaction)).gasUsed;
}

/** Opens orders and submits a receipt of each, of which the last one's settlement is to be measured. */
async function gasOfLastSettlement(count: number): Promise<bigint> {
  const protocol = await loadFixture(deployProtocolFixture);
  const { usd } = protocol.contracts;
  const { miners, renters } = protocol.actors;
  await startEpoch(protocol);
  const orders: { orderId: bigint; nodeId: bigint }[] = [];
  const owners = Array.from({ length: count }, (_, i) => miners[i % 2]);
  for (const [i, nodeId] of (await registerNodes(protocol, owners)).entries()) {
    orders.push({ nodeId, orderId: await openOrder(protocol, renters[i % 2], usd, { maxUnitPrice: USD }) });
  }
  await time.increase(HOUR);
  const measuredAt = BigInt(await time.latest());
  const receipts = orders.map((order) => ({ ...order, cumulativeTU: TU, measuredAt }));
  const tree = await submitReceipts(protocol, receipts);
  await passVetoWindow(protocol);
  // both miners have weight in the bucket already
  await settle(protocol, usd, tree, receipts.slice(0, -1));
  return gasOf(settle(protocol, usd, tree, receipts.slice(-1)));
}

/** Has TFT and USD earned in so many epochs: in the first round, which is closed, and the second, which gathers. */
async function withBacklog(epochs: number): Promise<{ protocol: Protocol; first: bigint; second: bigint }> {
  const protocol = await loadFixture(deployProtocolFixture);
  const { tft, usd } = protocol.contracts;
  const { miners } = protocol.actors;
  const started: bigint[] = [];
  for (let i = 0; i < epochs; i++) {
    started.push(
      await earn(protocol, [
        { asset: tft, amount: TFT, miner: miners[0] },
        { asset: usd, amount: USD, miner: miners[0] },
      ]),
    );
  }
  await startEpoch(protocol);
  return { protocol, first: started[0], second: started[1] };
}

describe("The cost of a call", () => {
  it("is that of its own receipts, beside however many orders and receipts of others [T5]", async () => {
    const few = await gasOfLastSettlement(4);
    const many = await gasOfLastSettlement(32);

    // three more hashes of the proof and their calldata
    expect(many - few).to.be.within(-NOISE, NOISE + 3n * 900n);
  });

  it("is that of one round, however many epochs have gathered behind it [T5]", async () => {
    const gas: bigint[][] = [];
    for (const epochs of [4, 12]) {
      const { protocol, first, second } = await withBacklog(epochs);
      const { controller, pool, tft, usd } = protocol.contracts;
      const { bidder, miners } = protocol.actors;
      // the first ones write slots for the first time, and the first lot's price depends on how long it has waited
      await controller.burn(first);
      await buy(protocol, bidder, { asset: usd, round: first, start: 0n }, USD);
      gas.push([
        await gasOf(controller.connect(bidder).buy(usd, second, USD, MaxUint256, bidder, "0x")),
        await gasOf(controller.burn(second)),
        await gasOf(pool.claimFor(miners[0], [await pool.bucketId(second, tft)])),
      ]);
    }

    const [few, many] = gas;
    for (const [i, cost] of many.entries()) expect(cost - few[i], `call ${i}`).to.be.within(-NOISE, NOISE);
  });

  it("is that of one bidder, after however many others [T23]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { usd } = protocol.contracts;
    const { miners, bidder, renters } = protocol.actors;
    const lot = await openLot(protocol, usd, [{ amount: 1_000n * USD, miner: miners[0] }]);
    // the first fills write what the later ones find written
    for (const buyer of [bidder, ...renters]) await buy(protocol, buyer, lot, USD);

    const gas: bigint[] = [];
    for (let i = 0; i < 40; i++) gas.push(await gasOf(buy(protocol, renters[i % 3], lot, USD)));

    expect(gas[39] - gas[0]).to.be.within(-NOISE, NOISE);
    await buyAt(protocol, bidder, lot, 40_000n, 1_000n * USD);
    expect((await protocol.contracts.pool.closedRound(usd)).round).to.equal(0n);
  });
});
