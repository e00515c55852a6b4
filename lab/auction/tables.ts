import { share, type Table } from "@turingfog/economy";
import { ceilDiv, MAX_REFERENCE, MIN_REFERENCE, OPENING_DOUBLINGS, WAD } from "@turingfog/sdk";

import { CROWDS, type Off, type Result, RIGHT, scenarioOf, STANDSTILLS, TIMINGS, VALUES, YEAR } from "./cases";
import { pushedUp, ROUNDINGS, SAVED_BY_A_LOT, stepOf, walkByTwo } from "./dust";
import { BLOCK, DAY, DRIFTS, FIRST_MARKET_PRICE, HOUR } from "./market";
import { factorOf, TFT, times } from "./report";
import { unfinishedAt } from "./rounds";
import { firstReference, type Outcome, type Scenario, simulate } from "./simulate";
import { LATER_CHOICES, type Version, VERSION_ONE, versionOne, versionTwo } from "./versions";

const TOO_HIGH = [10n, 100n, 10_000n, 1_000_000n].map((factor): Off => ({ factor, side: "high" }));
/** The furthest off at which a lot is still sold on its first day. */
const FOUR_TIMES: Off = { factor: 4n, side: "high" };
const SEEDS = 20;
const TWENTY_YEARS = 20 * YEAR;
/** A lot opens at so many times its reference. */
const OPENING = Number(2n ** OPENING_DOUBLINGS);

/** Lays both versions side by side, without a stand-still. */
export function gridTable(second: readonly Result[], first: readonly Result[]): Table {
  const rows = second.flatMap(({ scenario, outcome }, i) =>
    scenario.standstill === 0 ? [[...describe(scenario), ...summary(outcome), ...summary(first[i].outcome)]] : [],
  );
  return {
    title: "A year, by reference, lot and bidders",
    columns: ["reference", ">TFT a day", "bidders", ...summaryColumns("v2"), ...summaryColumns("v1")],
    rows,
  };
}

/** Shows the worst that stand-stills did in version 2, over all first references. */
export function standstillTable(results: readonly Result[]): Table {
  const rows = [0, ...STANDSTILLS].flatMap((hours) =>
    VALUES.flatMap((value) =>
      CROWDS.map((crowd) => {
        const same = results.filter(
          ({ scenario }) => scenario.standstill === hours && scenario.value === value && scenario.crowd === crowd,
        );
        const right = same.find(({ scenario }) => scenario.factor === 1n);
        if (right === undefined) throw new Error("The grid has no case with a right reference");
        return [
          duration(hours),
          TFT(value * WAD),
          crowd,
          String(Math.max(...same.map(({ outcome }) => outcome.unfinished))),
          share(right.outcome.worst),
          share(right.outcome.average),
          share(Math.min(...same.map(({ outcome }) => outcome.worst))),
          `${same.filter(({ outcome }) => outcome.healedBy !== undefined).length} of ${same.length}`,
        ];
      }),
    ),
  );
  return {
    title: "Stand-stills in version 2: from hour 15 of day 60 on, over all seven references",
    columns: [
      "stand-still",
      ">TFT a day",
      "bidders",
      ">unfinished",
      ">right: worst lot",
      ">right: average",
      ">all: worst lot",
      ">healed in the year",
    ],
    rows,
  };
}

/** Shows by which day each reference has returned, with and without a stand-still; beyond the year where it takes longer. */
export function returnTable(version: Version, results: readonly Result[]): Table {
  const pauses = [0, ...STANDSTILLS];
  const rows = results
    .filter(({ scenario }) => scenario.standstill === 0)
    .map(({ scenario }) => {
      const { factor, side, value, crowd } = scenario;
      const same = results.filter(
        ({ scenario: other }) =>
          other.factor === factor && other.side === side && other.value === value && other.crowd === crowd,
      );
      const days = pauses.map((pause) => {
        const result = same.find(({ scenario: other }) => other.standstill === pause);
        if (result === undefined) throw new Error(`The grid has no stand-still of ${pause} h`);
        return healed(result.outcome.healedBy === undefined ? untilHealed(version, result.scenario) : result.outcome);
      });
      return [...describe(scenario), String(Math.max(...same.map(({ outcome }) => outcome.unfinished))), ...days];
    });
  return {
    title: "The day by which a reference has returned, by stand-still",
    columns: ["reference", ">TFT a day", "bidders", ">unfinished", ...pauses.map((pause) => `>${duration(pause)}`)],
    rows,
  };
}

