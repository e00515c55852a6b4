import { time } from "@nomicfoundation/hardhat-network-helpers";
import { BURNING_END, DAY, HOUR, PRODUCTION_MINING_END, TU, WAD as TFT, WRITE_OFF_PERIODS } from "@turingfog/sdk";
import { readDomain, signPermit } from "@turingfog/sdk/ethers";
import { ACKNOWLEDGEMENT, type Receipt, ReceiptTree } from "@turingfog/sdk/wire";
import { type ContractTransactionResponse, getAddress, id, MaxUint256, ZeroAddress } from "ethers";
import { ethers } from "hardhat";

import { asGovernor } from "../../../test/helpers/governor";
import { burnUpTo } from "../../../test/helpers/lifetime";
import {
  earn,
  listNode,
  passVetoWindow,
  registerNode,
  settle,
  signByQuorum,
  startEpoch,
} from "../../../test/helpers/market";
import { byAddress, openParams } from "../../../test/helpers/orders";
import { POOL_FEE } from "../../../test/helpers/uniswap";
import { TICK_SPACING } from "../../../test/helpers/uniswapV4";
import { type Meter, undone } from "./meter";
import { createFillerV4, type World } from "./world";

/** Number of receipts that are settled at once. */
export const BATCHES = [1, 10, 50, 200];

/** Number of receipts in their tree. */
export const TREES = [1_000, 10_000, 100_000];

/** Number of rounds whose rewards are claimed at once. */
export const CLAIMS = [1, 2, 4, 7, 15, 30];

/** Number of orders that are opened at once. */
const OPENED = 50;

/** Number of orders that are opened one by one in the places of closed ones. */
const PLACES = 12;

/** Distance in rounds at which two weights of a miner share a place. */
const ROUNDS_A_PLACE = 10n;

const LARGEST_BATCH = Math.max(...BATCHES);
const LARGEST_TREE = Math.max(...TREES);
const LARGEST_CLAIM = Math.max(...CLAIMS);

const QUORUMS = [
  { quorum: 5, signers: 7 },
  { quorum: 11, signers: 16 },
];

const USD = 10n ** 6n;
const UNLIMITED = 2n ** 128n - 1n;

/** An order of 1 TU, and the node that works on it. */
interface Job {
  orderId: bigint;
  nodeId: bigint;
}

/** Measures all that users of the system pay for. */
export async function measureOperations(world: World, meter: Meter): Promise<void> {
  await measureGenesis(world, meter);
  const parts: [string, (world: World, meter: Meter) => Promise<void>][] = [
    ["nodes", measureNodes],
    ["reports", measureReports],
    ["orders", measureOrders],
    ["many orders at once", measureJobs],
    ["claims", measureClaims],
    ["buybacks", measureBuybacks],
    ["burning, phase by phase", measureBurning],
  ];
  for (const [what, measure] of parts) {
    meter.progress(what);
    await undone(() => measure(world, meter));
  }
}

/** All seven steps of Genesis together. */
async function measureGenesis({ contracts: { genesis } }: World, meter: Meter): Promise<void> {
  const created = await genesis.queryFilter(genesis.filters.ContractCreated());
  meter.note(
    "genesis",
    created.map(({ transactionHash }) => transactionHash),
  );
}

async function measureNodes(world: World, meter: Meter): Promise<void> {
  const { registry, usd } = world.contracts;
  const [miner] = world.actors.miners;
  const nodeId = (await registerNode(world, miner)) + 1n;
  const owned = registry.connect(miner);
  await meter.measure("node.register", owned.registerNode(id("V100"), 8n, miner, "ipfs://node"));
  await meter.measure("node.attest.first", attest(world, nodeId, 30n));
  await passVetoWindow(world);
  await attest(world, nodeId, 50n); // stores what counts
  await meter.measure("node.attest", attest(world, nodeId, 60n));
  await meter.measure("node.list.first", owned.setListing(nodeId, usd, USD, UNLIMITED));
  await meter.measure("node.list", owned.setListing(nodeId, usd, 2n * USD, UNLIMITED));
}

async function attest(world: World, nodeId: bigint, days: bigint): Promise<ContractTransactionResponse> {
  const content = { nodeId, validUntil: BigInt(await time.latest()) + days * DAY, evidence: id("benchmark log") };
  const signatures = await signByQuorum(world, "NodeAttestation", content);
  return world.contracts.registry.attestNode(nodeId, content.validUntil, content.evidence, signatures);
}

