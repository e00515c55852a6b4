import { time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, type Phase, WAD as TFT } from "@turingfog/sdk";
import { expect } from "chai";
import { type ContractTransaction, type ContractTransactionResponse, MaxUint256 } from "ethers";
import { ethers } from "hardhat";
import { type HostileBuyer, TestToken__factory } from "../../typechain-types";
import type { CallStruct } from "../../typechain-types/contracts/mocks/HostileBuyer";
import { INITIAL_TFT, type Protocol } from "./fixture";
import { asGovernor } from "./governor";
import { type Asset, earn, startEpoch } from "./market";

export const USD = 10n ** 6n;

export const DAI = 10n ** 18n;

/** The local parameters' epoch and auction period. */
export const EPOCH = DAY;

export const PERIOD = DAY;

/** Where a test does not care about the price. */
export const ANY_PRICE = MaxUint256;

/** What a destruction is told to have done; the bucket is that of the round and the asset. */
interface Destroyed {
  bought: bigint;
  burned: bigint;
  released: bigint;
  operations: bigint;
  reward: bigint;
  phase: Phase;
}

export async function expectDestroyed(
  { contracts: { controller, pool } }: Protocol,
  destruction: Promise<ContractTransactionResponse> | ContractTransactionResponse,
  round: bigint,
  asset: Asset,
  { bought, burned, released, operations, reward, phase }: Destroyed,
): Promise<void> {
  await expect(destruction)
    .to.emit(controller, "Destroyed")
    .withArgs(
      await pool.bucketId(round, asset),
      round,
      asset,
      bought,
      burned,
      released,
      operations,
      reward,
      BigInt(phase),
    );
}

/** Has a miner earn TFT, paid by the treasury, and ends the epoch, with which the round closes unless one waits. */
export async function closedTFTRound(protocol: Protocol, amount: bigint): Promise<bigint> {
  const { treasury, miners } = protocol.actors;
  const round = await earn(protocol, [{ asset: protocol.contracts.tft, amount, miner: miners[0], payer: treasury }]);
  await startEpoch(protocol);
  return round;
}

/** Has a miner earn an asset, closes its round with the epoch, and lets the bidder pay for everything they may buy. */
export async function openLot(
  protocol: Protocol,
  asset: Asset,
  amount: bigint,
): Promise<{ round: bigint; start: bigint }> {
  const { contracts, actors } = protocol;
  const round = await earn(protocol, [{ asset, amount, miner: actors.miners[0] }]);
  await contracts.tft.connect(actors.bidder).approve(contracts.controller, INITIAL_TFT);
  const start = (await startEpoch(protocol)) * EPOCH;
  return { round, start };
}

/** The second in which the present epoch ends. */
export async function endOfEpoch(): Promise<bigint> {
  return (BigInt(await time.latest()) / EPOCH + 1n) * EPOCH;
}

/** The bidder buys for himself, when a lot's clock shows `age` seconds. */
export async function buyAt(
  { contracts: { controller }, actors: { bidder } }: Protocol,
  { asset, round, start, age, amount }: { asset: Asset; round: bigint; start: bigint; age: bigint; amount: bigint },
): Promise<ContractTransactionResponse> {
  await time.setNextBlockTimestamp(start + age);
  return controller.connect(bidder).buy(asset, round, amount, ANY_PRICE, bidder, "0x");
}

/** A buyer's contract that holds TFT and has approved the controller. */
export async function deployBuyer({ contracts: { tft, controller }, actors }: Protocol): Promise<HostileBuyer> {
  const buyer = await ethers.deployContract("HostileBuyer");
  await tft.connect(actors.treasury).transfer(buyer, 100_000_000n * TFT);
  await buyer.execute([callOf(await tft.approve.populateTransaction(controller, MaxUint256))]);
  return buyer;
}

/** As a buyer's contract takes it, from `await controller.burn.populateTransaction(epoch)`. */
export function callOf({ to, data }: ContractTransaction): CallStruct {
  return { target: to, data };
}

/** Buys for a buyer's contract, which is called back when there is `data`. */
export async function buyCall(
  { contracts: { controller } }: Protocol,
  buyer: HostileBuyer,
  asset: Asset,
  round: bigint,
  amount: bigint,
  data = "0x",
): Promise<CallStruct> {
  return callOf(await controller.buy.populateTransaction(asset, round, amount, ANY_PRICE, buyer, data));
}

/** Lists a token that behaves, until it is told not to; every renter has some of it. */
export async function listHostileToken({ contracts, actors }: Protocol) {
  const { escrow, timelock } = contracts;
  const hostile = await ethers.deployContract("HostileToken");
  for (const renter of actors.renters) await hostile.mint(renter, 1_000_000n * DAI);
  await asGovernor(timelock, actors.admin, await escrow.listAsset.populateTransaction(hostile, 20n * TFT));
  return { hostile, asset: TestToken__factory.connect(await hostile.getAddress(), actors.deployer) };
}