/** Shows epochs and periods of other lengths, over all earnings and bidders. */
export function timingTable(seed: number): Table {
  const offs: Off[] = [RIGHT, { factor: 10_000n, side: "high" }, { factor: 10_000n, side: "low" }];
  const rows = TIMINGS.flatMap(([epoch, period]) => {
    const timing = { epoch: epoch * HOUR, period: period * HOUR };
    return offs.map((off) => {
      const outcomes = CROWDS.flatMap((crowd) =>
        VALUES.map((value) => simulate(versionTwo(undefined, timing), scenarioOf({ ...off, value, crowd, seed }))),
      );
      const first = simulate(versionOne(timing), scenarioOf({ ...off, value: 800n, crowd: "two", seed }));
      return [
        duration(epoch),
        duration(period),
        offOf(off),
        String(Math.max(...outcomes.map(({ unfinished }) => unfinished))),
        ...outcomes.slice(0, VALUES.length).map(healed),
        first.unfinished.toLocaleString("en-US"),
      ];
    });
  });
  return {
    title: "Other epochs and periods, over a year",
    columns: [
      "epoch",
      "period",
      "reference",
      ">v2: unfinished",
      ...VALUES.map((value) => `>healed by day, ${TFT(value * WAD)} TFT a day`),
      ">v1: unfinished",
    ],
    rows,
  };
}

/** Shows a right reference in a market that moves. */
export function driftTable(version: Version, seed: number): Table {
  const rows = DRIFTS.flatMap((drift) =>
    VALUES.flatMap((value) =>
      CROWDS.map((crowd) => {
        const scenario = scenarioOf({ ...RIGHT, value, crowd, drift, seed });
        const outcomes = [version, VERSION_ONE].map((each) => simulate(each, scenario));
        const cells = outcomes.flatMap((outcome) => [
          String(outcome.unfinished),
          times(outcome.furthest),
          share(outcome.worst),
          share(outcome.average),
        ]);
        return [drift.name, TFT(value * WAD), crowd, ...cells];
      }),
    ),
  );
  const columns = (name: string) => [`>${name}: unfinished`, ">furthest off", ">worst lot", ">average"];
  return {
    title: "A year in a market that moves, with a reference that is right at first",
    columns: ["market", ">TFT on day 1", "bidders", ...columns("v2"), ...columns("v1")],
    rows,
  };
}

/** Shows the states that version 1 cannot leave, beside version 2. */
export function absorbingTable(version: Version, seed: number): Table {
  const cases: { name: string; off: Off; value: bigint }[] = [
    { name: "40 USD a day, TFT 16 times dearer", off: { factor: 16n, side: "high" }, value: 50n },
    { name: "walked down to 1 / 1,024", off: { factor: 1_024n, side: "low" }, value: 12_000n },
    { name: "walked up to its cap", off: { factor: MAX_REFERENCE / FIRST_MARKET_PRICE, side: "high" }, value: 800n },
  ];
  const rows = cases.flatMap(({ name, off, value }) =>
    [VERSION_ONE, version].map((each) => {
      const outcome = simulate(each, scenarioOf({ ...off, value, crowd: "two", seed }));
      const { rounds, ratios } = outcome;
      return [
        name,
        TFT(value * WAD),
        each === VERSION_ONE ? "1" : "2",
        String(unfinishedAt(rounds, 24 * DAY - 1)),
        String(unfinishedAt(rounds, YEAR * DAY - 1)),
        hours(outcome.firstLotHours),
        times(ratios[ratios.length - 1]),
        share(outcome.average),
      ];
    }),
  );
  return {
    title: "States that version 1 cannot leave, two bidders",
    columns: [
      "case",
      ">TFT a day",
      ">version",
      ">unfinished, day 24",
      ">day 365",
      ">first lot",
      ">r / market, day 365",
      ">average",
    ],
    rows,
  };
}

/** Weighs LATER: what a lot brings after a stand-still, to the first bidder that returns. */
export function lossTable(): Table {
  const rows = [RIGHT, FOUR_TIMES].flatMap((off) =>
    STANDSTILLS.flatMap((pause) =>
      LATER_CHOICES.map((later) => {
        const { worst, mean } = afterStandstill(versionTwo(later), pause * HOUR, firstReference(off));
        return [offOf(off), duration(pause), String(later), share(worst), share(mean), share(1 - mean)];
      }),
    ),
  );
  return {
    title: "LATER (a): share of one lot's value that is left at the price on return",
    columns: [
      "reference",
      "stand-still",
      ">LATER",
      ">begins just before the sale",
      ">mean over all minutes of a day",
      ">lost on average",
    ],
    rows,
  };
}

/**
 * Returns the share of a lot that is left if a pause begins just before it is sold, and on average over all minutes of a
 * day. The reference is at most four times too high, so that a lot is sold on the day on which it opened.
 */