async function measureReports(world: World, meter: Meter): Promise<void> {
  const { oracle, timelock } = world.contracts;
  await submit(world, id("first root"));
  await meter.measure("report.3of4", submit(world, id("root")));

  const accounts = await ethers.getSigners();
  for (const { quorum, signers } of QUORUMS) {
    const oracleSigners = await byAddress(accounts.slice(0, signers));
    const naming = await oracle.setSigners.populateTransaction(oracleSigners, quorum);
    await asGovernor(timelock, world.actors.admin, naming);
    const renewed = { ...world, actors: { ...world.actors, oracleSigners } };
    await submit(renewed, id(`first root of ${signers}`));
    await meter.measure(`report.${quorum}of${signers}`, submit(renewed, id(`root of ${signers}`)));
  }
}

async function submit(world: World, receiptsRoot: string): Promise<ContractTransactionResponse> {
  const content = { receiptsRoot, dataHash: id("receipt file") };
  const signatures = await signByQuorum(world, "ReceiptBatch", content);
  return world.contracts.oracle.submit(content.receiptsRoot, content.dataHash, signatures);
}

/**
 * By a renter who holds an order already, paid out of an unlimited allowance or by a permit, and in the places of closed
 * orders, save for `open.fresh` and `open.node.first`.
 */
async function measureOrders(world: World, meter: Meter): Promise<void> {
  const { escrow, registry, tft, usd } = world.contracts;
  const { miners, renters } = world.actors;
  const renter = renters[0];
  const unitPrice = { usd: USD, tft: 20n * TFT };
  const nodeId = await listNode(world, miners[0], usd, unitPrice.usd);
  await registry.connect(miners[0]).setListing(nodeId, tft, unitPrice.tft, UNLIMITED);

  const connected = escrow.connect(renter);
  const places = await vacatePlaces(world, PLACES);
  const place = () => places.pop() ?? 0n;
  await meter.measure("open.node.first", connected.openOrder(openParams(usd, renter, { nodeId })));
  await connected.openOrder(openParams(tft, renter, { nodeId, maxUnitPrice: unitPrice.tft }));
  await connected.openOrder(openParams(usd, renter));

  for (const [suffix, asset, maxUnitPrice] of [
    ["", usd, unitPrice.usd],
    [".tft", tft, unitPrice.tft],
  ] as const) {
    const onNode = openParams(asset, renter, { nodeId, maxUnitPrice, reuse: place() });
    const joint = openParams(asset, renter, { maxUnitPrice, reuse: place() });
    await meter.measure(`open.node${suffix}`, connected.openOrder(onNode));
    await meter.measure(`open.joint${suffix}`, connected.openOrder(joint));
    await undone(async () => {
      await asset.connect(renter).approve(escrow, 0n);
      const deadline = BigInt(await time.latest()) + DAY;
      // an account that has used permits before has a nonce above zero
      const earlier = openParams(asset, renter, { nodeId, maxUnitPrice });
      await connected.openOrderWithPermit(earlier, await signPermit(renter, asset, escrow, maxUnitPrice, deadline));
      for (const [kind, params] of [
        ["permit", { ...onNode, reuse: place() }],
        ["joint.permit", { ...joint, reuse: place() }],
      ] as const) {
        const permit = await signPermit(renter, asset, escrow, maxUnitPrice, deadline);
        await meter.measure(`open.${kind}${suffix}`, connected.openOrderWithPermit(params, permit));
      }
    });
  }
  await meter.measure("open.fresh", connected.openOrder(openParams(usd, renter, { nodeId })));
  const card = { nodeId, refundTo: miners[1].address, paymentRef: id("payment"), renter, reuse: place() };
  await meter.measure("open.card", connected.openOrder(openParams(usd, renter, card)));

  const opened = await escrow.queryFilter(escrow.filters.OrderOpened());
  const [stopped, ended] = opened.slice(PLACES).map(({ args }) => args.orderId);
  await meter.measure("stop", connected.stop(stopped));
  await time.increase(DAY + (await escrow.GRACE()) + HOUR);
  await meter.measure("close", escrow.close(ended));
}

