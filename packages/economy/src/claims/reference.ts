import { MAX_REFERENCE, max, min, MIN_REFERENCE } from "@turingfog/sdk";

import { crowd, type Weather } from "../bidders.js";
import { Ledger } from "../ledger.js";
import { Pool } from "../pool.js";
import { Random } from "../random.js";
import { DAY, dollars, sellLots, units, whole } from "../sale.js";
import { type Claim, number, spread } from "./claim.js";

const FACTORS = [1e2, 1e4, 1e6] as const;
const FLOWS = [50, 800, 12_000] as const;
const SEEDS = 5;
/** TFT for a dollar, and the most that it moves in a day either way. */
const PRICE = 20;
const SWING = 0.05;
const YEAR = 365;

/** Returns the days until a reference is within a factor of two of a market that swings; Infinity if not in a year. */
function heals(ratio: number, flow: number, seed: number): number {
  const random = new Random(seed);
  const weather: Weather = { pauses: [], market: PRICE, fee: 0 };
  const ledger = new Ledger({ epochLength: BigInt(DAY), auctionPeriod: BigInt(DAY), operationsShare: 1_000n });
  const reference = BigInt(Math.round(PRICE * ratio * 1e9)) * 10n ** 9n;
  ledger.list("USDC", 6n, max(min(reference, MAX_REFERENCE), MIN_REFERENCE));
  let price = PRICE;
  for (let day = 1; day <= YEAR; ++day) {
    // so deep that the lots do not move it
    const pool = Pool.of(dollars(1e9), units(1e9 * price));
    ledger.earn("USDC", BigInt(day * DAY), [["miner", dollars(flow / price)]]);
    const bidders = crowd(pool, weather, 2, 1e9);
    weather.market = price;
    sellLots(ledger, "USDC", [day * DAY, (day + 1) * DAY], bidders, price);
    const off = Math.abs(Math.log2(whole(ledger.reference("USDC")) / price));
    if (off <= 1) return day;
    price *= Math.exp(SWING * (random.below(2_001) / 1_000 - 1));
  }
  return Infinity;
}

export function theReference(): Claim {
  const rows = ([1, -1] as const).flatMap((side) =>
    FACTORS.map((factor) => ({
      name: `${number(factor)} times too ${side === 1 ? "high" : "low"}`,
      by: FLOWS.map((flow) =>
        spread(
          Array.from({ length: SEEDS }, (_, i) => heals(factor ** side, flow, i + 1)),
          "high",
        ),
      ),
    })),
  );
  const days = (value: number) => (value === Infinity ? "more than a year" : String(value));
  const of = (row: number, flow: number) => rows[row].by[flow];
  return {
    id: "reference",
    text: "days until a reference 100 times too high, or low, is back, with 800 TFT a day and two bidders",
    figure: `${days(of(0, 1).median)}, ${days(of(3, 1).median)}`,
    worst: `${days(of(2, 0).worst)}: 1,000,000 times too high, 50 TFT a day`,
    sentences: [],
    tables: [
      {
        title: `Days until a wrong reference is within a factor of two of a market that swings by up to ${SWING * 100} % a day`,
        columns: ["reference", ...FLOWS.flatMap((flow) => [`>${number(flow)} TFT a day: median`, ">worst"])],
        rows: rows.map(({ name, by }) => [name, ...by.flatMap(({ median, worst }) => [days(median), days(worst)])]),
      },
    ],
  };
}