export function afterStandstill(version: Version, pause: number, reference: bigint): { worst: number; mean: number } {
  const priceAt = (age: number) => Number(version.priceAt(reference, BigInt(age)));
  const market = Number(FIRST_MARKET_PRICE);
  let saleAge = 0;
  while (priceAt(saleAge) > market) saleAge += BLOCK;
  const shares: number[] = [];
  for (let from = 0; from < DAY; from += 60) {
    // before the sale the lot is on sale already; after it the next one opens at the day's end
    const age = from < saleAge ? from + pause : Math.max(from + pause - DAY, 0);
    shares.push(Math.min(priceAt(age) / market, 1));
  }
  const worst = Math.min(priceAt(saleAge - BLOCK + pause) / market, 1);
  return { worst, mean: shares.reduce((sum, each) => sum + each, 0) / shares.length };
}

/** Weighs LATER at a glance: what is left after stand-stills, and the days that healing takes. */
export function laterTable(seed: number): Table {
  const rows = LATER_CHOICES.map((later) => {
    const version = versionTwo(later);
    const left = STANDSTILLS.map((pause) => share(afterStandstill(version, pause * HOUR, firstReference(RIGHT)).mean));
    const high = share(afterStandstill(version, DAY, firstReference(FOUR_TIMES)).mean);
    const days = TOO_HIGH.map((off) =>
      healed(untilHealed(version, scenarioOf({ ...off, value: 800n, crowd: "two", seed }))),
    );
    return [String(later), ...left, high, ...days];
  });
  return {
    title:
      "What LATER weighs: the share of a lot that is left on return, and the days in which a high reference returns",
    columns: [
      ">LATER",
      ...STANDSTILLS.map((pause) => `>left after ${duration(pause)}`),
      ">after 1 d, 4 times too high",
      ...TOO_HIGH.map(({ factor }, i) => `>${i === 0 ? "days, " : ""}× ${factorOf(factor)}`),
    ],
    rows,
  };
}

/** Weighs LATER: what a lone bidder that sleeps pays over a year, mean of some seeds. */
export function sleeperTable(seed: number): Table {
  const rows = [RIGHT, TOO_HIGH[2]].flatMap((off) =>
    VALUES.flatMap((value) =>
      [...LATER_CHOICES.map((later) => versionTwo(later)), VERSION_ONE].map((version, i) => {
        const outcomes = Array.from({ length: SEEDS }, (_, n) =>
          simulate(version, scenarioOf({ ...off, value, crowd: "one", seed: seed + n })),
        );
        const mean = outcomes.reduce((sum, { average }) => sum + average, 0) / SEEDS;
        const later = i < LATER_CHOICES.length ? `v2, ${LATER_CHOICES[i]}` : "v1, 8";
        return [
          offOf(off),
          TFT(value * WAD),
          later,
          share(Math.min(...outcomes.map(({ worst }) => worst))),
          share(mean),
        ];
      }),
    ),
  );
  return {
    title: `LATER (a): a lone bidder that sleeps, over a year; ${SEEDS} seeds`,
    columns: ["reference", ">TFT a day", "rule, LATER", ">worst lot", ">average"],
    rows,
  };
}

/** Weighs LATER: how long a reference that is too high takes to heal. */
export function healingTable(seed: number): Table {
  const rows = TOO_HIGH.flatMap((off) =>
    LATER_CHOICES.map((later) => {
      const outcomes = VALUES.map((value) =>
        untilHealed(versionTwo(later), scenarioOf({ ...off, value, crowd: "two", seed })),
      );
      return [offOf(off), String(later), hours(outcomes[0].firstLotHours), ...outcomes.map(healed)];
    }),
  );
  return {
    title: "LATER (b): days until a reference that is too high is within a factor of two, two bidders",
    columns: ["reference", ">LATER", ">first lot", ...VALUES.map((value) => `>${TFT(value * WAD)} TFT a day`)],
    rows,
  };
}

/** Lists what version 2 does not heal within the year, with the bound on the days that it takes. */
export function unhealedTable(version: Version, results: readonly Result[], seed: number): Table {
  const unhealed = results
    .filter(({ scenario, outcome }) => scenario.standstill === 0 && outcome.healedBy === undefined)
    .map(({ scenario }) => scenario);
  const atFloor: Scenario[] = VALUES.map((value) =>
    scenarioOf({ factor: FIRST_MARKET_PRICE / MIN_REFERENCE, side: "low", value, crowd: "two", seed }),
  );
  const rows = [...unhealed, ...atFloor].map((scenario) => {
    const outcome = untilHealed(version, scenario);
    return [
      ...describe(scenario),
      times(outcome.ratios[YEAR - 1]),
      healed(outcome),
      scenario.crowd === "two" ? Math.round(healingBound(scenario)).toLocaleString("en-US") : "",
    ];
  });
  return {
    title: "Not healed by version 2 within the year, and the lowest reference of all",
    columns: [
      "reference",
      ">TFT a day",
      "bidders",
      ">r / market after a year",
      ">healed by day, within 20 years",
      ">days by the formula",
    ],
    rows,
  };
}

