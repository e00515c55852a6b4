import { Phase, priceAt, PRODUCTION_MINING_END, tftOwed, WRITE_OFF_PERIODS } from "@turingfog/sdk";
import { TFT__factory } from "@turingfog/sdk/ethers";

import type { History, Reading, Told } from "./history";

const PHASES = {
  [Phase.ProductionMining]: "Production mining",
  [Phase.BuybackDistribution]: "Buyback distribution",
  [Phase.Mature]: "Mature",
};

const supply = async ({ contracts: { controller } }: History) => controller.supply();

async function lotOf({ contracts: { controller } }: History, asset: string) {
  const { amount, remaining, startedAt, referencePrice } = await controller.lot(asset);
  return { amount, remaining, startedAt, referencePrice, period: await controller.AUCTION_PERIOD() };
}

async function priceOf(history: History, asset: string, at: bigint): Promise<bigint> {
  const { referencePrice, startedAt, period } = await lotOf(history, asset);
  return priceAt(referencePrice, at - startedAt, period);
}

/** Of the supply, and of the lots that are for sale. */
export const SUPPLY: Record<string, Reading> = {
  "head:block": ({ told }) => BigInt(told[told.length - 1].block),
  "head:time": ({ told }) => told[told.length - 1].time,
  "supply:total": async (history) => (await supply(history)).total,
  "supply:circulating": async (history) => (await supply(history)).circulating,
  "supply:reserve": async (history) => (await supply(history)).reserve,
  "supply:burned": async (history) => (await supply(history)).burned,
  "supply:released": async (history) => (await supply(history)).released,
  "supply:phase": async (history) => PHASES[Number((await supply(history)).phase) as Phase],
  "supply:bought": (history) => history.named("Destroyed").reduce((sum, { args }) => sum + (args.bought as bigint), 0n),
  "supply:burnedShare": async (history) => ((await supply(history)).burned * 10_000n) / PRODUCTION_MINING_END,
  "schedule:productionMiningEnd": async ({ contracts: { vault } }) => ((await vault.RESERVE()) * 5n) / 4n,
  "schedule:ultimateSupply": ({ contracts: { tft } }) => tft.ULTIMATE_SUPPLY(),

  "lot:price": priceOf,
  "lot:owed": async (history, asset, at) => {
    const decimals = await TFT__factory.connect(asset, history.contracts.tft.runner).decimals();
    const { remaining } = await lotOf(history, asset);
    return tftOwed(remaining, await priceOf(history, asset, at), 10n ** decimals);
  },
  "lot:remaining": async (history, asset) => (await lotOf(history, asset)).remaining,
  "lot:amount": async (history, asset) => (await lotOf(history, asset)).amount,
  "lot:referencePrice": async (history, asset) => (await lotOf(history, asset)).referencePrice,
  "lot:startedAt": async (history, asset) => (await lotOf(history, asset)).startedAt,
  "lot:writeOffFrom": async (history, asset) => {
    const { startedAt, period } = await lotOf(history, asset);
    return startedAt + WRITE_OFF_PERIODS * period;
  },
  // the page lists the latest 500
  "destructions:rows": (history) => BigInt(Math.min(history.named("Destroyed").length, 500)),
  "fills:rows": (history) => BigInt(history.named("LotFilled").length),
  "auctions:assets": (history) => BigInt(history.named("AuctionCreated").length),
  "asset:referencePrice": (history, asset) => {
    const isOwn = ({ args }: Told) => (args.asset as string).toLowerCase() === asset;
    const [created] = history.named("AuctionCreated").filter(isOwn);
    const sold = history.last("LotSoldOut", isOwn);
    return (sold?.args.newReferencePrice ?? created.args.referencePrice) as bigint;
  },
};
