import { UniswapV3BuybackFiller__factory, UniswapV4BuybackFiller__factory } from "@turingfog/sdk/ethers";
import { AbiCoder, getAddress } from "ethers";

import { type Act, type Sight, unlessRefused } from "./act.js";
import type { FillerConfig } from "./config.js";

/** A lot is tried as a whole, and by halves down to this part: a pool pays less for more. */
const SMALLEST_PART = 16n;

/** Buys lots by a filler, as much as leaves the most. */
export function filling(config: FillerConfig): Act {
  const { asset, leastProfit } = config;
  return {
    name: `fill ${getAddress(asset)}`,
    async *due(sight: Sight) {
      const { controller } = sight.contracts;
      const lot = await unlessRefused(controller.lot(asset));
      if (lot === undefined || lot.remaining === 0n) return;
      const { round, remaining } = lot;
      const parts = [];
      for (let part = 1n; part <= SMALLEST_PART && remaining / part > 0n; part *= 2n) parts.push(remaining / part);
      const profits = await Promise.all(parts.map((amount) => profitOf(sight, config, round, amount)));
      const best = profits.reduce<number | undefined>(
        (found, profit, i) =>
          profit !== undefined && (found === undefined || profit > (profits[found] ?? 0n)) ? i : found,
        undefined,
      );
      if (best === undefined) return;
      yield {
        call: {
          description: `Buy ${parts[best]} of ${remaining} of the lot of round ${round} in ${getAddress(asset)}`,
          to: config.filler,
          data: fillData(config, round, parts[best], leastProfit, sight.keeper),
        },
        isDone: async () => {
          const now = await unlessRefused(controller.lot(asset));
          return now === undefined || now.round !== round || now.remaining < remaining;
        },
      };
    },
  };
}

/** Returns what a fill would leave now, in base units; undefined if that is too little, or the pool cannot do it. */
async function profitOf(sight: Sight, config: FillerConfig, round: bigint, amount: bigint) {
  const data = fillData(config, round, amount, config.leastProfit, sight.keeper);
  const answer = await unlessRefused(sight.provider.call({ from: sight.keeper, to: config.filler, data }));
  return answer === undefined ? undefined : (AbiCoder.defaultAbiCoder().decode(["uint256"], answer)[0] as bigint);
}

function fillData({ asset, pool }: FillerConfig, round: bigint, amount: bigint, least: bigint, to: string): string {
  const { fee, tickSpacing, hooks } = pool;
  if (tickSpacing === undefined) {
    const v3 = UniswapV3BuybackFiller__factory.createInterface();
    return v3.encodeFunctionData("fill", [asset, round, amount, fee, least]);
  }
  const v4 = UniswapV4BuybackFiller__factory.createInterface();
  return v4.encodeFunctionData("fill", [asset, round, amount, fee, tickSpacing, hooks, least, to]);
}
