import type { Block } from "ethers";

import { cardOfModel } from "../tu/drivers.js";
import { pricePerGpuHour } from "../tu/rating.js";
import { type Standing, standingOf } from "../settlement.js";
import type { SystemContracts } from "./contracts.js";
import { type LogRange, readEvents, timelockWitness } from "./logs.js";
import { type OrderRecord, readOrders } from "./orders.js";

/** What a node offers in one asset that new orders may be paid in. */
export interface Offer {
  asset: string;
  /** Base units of the asset per whole TU. */
  unitPrice: bigint;
  /** Base units of the asset per hour of one GPU, rounded up. */
  gpuHourPrice: bigint;
  /** TU that can still be ordered, 18 decimals. */
  capacityTU: bigint;
}

/** What became of the orders that were opened on a node alone. */
export interface OrderHistory {
  open: number;
  closed: number;
  /** TU that the closed ones have bought, and those of them that were delivered, 18 decimals. */
  boughtTU: bigint;
  deliveredTU: bigint;
}

/** A node as a renter looks at it. */
export interface MarketNode {
  nodeId: bigint;
  owner: string;
  /** Hash of the model's name, and its name if it is known. */
  gpuModel: string;
  gpu?: string;
  gpuCount: bigint;
  /** TU per day of one GPU, and of all of the node's, 18 decimals. */
  rating: bigint;
  ratePerDay: bigint;
  standing: Standing;
  /** The attestation in force, or else the pending one, or else the last; unix seconds, 0 if there was none. */
  attestedFrom: bigint;
  attestedUntil: bigint;
  offers: Offer[];
  history: OrderHistory;
}

/** All nodes, as of a block. */
export interface Market {
  block: number;
  /** Unix seconds. */
  time: bigint;
  nodes: MarketNode[];
}

/** Nodes of one call. */
const MOST_NODES = 500;

const UINT40 = 2n ** 40n - 1n;

/**
 * Reads every node with what it offers, by events and by the registry's word on ratings and attestations.
 * @throws IncompleteLogsError, NoContractError, NodeBehindError, InconsistentLogsError
 */
export async function readMarket(contracts: SystemContracts, range: LogRange): Promise<Market> {
  const { registry, timelock } = contracts;
  const { number: block, timestamp } = (await range.provider.getBlock(range.to ?? "latest")) as Block;
  const time = BigInt(timestamp);
  const until = { ...range, to: block };
  const [registered, transferred, listed, attested] = await readEvents(
    until,
    await timelockWitness(timelock),
    { contract: registry, event: registry.filters.NodeRegistered },
    { contract: registry, event: registry.filters.NodeTransferred },
    { contract: registry, event: registry.filters.ListingSet },
    { contract: registry, event: registry.filters.NodeAttested },
  );
  const owners = new Map(transferred.map(({ args }) => [args.nodeId, args.newOwner]));
  const orders = await readOrders(contracts, until);
  const offers = await offersOf(contracts, listed, orders, block);
  const histories = historiesOf(orders);
  const awaited = new Set(attested.filter(({ args }) => args.attestedFrom > time).map(({ args }) => args.nodeId));

  const nodes: MarketNode[] = [];
  for (let i = 0; i < registered.length; i += MOST_NODES) {
    const some = registered.slice(i, i + MOST_NODES).map(({ args }) => args);
    const ids = some.map(({ nodeId }) => nodeId);
    const words = await registry.standings(ids, { blockTag: block });
    for (const [j, { nodeId, owner, gpuModel, gpuCount }] of some.entries()) {
      const [word, ratePerDay] = words.slice(2 * j);
      const rating = ratePerDay / gpuCount;
      nodes.push({
        ...{ nodeId, owner: owners.get(nodeId) ?? owner, gpuModel, gpu: cardOfModel(gpuModel), gpuCount },
        ...{ rating, ratePerDay, ...attestationOf((word >> 160n) & UINT40, word >> 200n, time) },
        offers: (offers.get(nodeId) ?? []).map((offer) => {
          return { ...offer, gpuHourPrice: pricePerGpuHour(offer.unitPrice, rating) };
        }),
        history: histories.get(nodeId) ?? { open: 0, closed: 0, boughtTU: 0n, deliveredTU: 0n },
      });
    }
  }
  for (const node of nodes.filter(({ nodeId, standing }) => standing === "unattested" && awaited.has(nodeId))) {
    const { from, until: end } = await registry.pendingAttestation(node.nodeId, { blockTag: block });
    // what a veto, a freeze or a rotation has undone is pending no more
    if (from > 0n) Object.assign(node, attestationOf(from, end, time));
  }
  return { block, time, nodes };
}

function attestationOf(attestedFrom: bigint, attestedUntil: bigint, time: bigint) {
  return { standing: standingOf(attestedFrom, attestedUntil, time), attestedFrom, attestedUntil };
}

interface Listing {
  nodeId: bigint;
  asset: string;
  unitPrice: bigint;
  capacityTU: bigint;
}

/** Returns what each node offers: each listing as it was set last, less what orders have taken since. */
async function offersOf(
  { escrow }: SystemContracts,
  listed: readonly { blockNumber: number; index: number; args: Listing }[],
  orders: readonly OrderRecord[],
  blockTag: number,
): Promise<Map<bigint, Omit<Offer, "gpuHourPrice">[]>> {
  const last = new Map(listed.map((log) => [`${log.args.nodeId} ${log.args.asset}`, log]));
  const taken = new Map<string, bigint>();
  for (const { nodeId, asset, tuAmount, block, logIndex } of orders) {
    const key = `${nodeId} ${asset}`;
    const set = last.get(key);
    const isLater = set !== undefined && (block - set.blockNumber || logIndex - set.index) > 0;
    if (isLater) taken.set(key, (taken.get(key) ?? 0n) + tuAmount);
  }
  const isListed = new Map<string, boolean>();
  const offers = new Map<bigint, Omit<Offer, "gpuHourPrice">[]>();
  for (const [key, { args }] of last) {
    const { nodeId, asset, unitPrice } = args;
    if (unitPrice === 0n) continue;
    if (!isListed.has(asset)) isListed.set(asset, await escrow.isListed(asset, { blockTag }));
    if (isListed.get(asset) !== true) continue;
    const offer = { asset, unitPrice, capacityTU: args.capacityTU - (taken.get(key) ?? 0n) };
    offers.set(nodeId, [...(offers.get(nodeId) ?? []), offer]);
  }
  return offers;
}

function historiesOf(orders: readonly OrderRecord[]): Map<bigint, OrderHistory> {
  const histories = new Map<bigint, OrderHistory>();
  for (const { nodeId, refund, tuAmount, deliveries } of orders) {
    const history = histories.get(nodeId) ?? { open: 0, closed: 0, boughtTU: 0n, deliveredTU: 0n };
    histories.set(nodeId, history);
    if (refund === undefined) {
      ++history.open;
      continue;
    }
    ++history.closed;
    history.boughtTU += tuAmount;
    history.deliveredTU += deliveries.reduce((sum, { tu }) => sum + tu, 0n);
  }
  return histories;
}
