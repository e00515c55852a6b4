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

/** The ComputeEscrow: protocol.md, 3.8 and 3.11, in version 1. Amounts in base units of the order's asset, TU with 18 decimals. */

const MIN_DURATION = HOUR;
const MAX_DURATION = 366n * DAY;
/** Vetoes and rotations later than this after an order's end hold its closing up no further. */
const HOLD_REACH = 7n * DAY;
/** A place that has held so many orders is used up. */
const MAX_GENERATION = 65_535n;

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
  reuse: bigint;
}

/** The highest deposit of such an order, for which permits are. */
export function highestDeposit({ tuAmount, maxUnitPrice }: OpenTerms): bigint {
  return ceilDiv(tuAmount * maxUnitPrice, TU);
}

export function openOrder(world: World, payer: Address, terms: OpenTerms): void {
  pull(world, payer, terms.asset, recordOrder(world, payer, terms));
}

export function openOrders(world: World, payer: Address, all: readonly OpenTerms[]): void {
  refuseIf(all.length === 0, "escrow", "Escrow_NoOrders");
  const [{ asset }] = all;
  const deposits = all.map((terms) => {
    refuseIf(terms.asset !== asset, "escrow", "Escrow_AssetsDiffer", terms.asset, asset);
    return recordOrder(world, payer, terms);
  });
  pull(world, payer, asset, sum(deposits));
}

function pull(world: World, payer: Address, asset: Address, amount: bigint): void {
  const { escrow } = world.setting.addresses;
  transferFrom(world, asset, escrow, payer, escrow, amount);
}

/** Returns the deposit. */
function recordOrder(world: World, payer: Address, terms: OpenTerms): bigint {
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

  const { place, generation } = takenPlace(world, asset, terms.reuse);
  const orderId = orderIdOf(place, known(state.assets, asset).index, generation);
  if (state.orders.has(orderId)) throw new Error(`The model gives order id ${orderId} again`);
  const endsAt = world.now + duration;
  state.orders.set(orderId, {
    ...{ place, generation, nodeId, asset, unitPrice, tuAmount, refundTo },
    ...{ startedAt: world.now, endsAt, holder: renter, approved: ZeroAddress, isOpen: true, deliveries: [] },
  });
  if (paymentRef !== ZeroHash) state.paymentRefs.push({ payer, ref: paymentRef });
  const money: [Address, bigint, bigint, bigint] = [asset, tuAmount, unitPrice, deposit];
  world.emit("escrow", "OrderOpened", orderId, nodeId, payer, ...money, endsAt, refundTo, jobHash, paymentRef);
  return deposit;
}

/** The place, the asset's index in 16 bits and the generation in 16. */
function orderIdOf(place: bigint, assetIndex: bigint, generation: bigint): bigint {
  return (place * 2n ** 16n + assetIndex) * 2n ** 16n + generation;
}

/** Every id tells its asset, even when there is no such order. */
function assetIndexOf(orderId: bigint): bigint {
  return (orderId / 2n ** 16n) % 2n ** 16n;
}

/** Returns that of the closed order that is named, if it was the last one there, and otherwise a new place. */
function takenPlace(world: World, asset: Address, reuse: bigint): { place: bigint; generation: bigint } {
  const former = world.state.orders.get(reuse);
  if (former !== undefined && isFree(world, former) && former.generation < MAX_GENERATION) {
    return { place: former.place, generation: former.generation + 1n };
  }
  const firsts = [...world.state.orders.values()].filter((order) => order.asset === asset && order.generation === 1n);
  return { place: known(world.state.assets, asset).index * 2n ** 40n + BigInt(firsts.length) + 1n, generation: 1n };
}

/** Whether an order is closed and none has its place. */
export function isFree(world: World, { place, generation, isOpen }: Order): boolean {
  const isFollowed = [...world.state.orders.values()].some(
    (order) => order.place === place && order.generation > generation,
  );
  return !isOpen && !isFollowed;
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
  if (assetIndexOf(orderId) !== (world.state.assets.get(asset)?.index ?? 0n)) return Skip.OtherAsset;
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
  if (assetIndexOf(orderId) !== (world.state.assets.get(asset)?.index ?? 0n)) return Skip.OtherAsset;
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
