import { getAddress, ZeroAddress } from "ethers";

import type { ComputeEscrow } from "../bindings/index.js";
import type { SystemContracts } from "./contracts.js";
import { type LogRange, readEvents, timelockWitness } from "./logs.js";
import { NodeError } from "./nodeError.js";

/** What a node has delivered on an order and earned by it. */
export interface Delivery {
  nodeId: bigint;
  /** TU settled, 18 decimals. */
  tu: bigint;
  /** Base units of the order's asset. */
  earned: bigint;
  /** Base units of them that were earned by acknowledgements, which no signer has checked. */
  acknowledged: bigint;
}

/** An order as the chain's events tell it, open or closed. */
export interface OrderRecord {
  orderId: bigint;
  /** Block and log in which it was opened. */
  block: number;
  logIndex: number;
  /** 0 for a joint order. */
  nodeId: bigint;
  asset: string;
  payer: string;
  /** Who holds it, or held it last. */
  holder: string;
  /** Who is refunded; zero for whoever holds it. */
  refundTo: string;
  /** TU bought, 18 decimals. */
  tuAmount: bigint;
  /** Base units of the asset per whole TU. */
  unitPrice: bigint;
  /** Base units of the asset. */
  deposit: bigint;
  /** Unix seconds. */
  endsAt: bigint;
  deliveries: Delivery[];
  /** Base units of the asset that came back when it was closed; undefined while it is open. */
  refund?: bigint;
}

/** Orders to read: all, those that are named, that an account has paid for or ever held, or that nodes have worked on. */
export type OrderSelection =
  "all" | { orderIds: readonly bigint[] } | { account: string } | { nodeIds: readonly bigint[] };

/** Thrown when a node's logs do not add up to what the contracts hold, so that some are missing. */
export class InconsistentLogsError extends NodeError {
  constructor(
    readonly what: string,
    readonly actual: bigint,
    readonly byLogs: bigint,
    readonly block: number,
  ) {
    super(
      (node, url) =>
        `${node} lacks logs until block ${block}: ${what} is ${actual}, its logs make it ${byLogs}: check ${url}, wait ` +
        "until it has indexed them, or use another",
    );
  }
}

/** The most ids that a node is asked for by name; of more, all orders are read. */
const MOST_NAMED = 100;

/**
 * Reads orders by their events, the earliest first. Of all orders, checks that what is left of their deposits is what the
 * escrow owes.
 * @throws IncompleteLogsError, NoContractError, NodeBehindError, InconsistentLogsError
 */
export async function readOrders(
  contracts: SystemContracts,
  range: LogRange,
  selection: OrderSelection = "all",
): Promise<OrderRecord[]> {
  const { escrow } = contracts;
  const to = range.to ?? (await range.provider.getBlockNumber());
  const ids = await idsOf(contracts, { ...range, to }, selection);
  if (ids?.size === 0) return [];

  const named = ids !== undefined && ids.size <= MOST_NAMED ? [...ids] : undefined;
  const byId = named && [named];
  const [listed, opened, transfers, stopped, receipts, acknowledgements, closed] = await readEvents(
    { ...range, to },
    await timelockWitness(contracts.timelock),
    { contract: escrow, event: escrow.filters.AssetListed },
    { contract: escrow, event: escrow.filters.OrderOpened, args: byId },
    { contract: escrow, event: escrow.filters.Transfer, args: named && [null, null, named] },
    { contract: escrow, event: escrow.filters.OrderStopped, args: byId },
    { contract: escrow, event: escrow.filters.ReceiptSettled, args: byId },
    { contract: escrow, event: escrow.filters.AcknowledgementSettled, args: byId },
    { contract: escrow, event: escrow.filters.OrderClosed, args: byId },
  );
  const orders = new Map<bigint, OrderRecord>();
  for (const { args, blockNumber: block, index: logIndex } of opened) {
    const { orderId, nodeId, asset, payer, refundTo, tuAmount, unitPrice, deposit, endsAt } = args;
    const terms = { orderId, nodeId, asset, payer, refundTo, tuAmount, unitPrice, deposit, endsAt };
    orders.set(orderId, { ...terms, block, logIndex, holder: payer, deliveries: [] });
  }
  for (const { args } of transfers) {
    const order = orders.get(args.tokenId);
    // that of a closed order is burnt
    if (order !== undefined && args.to !== ZeroAddress) order.holder = args.to;
  }
  for (const { args } of stopped) {
    const order = orders.get(args.orderId);
    if (order !== undefined) order.endsAt = args.endsAt;
  }
  for (const { args } of receipts) settle(orders.get(args.orderId), args, 0n);
  for (const { args } of acknowledgements) settle(orders.get(args.orderId), args, args.earned);
  for (const { args } of closed) {
    const order = orders.get(args.orderId);
    if (order !== undefined) order.refund = args.refund;
  }
  const all = [...orders.values()];
  if (selection === "all") {
    const owed = new Map(listed.map(({ args }) => [args.asset, 0n]));
    await checkLiabilities(escrow, owed, all, to);
  }
  return ids === undefined ? all : all.filter(({ orderId }) => ids.has(orderId));
}

