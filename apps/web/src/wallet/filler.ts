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

/**
 * Returns the best of the fills that leave something now.
 * @param account who fills, and is paid
 */
export async function quoteFill(
  filler: string,
  runner: ContractRunner | null,
  account: string,
  { asset, round, remaining }: LotName,
): Promise<FillQuote> {
  const contract = UniswapV3BuybackFiller__factory.connect(filler, runner);
  const quotes = await Promise.all(
    POOL_FEES.map(async (poolFee) => {
      // without a sender the profit would be paid to 0x0, which many tokens refuse
      const tried = contract.fill.staticCall(asset.address, round, remaining, poolFee, 0n, { from: account });
      const profit = await tried.catch(() => 0n);
      return { poolFee, profit };
    }),
  );
  const best = quotes.reduce((a, b) => (b.profit > a.profit ? b : a));
  if (best.profit === 0n) throw new Error("No pool leaves a profit");
  return best;
}

/** Fills the rest of a lot for at least nearly what is quoted now, and what was shown. */
export async function fill(
  fog: TuringFog,
  account: string,
  filler: string,
  lot: LotName,
  shown: FillQuote,
): Promise<Calls> {
  const contract = UniswapV3BuybackFiller__factory.connect(filler, fog.runner);
  const { asset, round, remaining } = lot;
  const { poolFee, profit } = await quoteFill(filler, fog.runner, account, lot);
  const least = ((profit > shown.profit ? profit : shown.profit) * KEPT) / HUNDRED;
  return { calls: [await contract.fill.populateTransaction(asset.address, round, remaining, poolFee, least)] };
}
