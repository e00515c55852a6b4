import { type OrderRequest, mined, TFT__factory, type TuringFog } from "@turingfog/sdk/ethers";

/** The part of a lot that a purchase names. */
interface LotName {
  asset: { address: string };
  round: bigint;
}

/**
 * Opens an order and returns the transaction's hash.
 * @param isApproved approves the highest deposit in a transaction of its own, rather than sign a permit
 */
export async function openOrder(
  fog: TuringFog,
  account: string,
  request: OrderRequest,
  isApproved: boolean,
): Promise<string> {
  if (!isApproved) return (await fog.openOrderWithPermit(request)).receipt.hash;
  const { amount } = fog.depositFrom(request, account);
  await approve(fog, request.asset, account, fog.addresses.escrow, amount);
  return (await fog.openOrder(request)).receipt.hash;
}

/** Acknowledges what an order's own node has delivered, as the one who would be refunded. */
export async function acknowledge(
  fog: TuringFog,
  asset: string,
  orderId: bigint,
  cumulativeTU: bigint,
): Promise<string> {
  // the sender's own word needs no signature beside the transaction's
  const [receipt] = await fog.settleAcknowledged(asset, [{ orderId, cumulativeTU, signature: "0x" }]);
  return receipt.hash;
}

export async function stop({ contracts: { escrow } }: TuringFog, orderId: bigint): Promise<string> {
  return (await mined(escrow.stop(orderId))).hash;
}

export async function close({ contracts: { escrow } }: TuringFog, orderId: bigint): Promise<string> {
  return (await mined(escrow.close(orderId))).hash;
}

export async function handOver(fog: TuringFog, from: string, to: string, orderId: bigint): Promise<string> {
  return (await mined(fog.contracts.escrow.transferFrom(from, to, orderId))).hash;
}

/** Claims final buckets of a miner: one's own to oneself, another's for them. */
export async function claim(
  { contracts: { pool } }: TuringFog,
  account: string,
  miner: string,
  ids: readonly bigint[],
): Promise<string> {
  const sent = account === miner ? pool.claim([...ids], account) : pool.claimFor(miner, [...ids]);
  return (await mined(sent)).hash;
}

export async function setRecipient({ contracts: { pool } }: TuringFog, to: string): Promise<string> {
  return (await mined(pool.setRecipient(to))).hash;
}

/**
 * Buys a part of a lot for one's own TFT.
 * @param maxPrice TFT (18 decimals) per whole unit of the asset
 */
export async function buy(
  fog: TuringFog,
  account: string,
  { asset, round }: LotName,
  amount: bigint,
  maxPrice: bigint,
): Promise<string> {
  const { controller } = fog.contracts;
  const { tft } = fog.addresses;
  // more of the lot than was asked for may be filled, if less than a hundredth of it would be left
  const balance = await fog.contracts.tft.balanceOf(account);
  await approve(fog, tft, account, fog.addresses.controller, balance);
  return (await mined(controller.buy(asset.address, round, amount, maxPrice, account, "0x"))).hash;
}

/** Approves a spender for an amount, unless it may spend as much. */
async function approve(fog: TuringFog, asset: string, account: string, spender: string, amount: bigint): Promise<void> {
  const token = TFT__factory.connect(asset, fog.runner);
  if ((await token.allowance(account, spender)) >= amount) return;
  await mined(token.approve(spender, amount));
}
