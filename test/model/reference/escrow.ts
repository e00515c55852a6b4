import { ZeroAddress, ZeroHash } from "ethers";

import { ceilDiv, max, min } from "@turingfog/sdk";
import type { Receipt } from "@turingfog/sdk/wire";
import { createAuction } from "./controller";
import { finalSubmission, frozenUntil, isFrozen } from "./oracle";
import { addWeights } from "./pool";
import { isAttested, ratePerDay, reserve } from "./registry";
import { transfer, transferFrom } from "./token";
import { DAY, HOUR, TU } from "./units";
import { known, refuseIf, sum, type Address, type Order, type World } from "./world";

/** The ComputeEscrow: protocol.md, 3.8, in version 1. Amounts in base units of the order's asset, TU with 18 decimals. */

const MIN_DURATION = HOUR;
const MAX_DURATION = 366n * DAY;
/** Vetoes and rotations later than this after an order's end hold its closing up no further. */
const HOLD_REACH = 7n * DAY;

export enum Skip {
  OtherAsset,
  UnknownOrder,
  WrongNode,
  BeforeStart,
  AfterSubmission,
  NotAttested,
  NothingNew,
  AfterEnd,
  JointOrder,
  NotAcknowledged,
}

export interface OpenTerms {
  nodeId: bigint;
  asset: Address;
  tuAmount: bigint;
  maxUnitPrice: bigint;
  duration: bigint;
  renter: Address;
  refundTo: Address;
  jobHash: string;
  paymentRef: string;
}

/** The highest deposit of such an order, for which permits are. */
export function highestDeposit({ tuAmount, maxUnitPrice }: OpenTerms): bigint {
  return ceilDiv(tuAmount * maxUnitPrice, TU);
}

/** @param orderId what the escrow has given out: index of the asset << 40 | a serial that is new */
export function openOrder(world: World, payer: Address, orderId: bigint, terms: OpenTerms): void {
  pull(world, payer, terms.asset, recordOrder(world, payer, orderId, terms));
}

/** @param orderIdAt the id that the escrow has given to the order at a place of the list */
export function openOrders(
  world: World,
  payer: Address,
  orderIdAt: (place: number) => bigint,
  all: readonly OpenTerms[],
): void {
  refuseIf(all.length === 0, "escrow", "Escrow_NoOrders");
  const [{ asset }] = all;
  const deposits = all.map((terms, place) => {
    refuseIf(terms.asset !== asset, "escrow", "Escrow_AssetsDiffer", terms.asset, asset);
    return recordOrder(world, payer, orderIdAt(place), terms);
  });
  pull(world, payer, asset, sum(deposits));
}

function pull(world: World, payer: Address, asset: Address, amount: bigint): void {
  const { escrow } = world.setting.addresses;
  transferFrom(world, asset, escrow, payer, escrow, amount);
}

/** Returns the deposit. */
function recordOrder(world: World, payer: Address, orderId: bigint, terms: OpenTerms): bigint {
  const { state } = world;
  const { nodeId, asset, tuAmount, maxUnitPrice, duration, renter, refundTo, jobHash, paymentRef } = terms;
  const { escrow } = world.setting.addresses;
  refuseIf(!isListed(world, asset), "escrow", "Escrow_AssetNotListed", asset);
  refuseIf(isFrozen(world), "escrow", "Escrow_Frozen", frozenUntil(world));
  const isInBounds = MIN_DURATION <= duration && duration <= MAX_DURATION;
  refuseIf(!isInBounds, "escrow", "Escrow_DurationOutOfBounds", duration, MIN_DURATION, MAX_DURATION);
  const unitPrice = nodeId === 0n ? maxUnitPrice : reserve(world, nodeId, asset, tuAmount);
  refuseIf(unitPrice > maxUnitPrice, "escrow", "Escrow_PriceAboveMax", unitPrice, maxUnitPrice);
  const deposit = ceilDiv(tuAmount * unitPrice, TU);
  refuseIf(deposit >= 2n ** 128n, "escrow", "SafeCastOverflowedUintDowncast", 128n, deposit);
  refuseIf(deposit === 0n, "escrow", "Escrow_ZeroDeposit");
  refuseIf(isPaymentRefUsed(world, payer, paymentRef), "escrow", "Escrow_PaymentRefUsed", payer, paymentRef);
  refuseIf(refundTo === escrow, "escrow", "Escrow_InvalidRefundTo", refundTo);
  refuseIf(renter === ZeroAddress || renter === escrow, "escrow", "ERC721InvalidReceiver", renter);
  checkFreshId(world, orderId, asset);

  const endsAt = world.now + duration;
  state.orders.set(orderId, {
    ...{ nodeId, asset, unitPrice, tuAmount, refundTo },
    ...{ startedAt: world.now, endsAt, holder: renter, approved: ZeroAddress, isOpen: true, deliveries: [] },
  });
  if (paymentRef !== ZeroHash) state.paymentRefs.push({ payer, ref: paymentRef });
  const money: [Address, bigint, bigint, bigint] = [asset, tuAmount, unitPrice, deposit];
  world.emit("escrow", "OrderOpened", orderId, nodeId, payer, ...money, endsAt, refundTo, jobHash, paymentRef);
  return deposit;
}

