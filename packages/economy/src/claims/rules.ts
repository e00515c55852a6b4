import {
  BURNING_END,
  destroy,
  GENESIS,
  MAX_REFERENCE,
  Phase,
  priceAt,
  PRODUCTION_MINING_END,
  type SupplyState,
  supplyOf,
  WAD,
} from "@turingfog/sdk";

import { ageAt } from "../curve.js";
import { Random } from "../random.js";
import { whole } from "../sale.js";
import { type Claim, number } from "./claim.js";

const OPERATIONS = 1_000n;
const BASIS_POINTS = 10_000n;
const DAY = 86_400n;

/** Burns random amounts until the token is mature: TFT bought in all, and the largest rise of what circulates. */
function wholeWay(seed: number): { bought: bigint; destructions: number; largestRise: bigint } {
  const random = new Random(seed);
  let state: SupplyState = GENESIS;
  let bought = 0n;
  let destructions = 0;
  let largestRise = -supplyOf(state).total;
  while (state.burned < BURNING_END) {
    const left = BURNING_END - state.burned;
    const amount = (BigInt(1 + random.below(2 ** 30)) * 5_000_000n * WAD) / 2n ** 30n;
    const some = state.burned >= PRODUCTION_MINING_END && amount > 2n * left ? 2n * left : amount;
    const after = destroy(state, some);
    const rise = supplyOf(after).circulating - supplyOf(state).circulating;
    if (rise > largestRise) largestRise = rise;
    bought += some;
    destructions += 1;
    state = { burned: after.burned, released: after.released };
  }
  return { bought, destructions, largestRise };
}

/** What a coalition gets back of 1,000 TFT at a state of the supply: with operations' share, and without. */
function cycle(burned: bigint, stake: bigint): { all: bigint; miner: bigint } {
  const { release, distributed } = destroy({ burned, released: destroy({ burned, released: 0n }, 0n).released }, stake);
  return { all: release + distributed, miner: release - (release * OPERATIONS) / BASIS_POINTS + distributed };
}

export function theWay(): Claim {
  const ways = Array.from({ length: 20 }, (_, i) => wholeWay(i + 1));
  const [least, most] = [Math.min, Math.max].map((of) => of(...ways.map(({ bought }) => whole(bought) / 1e6)));
  const destructions = ways.reduce((sum, each) => sum + each.destructions, 0);
  return {
    id: "way",
    text: "the way to 100 M takes purchases of 1,362.5 M TFT",
    figure: `${number(least, 1)} M TFT`,
    worst: `${number(most, 1)} M TFT, over 20 random ways of ${number(destructions)} destructions`,
    sentences: [`The whole way to 100 M takes purchases of 437.5 M + 2 · 462.5 M = ${number(least, 1)} M TFT`],
    tables: [],
  };
}

export function theCoalition(): Claim {
  const stake = 1_000n * WAD;
  const at: Record<string, bigint> = {
    ProductionMining: 0n,
    BuybackDistribution: PRODUCTION_MINING_END,
    Mature: BURNING_END,
  };
  const lost = Object.entries(at).map(([name, burned]) => {
    const { all, miner } = cycle(burned, stake);
    return { name, back: whole(all), miner: whole(miner), lost: whole(stake - all) };
  });
  const dust = [1n, 2n, 3n, 7n, 10n ** 18n].flatMap((amount) =>
    Array.from({ length: 1_000 }, (_, i) => cycle(BigInt(i), amount).all - (amount * 4n) / 5n),
  );
  const gained = dust.reduce((most, each) => (each > most ? each : most));
  const [mining, buyback, mature] = lost;
  return {
    id: "coalition",
    text: "what a coalition of renter, miner, operations and bidder loses of 1,000 TFT, by phase",
    figure: lost.map((each) => number(each.lost)).join(", "),
    worst: `gains ${gained} base unit by rounding, over ${number(dust.length)} destructions of dust`,
    sentences: [
      `| \`ProductionMining\` | 1,000 | ${number(mining.back)} (${number(mining.miner)} unless it is operations too) | ${number(mining.lost)} |`,
      `| \`BuybackDistribution\` | 1,000 | ${number(buyback.back)} | ${number(buyback.lost)} |`,
      `| \`Mature\` | 1,000 | ${number(mature.back)} | ${number(mature.lost)} |`,
      "gives it one base unit (10⁻¹⁸ TFT) at most",
    ],
    tables: [],
  };
}

/** Spends 1,000 TFT and what it brings again, until less than a millionth is left; TFT burned or bought in all. */
function respent(burned: bigint, isOperationsSpent: boolean): number {
  let state: SupplyState = { burned, released: destroy({ burned, released: 0n }, 0n).released };
  let bought = 0n;
  for (let amount = 1_000n * WAD; amount > WAD / 1_000_000n;) {
    const { release, distributed, burned: after, released } = destroy(state, amount);
    bought += amount;
    const operations = isOperationsSpent ? 0n : (release * OPERATIONS) / BASIS_POINTS;
    amount = release + distributed - operations;
    state = { burned: after, released };
  }
  return whole(bought);
}

export function theSeries(): Claim {
  const [mining, without, buyback] = [respent(0n, true), respent(0n, false), respent(PRODUCTION_MINING_END, true)];
  return {
    id: "series",
    text: "1,000 TFT spent again without end buy 5,000 in phase 1 (3,571 less operations), 2,000 in phase 2",
    figure: [mining, without, buyback].map((each) => number(each)).join(", "),
    worst: `${number(mining)}: nothing is kept`,
    sentences: [
      `1,000 / (1 − 0.8) = ${number(mining)}`,
      `1,000 / (1 − 0.72) = ${number(without)}`,
      `1,000 + 500 + 250 + … = ${number(buyback)}`,
    ],
    tables: [],
  };
}

export function theFaker(): Claim {
  const [honest, faked] = [10 * 100, 90 * 0.01];
  const part = faked / (honest + faked);
  return {
    id: "faker",
    text: "90 fake TU at 0.01 beside 10 honest TU at 100 get less than 0.1 % of the reward",
    figure: `${(100 * part).toFixed(2)} %`,
    worst: `${number(honest + faked, 1)} of money, ${number(faked, 1)} of it faked; by TU it were 90 %`,
    sentences: [`the faker has ${number(faked, 1)} of ${number(honest + faked, 1)}, less than 0.1 %`],
    tables: [],
  };
}

export function theClearing(): Claim {
  const hours = [4, 10, 100, 1_000, 10_000].map((factor) => number(24 * ageAt(1 / factor), factor === 4 ? 0 : 1));
  const zeroFrom = Array.from({ length: 31 }, (_, age) => age).find(
    (age) => priceAt(MAX_REFERENCE, BigInt(age) * DAY, DAY) === 0n,
  );
  return {
    id: "clearing",
    text: "a lot clears at any reference: hours at 4, 10, 100, 1,000 and 10,000 times too high",
    figure: hours.join(", "),
    worst: `at the highest reference the price is 0 from ${zeroFrom} periods on`,
    sentences: [
      `| clears after (h) | ${hours.join(" | ")} |`,
      `By then the price has been 0 for ${30 - Number(zeroFrom)} periods`,
    ],
    tables: [],
  };
}

/** The names of the phases, in their order. */
export const PHASES = [Phase.ProductionMining, Phase.BuybackDistribution, Phase.Mature].map((each) => Phase[each]);
