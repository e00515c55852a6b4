import { runAll } from "../parallel.js";
import type { Outcome } from "../run.js";
import {
  ADVERSARIES,
  type AdversaryName,
  DEFAULT_SCENARIO,
  type Scenario,
  type ShockName,
  SHOCKS,
  YEAR,
} from "../scenario.js";
import { share, type Table } from "../table.js";
import { type Claim, number, spread } from "./claim.js";
import { PHASES } from "./rules.js";

const SHORT = 3;
/** Day of the blows in short runs. */
const BLOW = 400;
/** Valuations, in years of buybacks, and first days' demands in dollars that the times are told for. */
const MULTIPLES = [1, 2, 5, 10, 20] as const;
const DEMANDS = [1_000, 100_000] as const;
const LONG = 20;

interface Case {
  name: string;
  scenario: Scenario;
}

const shocks = (Object.keys(SHOCKS) as ShockName[]).map((name): Case => ({
  name,
  scenario: { ...DEFAULT_SCENARIO, years: SHORT, shocks: [{ name, day: BLOW }] },
}));
const adversaries = (Object.keys(ADVERSARIES) as AdversaryName[]).map((adversary): Case => ({
  name: adversary,
  scenario: { ...DEFAULT_SCENARIO, years: SHORT, adversary },
}));
const times = MULTIPLES.flatMap((multiple) =>
  DEMANDS.map((demand): Case => ({
    name: `${number(demand)} dollars at ${multiple}`,
    scenario: { ...DEFAULT_SCENARIO, years: LONG, growth: 1, multiple, demand },
  })),
);

/** Lives the runs that the claims about an economy rest on, on all cores, and returns these. */
export async function theRuns(progress: (done: number, all: number) => void): Promise<Claim[]> {
  const cases = [...shocks, ...adversaries, ...times];
  const outcomes = await runAll(
    cases.map(({ scenario }) => scenario),
    progress,
  );
  const of = (some: readonly Case[]) => some.map((each) => ({ ...each, outcome: outcomes[cases.indexOf(each)] }));
  return [theSupply(outcomes), theIncome(outcomes), theTimes(of(times)), theBlows(of(shocks), of(adversaries))];
}

/** A run that breaks the rule does not end, so that those that have ended are the witnesses. */
function theSupply(outcomes: readonly Outcome[]): Claim {
  const days = outcomes.reduce((sum, { scenario }) => sum + scenario.years * YEAR, 0);
  const unfinished = Math.max(...outcomes.map((each) => each.unfinished));
  return {
    id: "circulating",
    text: "what circulates never rises",
    figure: `on 0 of ${number(days)} days`,
    worst: `in ${outcomes.length} runs under every blow and adversary; ${unfinished} unfinished rounds of an asset at most`,
    sentences: ["Circulating supply (total less reserve) starts at 650 M and never rises"],
    tables: [],
  };
}

function theIncome(outcomes: readonly Outcome[]): Claim {
  const rows = PHASES.map((name, phase) => {
    const lived = outcomes
      .map(({ phases }) => phases[phase])
      .filter(({ bought, revenue }) => bought > 0 && revenue > 0);
    const tft = spread(
      lived.map(({ rewards, bought }) => rewards / bought),
      "low",
    );
    const dollars = spread(
      lived.map(({ income, revenue }) => income / revenue),
      "low",
    );
    return { name, tft, dollars, runs: lived.length };
  });
  return {
    id: "income",
    text: "what miners get of their burned revenue, by phase",
    figure: rows.map(({ tft }) => share(tft.median)).join(", "),
    worst: `in dollars ${rows.map(({ dollars }) => share(dollars.worst)).join(", ")}`,
    sentences: [],
    tables: [
      {
        title: "Miners' income as a part of their burned revenue",
        columns: ["phase", ">runs", ">in TFT: median", ">worst", ">in dollars: median", ">worst"],
        rows: rows.map(({ name, tft, dollars, runs }) => [
          name,
          String(runs),
          ...[tft, dollars].flatMap(({ median, worst }) => [share(median), share(worst)]),
        ]),
      },
    ],
  };
}

type Lived = Case & { outcome: Outcome };

function theTimes(lived: readonly Lived[]): Claim {
  const years = (day: number | undefined) => (day === undefined ? `more than ${LONG}` : number(day / YEAR, 1));
  const at = (multiple: number, demand: number) =>
    (lived.find(({ scenario }) => scenario.multiple === multiple && scenario.demand === demand) as Lived).outcome;
  const cells = (multiple: number) =>
    DEMANDS.flatMap((demand) => [years(at(multiple, demand).emptyBy), years(at(multiple, demand).matureBy)]);
  const [least, most] = [MULTIPLES[0], MULTIPLES[MULTIPLES.length - 1]];
  return {
    id: "time",
    text: "years until 562.5 M circulate, and 100 M, if holders value all of it at a year of buybacks",
    figure: `${years(at(least, DEMANDS[1]).emptyBy)}, ${years(at(least, DEMANDS[1]).matureBy)}`,
    worst: `${years(at(most, DEMANDS[1]).emptyBy)}, ${years(at(most, DEMANDS[1]).matureBy)} at ${most} years of buybacks`,
    sentences: [],
    tables: [
      {
        title: "Years until the reserve is empty (562.5 M) and the token mature (100 M), with steady demand",
        columns: [
          ">valuation in years of buybacks",
          ...DEMANDS.flatMap((demand) => [`>${number(demand)} dollars a day: 562.5 M`, ">100 M"]),
        ],
        rows: MULTIPLES.map((multiple) => [String(multiple), ...cells(multiple)]),
      },
    ],
  };
}

function theBlows(shocked: readonly Lived[], attacked: readonly Lived[]): Claim {
  const row = ({ name, outcome }: Lived, what: string) => [
    name,
    what,
    share(outcome.auction.all),
    share(outcome.auction.median),
    share(outcome.auction.worst),
    number(outcome.lost),
    `× ${number(Number(outcome.furthest.toPrecision(3)), 2)}`,
  ];
  const all = [...shocked, ...attacked];
  const shares = all.map(({ outcome }) => outcome.auction.all);
  const stakes: Table = {
    title: "What adversaries got back of what they staked in the first phase, in TFT",
    columns: ["adversary", ">staked", ">got back", ">part"],
    rows: attacked.flatMap(({ name, outcome }) => {
      const [{ paid, received }] = outcome.stakes as [{ paid: number; received: number }];
      return paid === 0 ? [] : [[name, number(paid), number(received), share(received / paid)]];
    }),
  };
  const parts = attacked.flatMap(({ outcome }) =>
    (outcome.stakes ?? []).filter(({ paid }) => paid > 0).map(({ paid, received }) => received / paid),
  );
  return {
    id: "blows",
    text: `lots of ${SHORT} years under blows and adversaries bring, of their worth on the market`,
    figure: share(spread(shares, "low").median),
    worst: `${share(Math.min(...shares))}; an adversary gets back ${share(Math.max(...parts))} at most`,
    sentences: [],
    tables: [
      {
        title: `${SHORT} years under a blow on day ${BLOW}, or beside an adversary`,
        columns: [
          "name",
          "what",
          ">all lots",
          ">median",
          ">worst lot",
          ">dollars written off",
          ">reference furthest off",
        ],
        rows: [
          ...shocked.map((each) => row(each, SHOCKS[each.name as ShockName])),
          ...attacked.map((each) => row(each, ADVERSARIES[each.name as AdversaryName])),
        ],
      },
      stakes,
    ],
  };
}
