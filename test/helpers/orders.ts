import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, TU } from "@turingfog/sdk";
import { readDomain } from "@turingfog/sdk/ethers";
import { ACKNOWLEDGEMENT, type Acknowledgement, type Receipt } from "@turingfog/sdk/wire";
import { expect } from "chai";
import {
  type ContractTransaction,
  type ContractTransactionResponse,
  id,
  parseUnits,
  type Signer,
  toBeHex,
  ZeroAddress,
  ZeroHash,
} from "ethers";
import { ethers } from "hardhat";

import type { RefusingToken, TimelockController } from "../../typechain-types";
import type { OpenParamsStruct } from "../../typechain-types/contracts/ComputeEscrow";
import { INITIAL_USD, type Protocol, USD_REFERENCE_PRICE } from "./fixture";
import { asGovernor } from "./governor";
import { type Asset, passVetoWindow, settle, submitReceipts } from "./market";

/** In ascending order of address, as the oracle wants signers. */
export async function byAddress<T extends Signer>(signers: readonly T[]): Promise<T[]> {
  const keyed = await Promise.all(signers.map(async (signer) => ({ signer, key: BigInt(await signer.getAddress()) })));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ signer }) => signer);
}

/**
 * Has the governor schedule a call, and resolves to what executes it: for calls that must come at an exact time, once
 * the timelock's delay has passed.
 */
export async function schedule(
  timelock: TimelockController,
  admin: HardhatEthersSigner,
  call: ContractTransaction,
): Promise<() => Promise<ContractTransactionResponse>> {
  // the block's number keeps two equal calls apart
  const salt = toBeHex(await time.latestBlock(), 32);
  const connected = timelock.connect(admin);
  await connected.schedule(call.to, 0, call.data, ZeroHash, salt, await timelock.getMinDelay());
  return () => connected.execute(call.to, 0, call.data, ZeroHash, salt);
}

/** What an order buys unless a test says otherwise: 1 TU of any node for a day, held by `renter`. */
export function openParams(asset: Asset, renter: HardhatEthersSigner, terms: Partial<OpenParamsStruct> = {}) {
  return {
    nodeId: 0n,
    asset,
    tuAmount: TU,
    maxUnitPrice: parseUnits("1", 6),
    duration: DAY,
    renter,
    refundTo: ZeroAddress,
    jobHash: id("job"),
    paymentRef: ZeroHash,
    reuse: 0n,
    ...terms,
  } satisfies OpenParamsStruct;
}

/** Submits receipts, lets the veto window pass and settles those of one asset, all of them unless given. */
export async function deliver(
  protocol: Protocol,
  asset: Asset,
  receipts: readonly Receipt[],
  settled: readonly Receipt[] = receipts,
): Promise<ContractTransactionResponse> {
  const tree = await submitReceipts(protocol, receipts);
  await passVetoWindow(protocol);
  return settle(protocol, asset, tree, settled);
}

/** Signs what the node of an order has delivered on it. */
export async function acknowledge(
  { contracts: { escrow } }: Protocol,
  signer: Signer,
  orderId: bigint,
  cumulativeTU: bigint,
): Promise<Acknowledgement> {
  return ACKNOWLEDGEMENT.sign(signer, await readDomain(escrow), { orderId, cumulativeTU });
}

/** When an order started. */
export async function startOf({ contracts: { escrow } }: Protocol, orderId: bigint): Promise<bigint> {
  return (await escrow.order(orderId)).startedAt;
}

/**
 * Checks what must always hold of the escrow's books in an asset: what it owes is what its open orders have left, it
 * has it, all that was ever paid in has been earned, refunded or is still there, and it has allowed nobody anything.
 */
export async function expectSoundBooks({ contracts: { escrow } }: Protocol, asset: Asset): Promise<void> {
  const orders = new Map<bigint, bigint>();
  let paidIn = 0n;
  let earned = 0n;
  let refunded = 0n;
  const address = await asset.getAddress();
  for (const { args } of await escrow.queryFilter(escrow.filters.OrderOpened())) {
    if (args.asset !== address) continue;
    orders.set(args.orderId, args.deposit);
    paidIn += args.deposit;
  }
  const settled = [
    ...(await escrow.queryFilter(escrow.filters.ReceiptSettled())),
    ...(await escrow.queryFilter(escrow.filters.AcknowledgementSettled())),
  ];
  for (const { args } of settled) {
    const left = orders.get(args.orderId);
    if (left === undefined) continue;
    orders.set(args.orderId, left - args.earned);
    earned += args.earned;
  }
  for (const { args } of await escrow.queryFilter(escrow.filters.OrderClosed())) {
    if (!orders.has(args.orderId)) continue;
    expect(args.refund, "refund").to.equal(orders.get(args.orderId));
    orders.delete(args.orderId);
    refunded += args.refund;
  }

  let owed = 0n;
  for (const [orderId, left] of orders) {
    const order = await escrow.order(orderId);
    expect(order.deposit - order.earned, `left of order ${orderId}`).to.equal(left);
    expect((await escrow.refundable(orderId)).amount, `refundable of order ${orderId}`).to.equal(left);
    owed += left;
  }
  expect(await escrow.liabilities(asset), "liabilities").to.equal(owed);
  expect(paidIn, "paid in").to.equal(earned + refunded + owed);
  expect(await asset.balanceOf(escrow), "balance").to.equal(owed);
  expect(await asset.queryFilter(asset.filters.Approval(escrow)), "allowances").to.deep.equal([]);
}

/** A stablecoin of 6 decimals, listed by governance, that turns bad once told to; the renters have some. */
export async function listRefusingToken(protocol: Protocol): Promise<RefusingToken> {
  const { contracts, actors } = protocol;
  const token = await ethers.deployContract("RefusingToken");
  for (const renter of actors.renters) await token.mint(renter, INITIAL_USD);
  const listing = await contracts.escrow.listAsset.populateTransaction(token, USD_REFERENCE_PRICE);
  await asGovernor(contracts.timelock, actors.admin, listing);
  return token;
}
