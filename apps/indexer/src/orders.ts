import { plainSymbol, SkipReason } from "@turingfog/sdk";
import type { Context } from "ponder:registry";
import { asset, listing, node, order, orderNode, orderTransfer, settlement, skip } from "ponder:schema";
import { CallExecutionError, ContractFunctionExecutionError, erc20Abi, zeroAddress, zeroHash } from "viem";

import { settled } from "./calls";
import { on, originOf, type Placed } from "./record";

/** An order of which nothing but its token is known yet. */
const UNOPENED = {
  status: "open",
  nodeId: 0n,
  payer: zeroAddress,
  asset: zeroAddress,
  tuAmount: 0n,
  unitPrice: 0n,
  deposit: 0n,
  tuSettled: 0n,
  earned: 0n,
  startedAt: 0n,
  endsAt: 0n,
  refundTo: zeroAddress,
  jobHash: zeroHash,
  paymentRef: zeroHash,
  transfers: 0,
} as const;

/** Asks a token what it calls itself; null if it does not say. */
async function symbolOf({ client }: Context, address: `0x${string}`): Promise<string | null> {
  try {
    const symbol = await client.readContract({ abi: erc20Abi, address, functionName: "symbol" });
    return plainSymbol(symbol) || null;
  } catch (error) {
    // a call that failed tells nothing of the token
    if (error instanceof ContractFunctionExecutionError && !(error.cause instanceof CallExecutionError)) return null;
    throw error;
  }
}

on("escrow:AssetListed", async ({ event, context }) => {
  const { db } = context;
  const { asset: address, index } = event.args;
  const origin = originOf(event);
  const accounts = { paidIn: 0n, earned: 0n, refunded: 0n, liabilities: 0n, orders: 0, openOrders: 0, latestRound: 0n };
  // TFT alone has no auction, which tells the decimals of all others
  const unknown = { decimals: 18, referencePrice: null };
  await db
    .insert(asset)
    .values({
      address,
      index: Number(index),
      isListed: true,
      symbol: await symbolOf(context, address),
      ...unknown,
      ...accounts,
      ...origin,
    })
    .onConflictDoUpdate({ isListed: true, ...origin });
});

on("escrow:AssetDelisted", async ({ event, context: { db } }) => {
  await db.update(asset, { address: event.args.asset }).set({ isListed: false, ...originOf(event) });
});

/* OPENING */

// The token is minted before its order is opened, and nothing is built on that.
on("escrow:Transfer", async ({ event, context: { db } }) => {
  const { from, to, tokenId } = event.args;
  const origin = originOf(event);
  await db.insert(orderTransfer).values({ id: event.id, orderId: tokenId, from, to, ...origin });

  const isMint = from === zeroAddress;
  if (isMint) {
    await db
      .insert(order)
      .values({ ...UNOPENED, id: tokenId, renter: to, holder: to, ...origin })
      .onConflictDoUpdate({ renter: to, holder: to });
  } else if (to !== zeroAddress) {
    await db
      .update(order, { id: tokenId })
      .set(({ transfers }) => ({ holder: to, transfers: transfers + 1, ...origin }));
  }
});

on("escrow:OrderOpened", async ({ event, context }) => {
  const { db } = context;
  const { orderId: id, ...rest } = event.args;
  const { nodeId, asset: address, tuAmount, deposit } = rest;
  const origin = originOf(event);
  const terms = { ...rest, endsAt: BigInt(rest.endsAt), startedAt: origin.time, ...origin };
  await db
    .insert(order)
    .values({ ...UNOPENED, id, renter: zeroAddress, holder: zeroAddress, ...terms })
    .onConflictDoUpdate(terms);
  await db.update(asset, { address }).set((row) => ({
    paidIn: row.paidIn + deposit,
    liabilities: row.liabilities + deposit,
    orders: row.orders + 1,
    openOrders: row.openOrders + 1,
    ...origin,
  }));
  if (nodeId === 0n) return;

  await db.update(node, { id: nodeId }).set(({ orders }) => ({ orders: orders + 1, ...origin }));
  await db
    .update(listing, { nodeId, asset: address })
    .set(({ capacityTU }) => ({ capacityTU: capacityTU - tuAmount, ...origin }));
});

/* SETTLING */

on("escrow:ReceiptSettled", async ({ event, context }) => settle("receipt", event, context));

on("escrow:AcknowledgementSettled", async ({ event, context }) => settle("acknowledgement", event, context));

interface Settled extends Placed {
  args: { orderId: bigint; nodeId: bigint; payout: `0x${string}`; tuSettled: bigint; earned: bigint };
}

async function settle(kind: "receipt" | "acknowledgement", event: Settled, { db }: Context): Promise<void> {
  const { orderId, nodeId, payout, tuSettled, earned } = event.args;
  const origin = originOf(event);
  const before = await db.find(orderNode, { orderId, nodeId });
  const delivered = tuSettled - (before?.tuSettled ?? 0n);
  await db
    .insert(orderNode)
    .values({ orderId, nodeId, tuSettled, earned, ...origin })
    .onConflictDoUpdate((row) => ({ tuSettled, earned: row.earned + earned, ...origin }));
  const { asset: address } = await db.update(order, { id: orderId }).set((row) => ({
    tuSettled: row.tuSettled + delivered,
    earned: row.earned + earned,
    lastSettledAt: origin.time,
    ...origin,
  }));
  await db.update(node, { id: nodeId }).set((row) => ({ tuSettled: row.tuSettled + delivered, ...origin }));
  await db.update(asset, { address }).set((row) => ({
    earned: row.earned + earned,
    liabilities: row.liabilities - earned,
    ...origin,
  }));
  await db
    .insert(settlement)
    .values({ id: event.id, kind, ...{ orderId, nodeId, asset: address, payout, tuSettled, earned }, ...origin });
  settled(event, { id: event.id, asset: address, payout, earned });
}

on("escrow:ReceiptSkipped", async ({ event, context: { db } }) => {
  const { orderId, nodeId, reason } = event.args;
  const named = { reason, reasonName: SkipReason[reason] };
  await db.insert(skip).values({ id: event.id, kind: "receipt", orderId, nodeId, ...named, ...originOf(event) });
});

on("escrow:AcknowledgementSkipped", async ({ event, context: { db } }) => {
  const { orderId, reason } = event.args;
  const named = { reason, reasonName: SkipReason[reason] };
  await db.insert(skip).values({ id: event.id, kind: "acknowledgement", orderId, ...named, ...originOf(event) });
});

/* CLOSING */

on("escrow:OrderStopped", async ({ event, context: { db } }) => {
  const { orderId: id, endsAt } = event.args;
  const origin = originOf(event);
  await db.update(order, { id }).set({ endsAt, stoppedAt: origin.time, ...origin });
});

on("escrow:OrderClosed", async ({ event, context: { db } }) => {
  const { orderId: id, refundedTo, refund } = event.args;
  const origin = originOf(event);
  const { asset: address } = await db
    .update(order, { id })
    .set({ status: "closed", closedAt: origin.time, refundedTo, refund, ...origin });
  await db.update(asset, { address }).set((row) => ({
    refunded: row.refunded + refund,
    liabilities: row.liabilities - refund,
    openOrders: row.openOrders - 1,
    ...origin,
  }));
});