/** Returns about how many days a reference takes with two bidders when a day's earnings are far below 1,000 TFT. */
export function healingBound({ factor, side, value }: Pick<Scenario, "factor" | "side" | "value">): number {
  const days = 1_000 / Number(value);
  const ratio = Number(firstReference({ factor, side })) / Number(FIRST_MARKET_PRICE);
  if (side === "high") return 2 * days * Math.log(ratio / 2);
  // below 1 / OPENING the lots bring less than they are worth, and the less the lower the reference
  const shortfall = Math.max(1 / ratio / OPENING, 1);
  return days * (shortfall - 1 + Math.log(1 / ratio / shortfall / 2));
}

/** Shows what lots of one base unit of TFT move, by rounding. */
export function dustTable(): Table {
  const lots = [YEAR, YEAR * 1_440];
  const rows = [MIN_REFERENCE, 10n ** 12n, WAD, MAX_REFERENCE / 2n].flatMap((reference) =>
    ROUNDINGS.map((rounding) => {
      const moved = lots.map((count) => {
        const by = pushedUp(reference, 1n, count, rounding) - reference;
        return by === 0n ? "0" : `${(Number(by) / Number(reference)).toExponential(1)} r`;
      });
      return [power(reference), rounding, stepOf(reference, 10n ** 11n, rounding).toLocaleString("en-US"), ...moved];
    }),
  );
  return {
    title: "Dust: what lots move that bring one base unit of TFT each, at double the reference",
    columns: [
      "r, base units",
      "rounding",
      ">units moved by one lot of 10^11 units",
      ">by 365 lots of 1 unit",
      ">by 525,600 lots of 1 unit",
    ],
    rows,
  };
}

/** Shows what it costs to move the reference by two, by the size of the lots. */
export function walkTable(): Table {
  const sizes = [1_000n * WAD, 100n * WAD, 10n * WAD, WAD, WAD / 100n];
  const rows = [MIN_REFERENCE, WAD].flatMap((reference) =>
    sizes.map((size) => {
      const walks = (["up", "down"] as const).map((direction) => walkByTwo(reference, size, direction));
      const cells = walks.flatMap(({ lots, proceeds }) => [lots.toLocaleString("en-US"), TFT(proceeds, 2)]);
      const saved = SAVED_BY_A_LOT * BigInt(walks[0].lots) * MIN_REFERENCE;
      return [power(reference), TFT(size, 2), ...cells, TFT(ceilDiv(saved, reference), 6)];
    }),
  );
  return {
    title: "What it costs to move the reference by two, by the size of the lots",
    columns: [
      "r, base units",
      ">TFT a lot",
      ">lots, up",
      ">TFT, up",
      ">lots, down",
      ">TFT, down",
      ">TFT saved by the rounding, up, at most",
    ],
    rows,
  };
}

/** Lives a scenario until its reference has healed, for twenty years at the most. */
function untilHealed(version: Version, scenario: Scenario): Outcome {
  return simulate(version, { ...scenario, days: TWENTY_YEARS, untilHealed: true });
}

function describe({ factor, side, value, crowd }: Scenario): string[] {
  return [offOf({ factor, side }), TFT(value * WAD), crowd];
}

function offOf({ factor, side }: Off): string {
  return factor === 1n ? "right" : `${factorOf(factor)} times too ${side}`;
}

function summaryColumns(name: string): string[] {
  return [`>${name}: unfinished`, ">healed by day", ">worst lot", ">average"];
}

function summary(outcome: Outcome): string[] {
  return [String(outcome.unfinished), healed(outcome), share(outcome.worst), share(outcome.average)];
}

/** Returns the day, or how far the reference was off at last. */
function healed({ healedBy, ratios }: Outcome): string {
  return healedBy?.toLocaleString("en-US") ?? `never: ${times(ratios[ratios.length - 1])}`;
}

function hours(value: number | undefined): string {
  return value === undefined ? "unsold" : `${value.toFixed(1)} h`;
}

function duration(length: number): string {
  if (length === 0) return "none";
  return length < 24 ? `${length} h` : `${length / 24} d`;
}

function power(value: bigint): string {
  const digits = String(value);
  return /^10*$/.test(digits) ? `10^${digits.length - 1}` : `${digits[0]} · 10^${digits.length - 1}`;
}
