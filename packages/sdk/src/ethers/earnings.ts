import { getAddress } from "ethers";

import { decodeBucketId, epochOf } from "../ids.js";
import type { SystemContracts } from "./contracts.js";
import { type LogRange, readEvents, timelockWitness } from "./logs.js";

/** A transaction that has settled something for a miner. */
export interface EarningSettlement {
  transaction: string;
  block: number;
  /** Unix seconds, and the epoch that they fall in. */
  time: bigint;
  epoch: bigint;
  orderIds: bigint[];
  /** The root that its receipts are in; undefined for acknowledgements, and if a contract has called the escrow. */
  receiptsRoot?: string;
}

/** How far a bucket is: its round still takes in earnings, is being sold or burned, or can be claimed. */
export type BucketState = "open" | "closed" | "final";

/** What a miner has earned in a bucket and not claimed yet. */
export interface EarnedBucket {
  id: bigint;
  round: bigint;
  asset: string;
  state: BucketState;
  /** The miner's weight: base units of the asset that their work has earned. */
  weight: bigint;
  /** TFT that can be claimed now, 18 decimals. */
  claimable: bigint;
  settlements: EarningSettlement[];
}

/** What a miner has earned. */
export interface Earnings {
  buckets: EarnedBucket[];
  /** TFT that were claimed until now, 18 decimals. */
  claimed: bigint;
  /** Where `RewardPool.claimFor` pays. */
  recipient: string;
}

/** Logs of a miner's settlements. */
interface SettlementLog {
  transactionHash: string;
  blockNumber: number;
  args: { orderId: bigint };
}

/**
 * Returns the buckets in which a miner has ever earned, in that order, with the logs of the settlements.
 * @throws IncompleteLogsError, NoContractError
 */
export async function readEarnedBuckets(
  { escrow, pool, timelock }: SystemContracts,
  range: LogRange,
  miner: string,
): Promise<Map<bigint, SettlementLog[]>> {
  const [receipts, acknowledgements, added] = await readEvents(
    range,
    await timelockWitness(timelock),
    { contract: escrow, event: escrow.filters.ReceiptSettled, args: [null, null, miner] },
    { contract: escrow, event: escrow.filters.AcknowledgementSettled, args: [null, null, miner] },
    { contract: pool, event: pool.filters.WeightAdded },
  );
  // a settlement adds the weights in the transaction in which it settles what they come from
  const settled = new Map<string, SettlementLog[]>();
  for (const log of [...receipts, ...acknowledgements]) {
    settled.set(log.transactionHash, [...(settled.get(log.transactionHash) ?? []), log]);
  }
  const buckets = new Map<bigint, SettlementLog[]>();
  for (const { transactionHash, args } of added) {
    const logs = settled.get(transactionHash);
    if (logs !== undefined) buckets.set(args.bucketId, [...(buckets.get(args.bucketId) ?? []), ...logs]);
  }
  return buckets;
}

/**
 * Reads what a miner has earned and not claimed, bucket by bucket, and how it came about.
 * @param range blocks to search for it
 * @throws IncompleteLogsError, NoContractError
 */
export async function readEarnings(contracts: SystemContracts, range: LogRange, miner: string): Promise<Earnings> {
  const { pool, timelock } = contracts;
  const account = getAddress(miner);
  const found = await readEarnedBuckets(contracts, range, account);
  const [claims] = await readEvents(range, await timelockWitness(timelock), {
    contract: pool,
    event: pool.filters.Claimed,
    args: [account],
  });
  const epochLength = await pool.EPOCH_LENGTH();
  const buckets: EarnedBucket[] = [];
  for (const [id, logs] of found) {
    const { round, asset } = decodeBucketId(id);
    const [weight, { isFinal }, closed, claimable] = await Promise.all([
      pool.weightOf(id, account),
      pool.bucket(id),
      pool.closedRound(asset),
      pool.claimable(account, [id]),
    ]);
    if (weight === 0n) continue;
    const state = isFinal ? "final" : closed.round === round ? "closed" : "open";
    const settlements = await settlementsOf(contracts, range, logs, epochLength);
    buckets.push({ id, round, asset, state, weight, claimable, settlements });
  }
  const recipient = await pool.recipientOf(account);
  return {
    buckets,
    claimed: claims.reduce((sum, { args }) => sum + args.amount, 0n),
    recipient: BigInt(recipient) === 0n ? account : recipient,
  };
}

async function settlementsOf(
  { escrow }: SystemContracts,
  { provider }: LogRange,
  logs: readonly SettlementLog[],
  epochLength: bigint,
): Promise<EarningSettlement[]> {
  const address = getAddress(await escrow.getAddress());
  const settlements = new Map<string, EarningSettlement>();
  for (const { transactionHash, blockNumber, args } of logs) {
    const known = settlements.get(transactionHash);
    if (known !== undefined) {
      known.orderIds.push(args.orderId);
      continue;
    }
    const time = BigInt((await provider.getBlock(blockNumber))?.timestamp ?? 0);
    const transaction = await provider.getTransaction(transactionHash);
    const call = transaction?.to === address ? escrow.interface.parseTransaction(transaction) : null;
    const receiptsRoot = call?.name === "settle" ? (call.args.receiptsRoot as string) : undefined;
    settlements.set(transactionHash, {
      ...{ transaction: transactionHash, block: blockNumber, time, epoch: epochOf(time, epochLength) },
      ...{ orderIds: [args.orderId], receiptsRoot },
    });
  }
  return [...settlements.values()];
}