function checkFreshId(world: World, orderId: bigint, asset: Address): void {
  const isOfAsset = BigInt.asUintN(16, orderId >> 16n) === known(world.state.assets, asset).index;
  if (!isOfAsset || world.state.orders.has(orderId))
    throw new Error(`Order id ${orderId} is not new, or not the asset's`);
}

/** @param isProven whether the receipts are leaves of the root's tree and come with a proof of it */
export function settle(
  world: World,
  asset: Address,
  root: string,
  receipts: readonly Receipt[],
  isProven: boolean,
): void {
  refuseIf(receipts.length === 0, "escrow", "Escrow_NoReceipts");
  const submittedAt = finalSubmission(world, root);
  refuseIf(!isProven, "escrow", "Escrow_InvalidProof", root);

  const earnings: MinerEarning[] = [];
  for (const receipt of receipts) {
    const { orderId, nodeId } = receipt;
    const result = settleReceipt(world, asset, receipt, submittedAt);
    if (typeof result !== "object") {
      world.emit("escrow", "ReceiptSkipped", orderId, nodeId, BigInt(result));
      continue;
    }
    const miner = known(world.state.nodes, nodeId).payout;
    world.emit("escrow", "ReceiptSettled", orderId, nodeId, miner, result.tu, result.earned);
    earnings.push({ miner, amount: result.earned });
  }
  payOut(world, asset, earnings);
}

interface MinerEarning {
  miner: Address;
  amount: bigint;
}

function payOut(world: World, asset: Address, earnings: MinerEarning[]): void {
  const total = sum(earnings.map(({ amount }) => amount));
  if (total === 0n) return;
  addWeights(world, asset, earnings);
  transfer(world, asset, world.setting.addresses.escrow, world.setting.addresses.controller, total);
}

/** The TU that the receipt's node has settled from now on and what is newly earned, or why the receipt is skipped. */
function settleReceipt(
  world: World,
  asset: Address,
  { orderId, nodeId, cumulativeTU, measuredAt }: Receipt,
  submittedAt: bigint,
): { tu: bigint; earned: bigint } | Skip {
  const order = world.state.orders.get(orderId);
  // an order's id tells its asset, even when there is no such order
  if (BigInt.asUintN(16, orderId >> 16n) !== (world.state.assets.get(asset)?.index ?? 0n)) return Skip.OtherAsset;
  if (order?.isOpen !== true) return Skip.UnknownOrder;
  if (order.nodeId !== 0n && order.nodeId !== nodeId) return Skip.WrongNode;
  if (measuredAt < order.startedAt) return Skip.BeforeStart;
  if (measuredAt > submittedAt) return Skip.AfterSubmission;
  if (measuredAt > order.endsAt) return Skip.AfterEnd;
  const wasThereAtStart = order.nodeId !== 0n || isAttested(world, nodeId, order.startedAt);
  if (!wasThereAtStart || !isAttested(world, nodeId, measuredAt)) return Skip.NotAttested;

  const attainable = attainableTU(ratePerDay(world, nodeId), measuredAt - order.startedAt);
  const before = settledTU(order, nodeId);
  const byOthers = tuSettled(order) - before;
  const tu = min(cumulativeTU, min(attainable, order.tuAmount - byOthers));
  if (tu <= before) return Skip.NothingNew;

  const earnedBefore = earned(order);
  order.deliveries.push({ nodeId, tu });
  return { tu, earned: earned(order) - earnedBefore };
}

/** An acknowledgement, and whose key has signed exactly that: null when none has. Without a signature the caller counts. */
export interface Acknowledged {
  orderId: bigint;
  cumulativeTU: bigint;
  signer: Address | null;
  isSigned: boolean;
}

