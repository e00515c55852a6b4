import { DAY, HOUR, TU } from "@turingfog/sdk";
import { type Receipt } from "@turingfog/sdk/wire";
import { parseUnits } from "ethers";
import { type Protocol } from "./fixture";
import { type Asset, listNode, openOrder } from "./market";

export const UNIT_PRICE = parseUnits("1", 6);

/** A GPU whose rating is 1 TU a day, alone: what a node of it can reach is easy to follow. */
export const ONE_A_DAY = { gpuModel: "GTX 1080 Ti", gpuCount: 1n };

export interface Job {
  orderId: bigint;
  nodeId: bigint;
  startedAt: bigint;
  endsAt: bigint;
}

/** An order of 1 TU for a day on a fast node of the first miner, at 1 USD per TU, opened just now by the first renter. */
export async function openJob(
  protocol: Protocol,
  terms: { tuAmount?: bigint; unitPrice?: bigint; duration?: bigint; hardware?: typeof ONE_A_DAY; asset?: Asset } = {},
): Promise<Job> {
  const { contracts, actors } = protocol;
  const { unitPrice = UNIT_PRICE, tuAmount = TU, duration = DAY, asset = contracts.usd } = terms;
  const nodeId = await listNode(protocol, actors.miners[0], asset, unitPrice, terms.hardware);
  const orderId = await openOrder(protocol, actors.renters[0], asset, {
    nodeId,
    tuAmount,
    duration,
    maxUnitPrice: unitPrice,
  });
  const { startedAt, endsAt } = await contracts.escrow.order(orderId);
  return { orderId, nodeId, startedAt, endsAt };
}

/** What a node has delivered on an order, an hour after its start unless given. */
export function receiptOf(
  { orderId, nodeId, startedAt }: Job,
  cumulativeTU: bigint,
  measuredAt = startedAt + HOUR,
): Receipt {
  return { orderId, nodeId, cumulativeTU, measuredAt };
}

/** Weight of a miner in the open round of an asset. */
export async function weightOf({ contracts: { pool } }: Protocol, asset: Asset, miner: string): Promise<bigint> {
  return pool.weightOf(await pool.bucketId(await pool.openRound(asset), asset), miner);
}
