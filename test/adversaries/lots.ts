import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { time } from "@nomicfoundation/hardhat-network-helpers";
import { type ContractTransactionResponse, MaxUint256 } from "ethers";

import type { Protocol } from "../helpers/fixture";
import { type Asset, earn, type Earning, startEpoch } from "../helpers/market";

/** What is for sale, since when. */
export interface OpenLot {
  asset: Asset;
  round: bigint;
  start: bigint;
}

/** The lot of an asset's closed round. */
export async function lotOf({ contracts: { pool } }: Protocol, asset: Asset): Promise<OpenLot> {
  const { round, closedAt } = await pool.closedRound(asset);
  return { asset, round, start: closedAt };
}

/** Has miners earn an asset, and closes its round with the epoch. */
export async function openLot(
  protocol: Protocol,
  asset: Asset,
  earnings: readonly Omit<Earning, "asset">[],
): Promise<OpenLot> {
  const round = await earn(
    protocol,
    earnings.map((earning) => ({ asset, ...earning })),
  );
  const next = await startEpoch(protocol);
  return { asset, round, start: next * (await protocol.contracts.pool.EPOCH_LENGTH()) };
}

/** Buys of a lot at the price of the moment, whatever it is. */
export async function buy(
  { contracts: { controller, tft } }: Protocol,
  buyer: HardhatEthersSigner,
  { asset, round }: OpenLot,
  amount: bigint,
): Promise<ContractTransactionResponse> {
  await tft.connect(buyer).approve(controller, MaxUint256);
  return controller.connect(buyer).buy(asset, round, amount, MaxUint256, buyer, "0x");
}

/** Buys when the lot's clock shows `age` seconds. */
export async function buyAt(
  protocol: Protocol,
  buyer: HardhatEthersSigner,
  lot: OpenLot,
  age: bigint,
  amount: bigint,
): Promise<ContractTransactionResponse> {
  const { controller, tft } = protocol.contracts;
  await tft.connect(buyer).approve(controller, MaxUint256);
  await time.setNextBlockTimestamp(lot.start + age);
  return controller.connect(buyer).buy(lot.asset, lot.round, amount, MaxUint256, buyer, "0x");
}

/** Has miners claim a bucket, and operations be paid what they are owed. */
export async function payOut(
  { contracts: { pool, vault } }: Protocol,
  round: bigint,
  asset: Asset,
  miners: readonly HardhatEthersSigner[],
): Promise<void> {
  const id = await pool.bucketId(round, asset);
  for (const miner of miners) await pool.claimFor(miner, [id]);
  await vault.payOperations();
}
