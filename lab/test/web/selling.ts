import { DAY, HOUR, TU } from "@turingfog/sdk";
import { TFT__factory } from "@turingfog/sdk/ethers";

import type { ShownWorld } from "../../web/world";
import { clientOf, contractsOf, NODE, pass, RENTER } from "./acting";

/** The most that somebody may pay or approve. */
const MOST = 2n ** 255n;

/** A lot of the asset that is not TFT. */
export interface Sold {
  asset: string;
  round: bigint;
  remaining: bigint;
}

/** Returns a lot that is for sale. If none is, earns one: an order in the asset, which its renter acknowledges. */
export async function lotOf(world: ShownWorld): Promise<Sold> {
  const { controller, escrow, tft } = contractsOf(world);
  const listed = await escrow.queryFilter(escrow.filters.AssetListed);
  const own = await tft.getAddress();
  const asset = listed.map(({ args }) => args.asset).find((each) => each !== own);
  if (asset === undefined) throw new Error("No asset but TFT is listed");
  const find = () => controller.lot(asset).catch(() => undefined);
  if ((await find()) === undefined) {
    const fog = await clientOf(world, RENTER);
    const { unitPrice } = await fog.contracts.registry.listing(NODE, asset);
    await (await TFT__factory.connect(asset, fog.runner).approve(escrow, unitPrice)).wait();
    const terms = { nodeId: NODE, asset, tuAmount: TU, maxUnitPrice: unitPrice, duration: HOUR };
    const { orderId } = await fog.openOrder(terms);
    await fog.settleAcknowledged(asset, [{ orderId, cumulativeTU: TU, signature: "0x" }]);
    await pass(world, DAY);
  }
  const lot = await find();
  if (lot === undefined) throw new Error(`There is no lot of ${asset} a day after it was earned`);
  return { asset, round: lot.round, remaining: lot.remaining };
}

/** Buys the rest of a lot, and returns a miner who can claim of it and the buckets that they can claim. */
export async function makeClaimable(world: ShownWorld): Promise<{ miner: string; ids: bigint[] }> {
  const { asset, round, remaining } = await lotOf(world);
  const fog = await clientOf(world, RENTER);
  const { controller, escrow, tft } = fog.contracts;
  await (await tft.approve(controller, MOST)).wait();
  await (await controller.buy(asset, round, remaining, MOST, RENTER, "0x")).wait();
  const settled = await Promise.all([
    escrow.queryFilter(escrow.filters.ReceiptSettled),
    escrow.queryFilter(escrow.filters.AcknowledgementSettled),
  ]);
  const miners = settled.flat().map(({ args }) => args.payout);
  for (const miner of new Set(miners)) {
    const claimable = await fog.claimableBuckets(miner);
    if (claimable.length > 0) return { miner: miner.toLowerCase(), ids: claimable.map(({ id }) => id) };
  }
  throw new Error(`Nobody can claim of round ${round}, which is sold out`);
}