/** Resolves to as many closed orders whose places are free. */
async function vacatePlaces({ contracts, actors }: World, count: number): Promise<bigint[]> {
  const { escrow, usd } = contracts;
  const [renter] = actors.renters;
  const all = Array.from({ length: count }, () => openParams(usd, renter, { duration: HOUR }));
  const orderIds = await escrow.connect(renter).openOrders.staticCall(all);
  await escrow.connect(renter).openOrders(all);
  await time.increase(HOUR + (await escrow.GRACE()));
  for (const orderId of orderIds) await escrow.close(orderId);
  return [...orderIds];
}

/** On as many orders as are settled at once, and one more, each on a node of another miner. */
async function measureJobs(world: World, meter: Meter): Promise<void> {
  const jobs = await openJobs(world, 1 + LARGEST_BATCH);
  const parts: [string, (world: World, meter: Meter, jobs: Job[]) => Promise<void>][] = [
    ["openings", measureOpenings],
    ["settlements", measureSettlements],
    ["acknowledgements", measureAcknowledgements],
  ];
  for (const [what, measure] of parts) {
    meter.progress(what);
    await undone(() => measure(world, meter, jobs));
  }
}

/** Orders that are opened at once in the places of closed ones: all on one node, and each on another. */
async function measureOpenings(world: World, meter: Meter, jobs: Job[]): Promise<void> {
  const { escrow, usd } = world.contracts;
  const [renter] = world.actors.renters;
  const places = await vacatePlaces(world, OPENED);
  for (const [name, nodeOf] of [
    [`open.batch.${OPENED}`, () => jobs[0].nodeId],
    [`open.batch.${OPENED}.nodes`, (i: number) => jobs[i].nodeId],
  ] as const) {
    const all = places.map((reuse, i) => openParams(usd, renter, { nodeId: nodeOf(i), reuse }));
    const opening = () => escrow.connect(renter).openOrders(all);
    await undone(() => meter.measure(name, opening()));
  }
}

/**
 * Every receipt is of another order, node and miner, all in dollars. A settlement is fresh when it is the first of the
 * round for each of its miners, who have claimed the weight in whose place it is written; `settle.whole.50.first` is of
 * miners who have never earned. Another miner's has opened the round, save for `settle.opening`, which opens the second.
 */
async function measureSettlements(world: World, meter: Meter, [opener, ...jobs]: Job[]): Promise<void> {
  const { usd } = world.contracts;
  await time.increase(HOUR);
  const measuredAt = BigInt(await time.latest());
  const opening = await ReceiptTree.of([{ ...opener, cumulativeTU: TU / 10n, measuredAt }]);
  const receiptsAt = (cumulativeTU: bigint) => jobs.map((job): Receipt => ({ ...job, cumulativeTU, measuredAt }));
  const [earlier, later] = [receiptsAt(TU / 10n), receiptsAt(TU / 5n)];

  const treesOf = async (size: number) => ({
    size,
    earlier: await ReceiptTree.of(earlier.slice(0, size)),
    later: await ReceiptTree.of(later.slice(0, size)),
  });
  const wholes = await Promise.all(BATCHES.map(treesOf));
  const all = wholes[wholes.length - 1].earlier;
  const trees: { size: number; tree: ReceiptTree }[] = [];
  for (const size of TREES) {
    meter.progress(`a tree of ${size} receipts`);
    trees.push({ size, tree: await ReceiptTree.of([...later, ...others(size - later.length, measuredAt)]) });
  }
  const pairs = wholes.flatMap((whole) => [whole.earlier, whole.later]);
  for (const { root } of [opening, ...pairs, ...trees.map(({ tree }) => tree)]) await submit(world, root);
  await passVetoWindow(world);
  await undone(async () => {
    await startEpoch(world);
    await settle(world, usd, opening);
    const first = wholes.find(({ size }) => size === OPENED);
    if (first !== undefined) await meter.measure(`settle.whole.${OPENED}.first`, settle(world, usd, first.earlier));
  });

  await useWeights(world, jobs);
  await startEpoch(world);
  await settle(world, usd, opening);
  await undone(async () => {
    await startEpoch(world);
    await meter.measure("settle.opening", settle(world, usd, wholes[0].earlier));
  });

  for (const whole of wholes) {
    const fresh = `settle.whole.${whole.size}.fresh`;
    await undone(async () => {
      await meter.measure(fresh, settle(world, usd, whole.earlier));
      await meter.measure(`settle.whole.${whole.size}`, settle(world, usd, whole.later));
    });
  }
  const largest = trees[trees.length - 1].tree;
  for (const batch of BATCHES) {
    const settling = () => settle(world, usd, largest, later.slice(0, batch));
    await undone(() => meter.measure(`settle.part.${batch}.fresh`, settling()));
  }
  await settle(world, usd, all);
  for (const { size, tree } of trees) {
    for (const batch of BATCHES) {
      const settling = () => settle(world, usd, tree, later.slice(0, batch));
      await undone(() => meter.measure(growthId(size, batch), settling()));
    }
  }
}

