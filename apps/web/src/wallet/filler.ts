import type { ContractRunner } from "ethers";

import { type TuringFog, UniswapV3BuybackFiller__factory } from "@turingfog/sdk/ethers";
import type { Calls } from "./acts";

/** The part of a lot that a fill names. */
interface LotName {
  asset: { address: string };
  round: bigint;
  remaining: bigint;
}

/** The pool by which a lot is filled, and what is left then. */
export interface FillQuote {
  /** The pool's fee in hundredths of a basis point. */
  poolFee: bigint;
  /** Base units of the asset. */
  profit: bigint;
}

/** Fees of the pools that Uniswap v3 began with. */
const POOL_FEES = [500n, 3_000n, 10_000n];

/** What a fill may leave less than was quoted: a hundredth. */
const KEPT = 99n;
const HUNDRED = 100n;

/** Returns the best of the fills that leave something now; nothing if none does. */
export async function quoteFill(
  filler: string,
  runner: ContractRunner | null,
  { asset, round, remaining }: LotName,
): Promise<FillQuote> {
  const contract = UniswapV3BuybackFiller__factory.connect(filler, runner);
  const quotes = await Promise.all(
    POOL_FEES.map(async (poolFee) => {
      const profit = await contract.fill.staticCall(asset.address, round, remaining, poolFee, 0n).catch(() => 0n);
      return { poolFee, profit };
    }),
  );
  const best = quotes.reduce((a, b) => (b.profit > a.profit ? b : a));
  if (best.profit === 0n) throw new Error("No pool leaves a profit");
  return best;
}

/** Fills the rest of a lot for at least nearly what was quoted. */
export async function fill(
  fog: TuringFog,
  filler: string,
  { asset, round, remaining }: LotName,
  { poolFee, profit }: FillQuote,
): Promise<Calls> {
  const contract = UniswapV3BuybackFiller__factory.connect(filler, fog.runner);
  const least = (profit * KEPT) / HUNDRED;
  return { calls: [await contract.fill.populateTransaction(asset.address, round, remaining, poolFee, least)] };
}