/** Returns the base units of its asset that an order has paid to all nodes. */
export function spentOn({ deliveries }: OrderRecord): bigint {
  return deliveries.reduce((sum, { earned }) => sum + earned, 0n);
}

/** Returns the TU, 18 decimals, that all nodes have delivered on an order. */
export function deliveredOn({ deliveries }: OrderRecord): bigint {
  return deliveries.reduce((sum, { tu }) => sum + tu, 0n);
}

function settle(
  order: OrderRecord | undefined,
  { nodeId, tuSettled, earned }: { nodeId: bigint; tuSettled: bigint; earned: bigint },
  acknowledged: bigint,
): void {
  if (order === undefined) return;
  const known = order.deliveries.find((each) => each.nodeId === nodeId);
  const delivery = known ?? { nodeId, tu: 0n, earned: 0n, acknowledged: 0n };
  if (known === undefined) order.deliveries.push(delivery);
  // receipts and acknowledgements are read one kind after the other, and TU never fall
  if (tuSettled > delivery.tu) delivery.tu = tuSettled;
  delivery.earned += earned;
  delivery.acknowledged += acknowledged;
}

/** Returns the ids of the orders that are selected; undefined for all. */
async function idsOf(
  { escrow, timelock }: SystemContracts,
  range: LogRange,
  selection: OrderSelection,
): Promise<Set<bigint> | undefined> {
  if (selection === "all") return undefined;
  if ("orderIds" in selection) return new Set(selection.orderIds);
  const witness = await timelockWitness(timelock);
  const { OrderOpened, Transfer, ReceiptSettled } = escrow.filters;
  if ("account" in selection) {
    const account = getAddress(selection.account);
    const [paid, received] = await readEvents(
      range,
      witness,
      { contract: escrow, event: OrderOpened, args: [null, null, account] },
      { contract: escrow, event: Transfer, args: [null, account] },
    );
    return new Set([...paid.map(({ args }) => args.orderId), ...received.map(({ args }) => args.tokenId)]);
  }
  const args = [null, selection.nodeIds];
  const [own, joint] = await readEvents(
    range,
    witness,
    { contract: escrow, event: OrderOpened, args },
    { contract: escrow, event: ReceiptSettled, args },
  );
  return new Set([...own, ...joint].map((log) => log.args.orderId));
}

/** @param owed every asset that was ever listed, with 0 */
async function checkLiabilities(
  escrow: ComputeEscrow,
  owed: Map<string, bigint>,
  orders: readonly OrderRecord[],
  block: number,
): Promise<void> {
  for (const order of orders) {
    const left = order.refund === undefined ? order.deposit - spentOn(order) : 0n;
    owed.set(order.asset, (owed.get(order.asset) ?? 0n) + left);
  }
  for (const [asset, byLogs] of owed) {
    const actual = await escrow.liabilities(asset, { blockTag: block });
    if (actual !== byLogs) throw new InconsistentLogsError(`what the escrow owes of ${asset}`, actual, byLogs, block);
  }
}