/** Lets the miners of all jobs earn, claim, and come to the round whose weights are written in the same places. */
async function useWeights(world: World, jobs: Job[]): Promise<void> {
  const { escrow, pool, usd, registry } = world.contracts;
  const delivered = jobs.map(({ orderId }) => ({ orderId, cumulativeTU: TU / 20n, signature: "0x" }));
  await startEpoch(world);
  await escrow.connect(world.actors.renters[0]).settleAcknowledged(usd, delivered);
  const first = await pool.openRound(usd);
  await sellRound(world);
  const ids = [await pool.bucketId(first, usd)];
  for (const { nodeId } of jobs) await pool.claimFor((await registry.node(nodeId)).payout, ids);
  for (let round = first + 1n; round < first + ROUNDS_A_PLACE; ++round) {
    await earn(world, [{ asset: usd, amount: USD, miner: world.actors.miners[1] }]);
    await sellRound(world);
  }
}

/** Ends the open round of dollars, and sells it. */
async function sellRound(world: World): Promise<void> {
  const { pool, controller, usd } = world.contracts;
  await startEpoch(world);
  await time.increase(20n * HOUR);
  const [round, weight] = await pool.closedRound(usd);
  const { bidder } = world.actors;
  await controller.connect(bidder).buy(usd, round, weight, MaxUint256, bidder, "0x");
}

/** As many at once as receipts, each of another order, node and miner, whose weights of the epoch there are already. */
async function measureAcknowledgements(world: World, meter: Meter, all: Job[]): Promise<void> {
  const { escrow, usd } = world.contracts;
  const [renter] = world.actors.renters;
  const domain = await readDomain(escrow);
  const jobs = all.slice(0, LARGEST_BATCH);
  const acknowledge = (cumulativeTU: bigint) =>
    Promise.all(jobs.map(({ orderId }) => ACKNOWLEDGEMENT.sign(renter, domain, { orderId, cumulativeTU })));
  const [earlier, later] = [await acknowledge(TU / 10n), await acknowledge(TU / 5n)];
  await startEpoch(world);
  await escrow.settleAcknowledged(usd, earlier);
  for (const size of BATCHES) {
    const settling = () => escrow.settleAcknowledged(usd, later.slice(0, size));
    await undone(() => meter.measure(`acknowledge.${size}`, settling()));
  }
}

/** Returns the id of the figure of a part of a smaller tree, for the growth table. */
export function growthId(tree: number, batch: number): string {
  return tree === LARGEST_TREE ? `settle.part.${batch}` : `settle.part.${batch}.of${tree}`;
}

async function openJobs(world: World, count: number): Promise<Job[]> {
  const { escrow, registry, usd } = world.contracts;
  const owner = world.actors.miners[0];
  const renter = world.actors.renters[0];
  const owned = registry.connect(owner);

  const nodeIds: bigint[] = [];
  for (let i = 0; i < count; ++i) {
    const args = [id("V100"), 1_024n, getAddress(id(`miner ${i}`).slice(0, 42)), "ipfs://node"] as const;
    const nodeId = await owned.registerNode.staticCall(...args);
    await owned.registerNode(...args);
    await attest(world, nodeId, 60n);
    await owned.setListing(nodeId, usd, USD, UNLIMITED);
    nodeIds.push(nodeId);
  }
  await passVetoWindow(world);

  const jobs: Job[] = [];
  for (const nodeId of nodeIds) {
    const params = openParams(usd, renter, { nodeId, duration: 30n * DAY });
    const orderId = await escrow.connect(renter).openOrder.staticCall(params);
    await escrow.connect(renter).openOrder(params);
    jobs.push({ orderId, nodeId });
  }
  return jobs;
}

/** Receipts of other orders that fill up a tree. */
function others(count: number, measuredAt: bigint): Receipt[] {
  const base = 1n << 39n;
  return Array.from({ length: count }, (_, i) => ({
    orderId: base + BigInt(i),
    nodeId: base + BigInt(i),
    cumulativeTU: TU,
    measuredAt,
  }));
}