export function settleAcknowledged(
  world: World,
  caller: Address,
  asset: Address,
  acknowledgements: readonly Acknowledged[],
): void {
  refuseIf(acknowledgements.length === 0, "escrow", "Escrow_NoAcknowledgements");
  const earnings: MinerEarning[] = [];
  for (const acknowledgement of acknowledgements) {
    const { orderId } = acknowledgement;
    const result = settleAcknowledgement(world, caller, asset, acknowledgement);
    if (typeof result !== "object") {
      world.emit("escrow", "AcknowledgementSkipped", orderId, BigInt(result));
      continue;
    }
    const { nodeId } = known(world.state.orders, orderId);
    const miner = known(world.state.nodes, nodeId).payout;
    world.emit("escrow", "AcknowledgementSettled", orderId, nodeId, miner, result.tu, result.earned);
    earnings.push({ miner, amount: result.earned });
  }
  payOut(world, asset, earnings);
}

function settleAcknowledgement(
  world: World,
  caller: Address,
  asset: Address,
  { orderId, cumulativeTU, signer, isSigned }: Acknowledged,
): { tu: bigint; earned: bigint } | Skip {
  const order = world.state.orders.get(orderId);
  if (BigInt.asUintN(16, orderId >> 16n) !== (world.state.assets.get(asset)?.index ?? 0n)) return Skip.OtherAsset;
  if (order?.isOpen !== true) return Skip.UnknownOrder;
  if (order.nodeId === 0n) return Skip.JointOrder;
  const refundee = refundeeOf(order);
  if ((isSigned ? signer : caller) !== refundee) return Skip.NotAcknowledged;

  const tu = min(cumulativeTU, order.tuAmount);
  if (tu <= tuSettled(order)) return Skip.NothingNew;
  const earnedBefore = earned(order);
  order.deliveries.push({ nodeId: order.nodeId, tu });
  return { tu, earned: earned(order) - earnedBefore };
}

/** Who would be refunded. */
export function refundeeOf({ refundTo, holder }: Order): Address {
  return refundTo === ZeroAddress ? holder : refundTo;
}

/** Returns the most TU that a node is paid for: 1.1 · ratePerDay · seconds / day. */
export function attainableTU(ratePerDay: bigint, seconds: bigint): bigint {
  return (11n * ratePerDay * seconds) / (10n * DAY);
}

export function stop(world: World, caller: Address, orderId: bigint): void {
  const order = openOrderAt(world, orderId);
  refuseIf(order.holder !== caller, "escrow", "Escrow_NotHolder", orderId, caller);
  refuseIf(world.now >= order.endsAt, "escrow", "Escrow_OrderEnded", orderId, order.endsAt);
  order.endsAt = world.now;
  world.emit("escrow", "OrderStopped", orderId, order.endsAt);
}

export function close(world: World, caller: Address, orderId: bigint): void {
  const order = openOrderAt(world, orderId);
  const { amount, from } = refundable(world, order);
  refuseIf(world.now < from, "escrow", "Escrow_TooEarly", orderId, from);
  const payee = refundeeOf(order);
  const isOwnMatter = order.refundTo === ZeroAddress && world.setting.contracts.has(order.holder);
  const mayClose = !isOwnMatter || caller === order.holder || caller === order.approved;
  refuseIf(!mayClose, "escrow", "Escrow_NotHolder", orderId, caller);
  order.isOpen = false;
  transfer(world, order.asset, world.setting.addresses.escrow, payee, amount);
  world.emit("escrow", "OrderClosed", orderId, payee, amount);
}

/** An ERC-721 transfer, as EIP-721 and ERC-6093 describe it. */
export function transferOrder(world: World, caller: Address, from: Address, to: Address, orderId: bigint): void {
  refuseIf(to === ZeroAddress, "escrow", "ERC721InvalidReceiver", ZeroAddress);
  const order = world.state.orders.get(orderId);
  if (order?.isOpen !== true) return refuseIf(true, "escrow", "ERC721NonexistentToken", orderId);
  const isAllowed = caller === order.holder || caller === order.approved;
  refuseIf(!isAllowed, "escrow", "ERC721InsufficientApproval", caller, orderId);
  refuseIf(to === world.setting.addresses.escrow, "escrow", "ERC721InvalidReceiver", to);
  refuseIf(order.refundTo !== ZeroAddress, "escrow", "Escrow_NotTransferable", orderId, order.refundTo);
  refuseIf(order.holder !== from, "escrow", "ERC721IncorrectOwner", from, orderId, order.holder);
  order.holder = to;
  order.approved = ZeroAddress;
}

