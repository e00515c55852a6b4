import type { ContractTransaction } from "ethers";

import { type OrderRequest, TFT__factory, type TokenTransfer, type TuringFog } from "@turingfog/sdk/ethers";
import { quoteBuy } from "./quotes";
import { checkAsset, checkLot, checkUnitPrice, type ShownAsset, type ShownLot } from "./shown";

/** What an act sends. */
export interface Calls {
  /** In this order: each may count on those before it. */
  calls: ContractTransaction[];
  /** What a token moves by the last of them, for the reason if it refuses without words. */
  moved?: () => TokenTransfer | Promise<TokenTransfer>;
}

/**
 * Opens an order.
 * @param isApproved approves the highest deposit in a call of its own, rather than sign a permit
 * @param asset what was shown of the order's asset
 * @throws NotAsShownError
 */
export async function openOrder(
  fog: TuringFog,
  account: string,
  request: OrderRequest,
  isApproved: boolean,
  asset: ShownAsset,
): Promise<Calls> {
  await checkAsset(fog, asset);
  const { nodeId = 0n, maxUnitPrice } = request;
  if (nodeId !== 0n) await checkUnitPrice(fog, nodeId, asset, maxUnitPrice);
  const deposit = fog.depositFrom(request, account);
  const moved = () => deposit;
  if (!isApproved) return { calls: [await fog.permittedOpeningCall(request)], moved };
  const approval = await approvalOf(fog, request.asset, account, fog.addresses.escrow, deposit.amount);
  return { calls: [...approval, await fog.openingCall(request)], moved };
}

/** Acknowledges what an order's own node has delivered, as the one who would be refunded. */
export async function acknowledge(
  { contracts: { escrow }, addresses }: TuringFog,
  asset: string,
  orderId: bigint,
  cumulativeTU: bigint,
): Promise<Calls> {
  // the sender's own word needs no signature beside the transaction's
  const call = await escrow.settleAcknowledged.populateTransaction(asset, [{ orderId, cumulativeTU, signature: "0x" }]);
  const moved = async () => ({
    asset,
    from: { name: "the escrow", address: addresses.escrow },
    to: { name: "the controller", address: addresses.controller },
    amount: await escrow.liabilities(asset),
  });
  return { calls: [call], moved };
}

export async function stop({ contracts: { escrow } }: TuringFog, orderId: bigint): Promise<Calls> {
  return { calls: [await escrow.stop.populateTransaction(orderId)] };
}

export async function close({ contracts: { escrow } }: TuringFog, orderId: bigint): Promise<Calls> {
  return { calls: [await escrow.close.populateTransaction(orderId)] };
}

export async function handOver(
  { contracts: { escrow } }: TuringFog,
  from: string,
  to: string,
  orderId: bigint,
): Promise<Calls> {
  return { calls: [await escrow.transferFrom.populateTransaction(from, to, orderId)] };
}

/** Claims final buckets of a miner: one's own to oneself, another's for them. */
export async function claim(
  { contracts: { pool } }: TuringFog,
  account: string,
  miner: string,
  ids: readonly bigint[],
): Promise<Calls> {
  const call =
    account === miner
      ? await pool.claim.populateTransaction([...ids], account)
      : await pool.claimFor.populateTransaction(miner, [...ids]);
  return { calls: [call] };
}

export async function setRecipient({ contracts: { pool } }: TuringFog, to: string): Promise<Calls> {
  return { calls: [await pool.setRecipient.populateTransaction(to)] };
}

/**
 * Buys a part of a lot for one's own TFT.
 * @param maxPrice TFT (18 decimals) per whole unit of the asset
 * @throws NotAsShownError
 */
export async function buy(
  fog: TuringFog,
  account: string,
  lot: ShownLot,
  bid: bigint,
  maxPrice: bigint,
): Promise<Calls> {
  const { controller, tft } = fog.contracts;
  await checkLot(fog, lot);
  // exactly what was quoted: what a purchase in between would add to the bid is refused by the token
  const { owed } = quoteBuy(lot, bid, maxPrice);
  const isApproved = (await tft.allowance(account, controller)) === owed;
  const approval = isApproved ? [] : [await tft.approve.populateTransaction(controller, owed)];
  const purchase = await controller.buy.populateTransaction(
    ...([lot.asset.address, lot.round, bid, maxPrice, account, "0x"] as const),
  );
  return { calls: [...approval, purchase] };
}

/** Returns the call by which a spender is approved for an amount; none if it may spend as much. */
async function approvalOf(
  fog: TuringFog,
  asset: string,
  account: string,
  spender: string,
  amount: bigint,
): Promise<ContractTransaction[]> {
  const token = TFT__factory.connect(asset, fog.runner);
  if ((await token.allowance(account, spender)) >= amount) return [];
  return [await token.approve.populateTransaction(spender, amount)];
}
