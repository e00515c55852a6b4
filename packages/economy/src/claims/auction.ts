import { WAD } from "@turingfog/sdk";

import { Bidder, crowd, Filler, type Weather } from "../bidders.js";
import { Ledger } from "../ledger.js";
import { Pool } from "../pool.js";
import { Random } from "../random.js";
import { type Buyer, DAY, dollars, sellLots, units, whole } from "../sale.js";
import { share } from "../table.js";
import { type Claim, spread } from "./claim.js";

const SIZES = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1] as const;
const TARGET = 0.1;
const RUNS = 200;
/** Dollars in the pool, and TFT for one. */
const DEPTH = 1_000_000;
const PRICE = 20;
/** Parts in which a bidder with capital buys back what they paid, an hour apart, so that the market recovers. */
const PARTS = 48;
const FEE = 0.003;
/** Days after which what is unsold counts as brought for nothing. */
const LONGEST = 20;

/** Ways in which a lot is turned into TFT. */
const WAYS = ["bidders with capital", "fillers alone", "one swap"] as const;
type Way = (typeof WAYS)[number];

/** Sells a lot of a part of the pool's depth, and returns the part of the market's worth that it brings. */
function sold(way: Way, size: number, seed: number): number {
  const random = new Random(seed);
  const between = (low: number, high: number) => low + ((high - low) * random.below(2 ** 20)) / 2 ** 20;
  const pool = Pool.of(dollars(DEPTH), units(DEPTH * PRICE));
  const lot = dollars(DEPTH * size);
  const worth = DEPTH * size * pool.price;
  if (way === "one swap") return whole(pool.sellDollars(lot)) / worth;

  const weather: Weather = { pauses: [], market: PRICE, fee: 0.5 };
  const ledger = new Ledger({ epochLength: BigInt(DAY), auctionPeriod: BigInt(DAY), operationsShare: 1_000n });
  ledger.list("USDC", 6n, units(PRICE * between(0.5, 2)));
  ledger.earn("USDC", 1n, [["miner", lot]]);
  const buyers: Buyer[] = [new Filler(pool, weather, between(0.001, 0.005))];
  if (way === "bidders with capital") {
    const capital = worth * between(0.5, 3);
    for (const bidder of crowd(pool, weather, 3, capital)) {
      const rebalancing = FEE + size / PARTS;
      const margin = bidder.margin * between(0.5, 1.5) + rebalancing;
      buyers.push(new Bidder(pool, weather, margin, bidder.delay, bidder.tft));
    }
  }
  const sales = sellLots(ledger, "USDC", [DAY, LONGEST * DAY], buyers, PRICE);
  return sales.reduce((sum, { paid }) => sum + paid, 0) / worth;
}

export function theAuction(): Claim {
  const measured = SIZES.map((size) => ({
    size,
    by: WAYS.map((way) =>
      spread(
        Array.from({ length: RUNS }, (_, i) => sold(way, size, i + 1)),
        "low",
      ),
    ),
  }));
  const target = measured.find(({ size }) => size === TARGET) as (typeof measured)[number];
  const [capital, fillers, swap] = target.by;
  return {
    id: "auction",
    text: `a lot of ${share(TARGET)} of the pool's depth brings 97 % of the market at the median of ${RUNS} runs`,
    figure: `${share(capital.median)}; one swap ${share(swap.median)}`,
    worst: `${share(capital.worst)}; fillers alone ${share(fillers.worst)}`,
    sentences: [
      `A lot of a tenth of the pool's depth brings ${share(capital.median)} of its worth at the median from bidders with capital, ${share(fillers.median)} from fillers alone, and ${share(swap.median)} in one swap`,
    ],
    tables: [
      {
        title: "What a lot brings of its worth on the market, by its part of the pool's depth",
        columns: [">lot", ...WAYS.flatMap((way) => [`>${way}: median`, ">worst"])],
        rows: measured.map(({ size, by }) => [
          share(size),
          ...by.flatMap(({ median, worst }) => [share(median), share(worst)]),
        ]),
      },
    ],
  };
}

/** Sells one lot whose asset's transfers stop for some days just before the sale; returns the part that it brings. */
function frozen(days: number): number {
  const pool = Pool.of(dollars(DEPTH), units(DEPTH * PRICE));
  const weather: Weather = { pauses: [], market: PRICE, fee: 0 };
  const ledger = new Ledger({ epochLength: BigInt(DAY), auctionPeriod: BigInt(DAY), operationsShare: 1_000n });
  ledger.list("USDC", 6n, BigInt(PRICE) * WAD);
  const lot = dollars(DEPTH / 100);
  ledger.earn("USDC", 1n, [["miner", lot]]);
  // with a right reference a lot is due at 0.633 of a period
  weather.pauses.push({ from: DAY, to: Math.floor(1.633 * DAY) + days * DAY });
  const [bidder] = crowd(pool, weather, 1, DEPTH * PRICE);
  const sales = sellLots(ledger, "USDC", [DAY, 40 * DAY], [bidder], PRICE);
  return sales.reduce((sum, { paid }) => sum + paid, 0) / ((DEPTH / 100) * PRICE);
}

export function theFreeze(): Claim {
  const days = [1, 3, 7, 20] as const;
  const left = days.map(frozen);
  return {
    id: "freeze",
    text: "an asset whose transfers stop for some days takes the lot that is on sale with it",
    figure: days.map((day, i) => `${day} d: ${share(left[i])}`).join(", "),
    worst: `${share(left[left.length - 1])} after ${days[days.length - 1]} days`,
    sentences: [
      `a right reference leaves ${share(left[0])} of the lot after a day, ${share(left[1])} after three and ${share(left[2])} after seven`,
    ],
    tables: [],
  };
}