/** Measures the claims of a miner who is not the only one of the round; steady once they hold some TFT. */
async function measureClaims(world: World, meter: Meter): Promise<void> {
  const { tft, pool, controller } = world.contracts;
  const { miners, treasury } = world.actors;
  const [miner, other] = miners;

  const ids: bigint[] = [];
  for (let i = 0; i < LARGEST_CLAIM; ++i) {
    const amount = 100n * TFT;
    const round = await earn(
      world,
      [miner, other].map((each) => ({ asset: tft, amount, miner: each })),
    );
    await startEpoch(world);
    await controller.burn(round);
    ids.push(await pool.bucketId(round, tft));
  }

  const claimAll = async (suffix: string) => {
    for (const count of CLAIMS) {
      const claiming = () => pool.connect(miner).claim(ids.slice(0, count), miner);
      await undone(() => meter.measure(`claim.${count}${suffix}`, claiming()));
    }
  };
  await claimAll(".first");
  await tft.connect(treasury).transfer(miner, 1n);
  await claimAll("");
}

/**
 * The second lot and later ones, each of 1,000 dollars; later in the auction, where the price is near the market's. The
 * one that is written off is half sold.
 */
async function measureBuybacks(world: World, meter: Meter): Promise<void> {
  const { controller, usd } = world.contracts;
  const { bidder } = world.actors;
  const amount = 1_000n * USD;
  const buying = controller.connect(bidder);
  const offer = async () => {
    const round = await earn(world, [{ asset: usd, amount, miner: world.actors.miners[0] }]);
    await startEpoch(world);
    await time.increase(20n * HOUR);
    return round;
  };
  const buy = (round: bigint, part: bigint) => buying.buy(usd, round, part, MaxUint256, bidder, "0x");

  await buy(await offer(), amount);
  await meter.measure("buy.lot", buy(await offer(), amount));

  const shared = await offer();
  await meter.measure("buy.part", buy(shared, amount / 2n));
  await meter.measure("buy.rest", buy(shared, amount / 2n));

  const filled = await offer();
  await meter.measure("buy.filler", world.filler.fill(usd, filled, amount, POOL_FEE, 0n));

  const fillerV4 = await createFillerV4(world);
  const fillV4 = (part: bigint, round: bigint) =>
    fillerV4.fill(usd, round, part, POOL_FEE, TICK_SPACING, ZeroAddress, 0n, bidder);
  await meter.measure("buy.fillerV4", fillV4(amount, await offer()));
  const split = await offer();
  await meter.measure("buy.fillerV4.part", fillV4(amount / 2n, split));
  await meter.measure("buy.fillerV4.rest", fillV4(amount / 2n, split));

  const stuck = await offer();
  await buy(stuck, amount / 2n);
  await time.increase(WRITE_OFF_PERIODS * (await controller.AUCTION_PERIOD()));
  await meter.measure("writeOff", controller.writeOff(usd, stuck));
}

/** With no round waiting behind the one that is burned, save for `burn.queued`. */
async function measureBurning(world: World, meter: Meter): Promise<void> {
  const { controller, tft, vault } = world.contracts;
  const burn = async (name: string | undefined, amount: bigint) => {
    const round = await earnTFT(world, amount);
    await startEpoch(world);
    if (name === undefined) await controller.burn(round);
    else await meter.measure(name, controller.burn(round));
  };
  const some = 100n * TFT;

  await burn("burn.first", some);
  await burn("burn.phase1", some);
  await undone(() => meter.measure("operations.pay", vault.payOperations()));
  const [queued, next] = [await earnTFT(world, some), await earnTFT(world, some)];
  await meter.measure("burn.queued", controller.burn(queued));
  await startEpoch(world);
  await controller.burn(next);

  await burnUpTo(world, PRODUCTION_MINING_END - some);
  await burn("burn.boundary1", 3n * some);
  await burn("burn.phase2", some);
  await burnUpTo(world, BURNING_END - some);
  await burn("burn.boundary2", 4n * some);
  await burn("burn.mature", some);
  if ((await tft.burned()) !== BURNING_END) throw new Error(`${await tft.burned()} are burned, not ${BURNING_END}`);
}

function earnTFT(world: World, amount: bigint): Promise<bigint> {
  return earn(world, [{ asset: world.contracts.tft, amount, miner: world.actors.miners[0] }]);
}