export function approveOrder(world: World, caller: Address, to: Address, orderId: bigint): void {
  const order = world.state.orders.get(orderId);
  if (order?.isOpen !== true) return refuseIf(true, "escrow", "ERC721NonexistentToken", orderId);
  refuseIf(order.holder !== caller, "escrow", "ERC721InvalidApprover", caller);
  order.approved = to;
}

export function listAsset(world: World, caller: Address, asset: Address, referencePrice: bigint): void {
  const { assets } = world.state;
  refuseIf(caller !== world.setting.governor, "escrow", "Escrow_NotGovernor", caller);
  refuseIf(isListed(world, asset), "escrow", "Escrow_AssetListed", asset);
  const before = assets.get(asset);
  if (before === undefined) {
    createAuction(world, asset, referencePrice);
  } else {
    refuseIf(referencePrice !== 0n, "escrow", "Escrow_ReferenceAlreadySet", asset, referencePrice);
  }
  const index = before?.index ?? BigInt(assets.size) + 1n;
  assets.set(asset, { index, isListed: true });
  world.emit("escrow", "AssetListed", asset, index);
}

export function delistAsset(world: World, caller: Address, asset: Address): void {
  refuseIf(caller !== world.setting.governor, "escrow", "Escrow_NotGovernor", caller);
  refuseIf(!isListed(world, asset), "escrow", "Escrow_AssetNotListed", asset);
  known(world.state.assets, asset).isListed = false;
  world.emit("escrow", "AssetDelisted", asset);
}

export function isListed(world: World, asset: Address): boolean {
  return world.state.assets.get(asset)?.isListed === true;
}

export function isPaymentRefUsed(world: World, payer: Address, ref: string): boolean {
  return world.state.paymentRefs.some((used) => used.payer === payer && used.ref === ref);
}

export function openOrderAt(world: World, orderId: bigint): Order {
  const order = world.state.orders.get(orderId);
  refuseIf(order?.isOpen !== true, "escrow", "Escrow_UnknownOrder", orderId);
  return known(world.state.orders, orderId);
}

/** What one node has settled on an order: its receipts are cumulative. */
export function settledTU(order: Order, nodeId: bigint): bigint {
  return order.deliveries.filter((each) => each.nodeId === nodeId).reduce((most, { tu }) => max(most, tu), 0n);
}

function nodesOf(order: Order): bigint[] {
  return [...new Set(order.deliveries.map(({ nodeId }) => nodeId))];
}

export function tuSettled(order: Order): bigint {
  return sum(nodesOf(order).map((nodeId) => settledTU(order, nodeId)));
}

/** Each node has earned ⌊TU · unitPrice / 1e18⌋. */
export function earned(order: Order): bigint {
  return sum(nodesOf(order).map((nodeId) => earnedBy(settledTU(order, nodeId), order.unitPrice)));
}

/** Returns what a node has earned with its TU. */
export function earnedBy(tu: bigint, unitPrice: bigint): bigint {
  return (tu * unitPrice) / TU;
}

export function deposit({ tuAmount, unitPrice }: Order): bigint {
  return ceilDiv(tuAmount * unitPrice, TU);
}

export function isFullyDelivered(order: Order): boolean {
  return tuSettled(order) === order.tuAmount;
}

/** Returns what closing would refund, and from when it is possible: at once if the order is fully delivered. */
export function refundable(world: World, order: Order): { amount: bigint; from: bigint } {
  const { lastVetoAt, lastRotationAt, freezes } = world.state;
  const { grace } = world.setting;
  const amount = deposit(order) - earned(order);
  if (isFullyDelivered(order)) return { amount, from: 0n };
  const held = min(max(lastVetoAt, lastRotationAt), order.endsAt + HOLD_REACH);
  const unfrozen = max(order.endsAt, held) + grace;
  const latest = freezes.at(-1);
  const isMet = latest !== undefined && latest.startedAt < unfrozen;
  return { amount, from: isMet ? max(unfrozen, latest.endsAt + grace) : unfrozen };
}

/** Deposits less what was earned over all open orders in an asset. */
export function liabilities(world: World, asset: Address): bigint {
  const open = [...world.state.orders.values()].filter((order) => order.isOpen && order.asset === asset);
  return sum(open.map((order) => deposit(order) - earned(order)));
}
