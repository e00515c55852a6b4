import { spawnSync } from "node:child_process";
import path from "node:path";

import { expect } from "chai";
import fc from "fast-check";

import { toMarkdown } from "@turingfog/economy";
import {
  FULL_PROCEEDS,
  LATER_PERIOD_HALVINGS,
  MAX_REFERENCE,
  MIN_REFERENCE,
  OutOfRangeError,
  priceAt,
  WAD,
} from "@turingfog/sdk";
import { RIGHT, scenarioOf } from "../auction/cases";
import { healingChart, priceChart } from "../auction/chart";
import { pushedUp, SAVED_BY_A_LOT, stepOf, walkByTwo } from "../auction/dust";
import { CONSTANT, FIRST_MARKET_PRICE, WHOLE_UNIT } from "../auction/market";
import { mostUnfinished, Rounds, unfinishedAt } from "../auction/rounds";
import { firstVersionNextReference, firstVersionPriceAt, priceWithLater } from "../auction/rules";
import { simulate } from "../auction/simulate";
import { afterStandstill, healingBound, lossTable } from "../auction/tables";
import { EPOCH, LATER_CHOICES, VERSION_ONE, versionOne, versionTwo } from "../auction/versions";

const DAY = 86_400n;
const R = 20n * WAD;
const ROOT = path.join(__dirname, "../..");
const SEED = Number(process.env.SEED ?? 1);

describe("auction", () => {
  describe("priceWithLater", () => {
    const outOfRange: [what: string, args: [bigint, bigint, bigint, bigint], message: string][] = [
      ["a negative reference", [-1n, 0n, DAY, 4n], `reference price is -1, must be from 0 to ${MAX_REFERENCE}`],
      ["a reference above the highest", [MAX_REFERENCE + 1n, 2n * DAY, DAY, 6n], `must be from 0 to ${MAX_REFERENCE}`],
      ["a time before the start", [R, -1n, DAY, 4n], `elapsed is -1, must be from 0 to ${2n ** 40n - 1n}`],
      ["a time beyond uint40", [R, 2n ** 40n, DAY, 6n], `elapsed is ${2n ** 40n}`],
      ["a period of nothing", [R, 1n, 0n, 6n], `period is 0, must be from 1 to ${2n ** 40n - 1n}`],
      ["no halvings later", [R, 0n, DAY, 0n], "later is 0, must be from 1 to 64"],
    ];
    for (const [what, args, message] of outOfRange) {
      it(`rejects ${what}`, () => {
        expect(() => priceWithLater(...args)).to.throw(OutOfRangeError, message);
      });
    }

    it("is the SDK's price if LATER is the contracts'", () => {
      const inputs = fc.tuple(
        fc.bigInt(MIN_REFERENCE, MAX_REFERENCE),
        fc.bigInt(0n, 40n * DAY),
        fc.bigInt(60n, 30n * DAY),
      );
      const property = fc.property(inputs, ([reference, elapsed, period]) => {
        expect(priceWithLater(reference, elapsed, period, LATER_PERIOD_HALVINGS)).to.equal(
          priceAt(reference, elapsed, period),
        );
      });
      fc.assert(property, { seed: SEED, numRuns: 1_000 });
    });

    it("is the SDK's in the first period, whatever LATER is", () => {
      for (const later of LATER_CHOICES) {
        for (const elapsed of [0n, 3_600n, 7_200n, 54_720n, DAY]) {
          expect(priceWithLater(R, elapsed, DAY, later)).to.equal(priceAt(R, elapsed, DAY));
        }
      }
    });

    it("has fallen to r / 4 by LATER halvings after two periods", () => {
      expect(priceWithLater(R, 2n * DAY, DAY, 4n)).to.equal((5n * WAD) / 16n);
      expect(priceWithLater(R, 2n * DAY, DAY, 6n)).to.equal((5n * WAD) / 64n);
      expect(priceWithLater(R, 2n * DAY, DAY, 8n)).to.equal((5n * WAD) / 256n);
    });

    // computed with 60 decimals
    const around: [elapsed: bigint, later: bigint, price: bigint][] = [
      [86_401n, 6n, 4_999_759_329_688_044_688n],
      [86_401n, 8n, 4_999_679_108_825_073_746n],
      [172_799n, 8n, 19_532_503_561_603_426n],
    ];
    for (const [elapsed, later, price] of around) {
      it(`is right to 17 digits after ${elapsed} s with LATER = ${later}`, () => {
        const difference = priceWithLater(R, elapsed, DAY, later) - price;
        expect(difference >= -price / 10n ** 17n && difference <= price / 10n ** 17n).to.equal(true);
      });
    }

    it("is 0 at the age of 30 periods, at which a lot can be written off, with each LATER", () => {
      for (const later of LATER_CHOICES) expect(priceWithLater(MAX_REFERENCE, 30n * DAY, DAY, later)).to.equal(0n);
    });
  });

  describe("version 1", () => {
    it("falls from 8 r to r / 4 in the first period, and by 8 halvings in each one after it", () => {
      for (const [elapsed, price] of [
        [0n, 8n * R],
        [17_280n, 4n * R],
        [51_840n, R],
        [DAY, R / 4n],
        [2n * DAY, R / 1_024n],
        [18n * DAY, 0n],
      ]) {
        expect(firstVersionPriceAt(R, elapsed, DAY)).to.equal(price);
      }
    });

    it("has the price of LATER = 8 to a unit after the first period", () => {
      const inputs = fc.tuple(fc.bigInt(MIN_REFERENCE, MAX_REFERENCE), fc.bigInt(DAY, 20n * DAY));
      const property = fc.property(inputs, ([reference, elapsed]) => {
        const difference = priceWithLater(reference, elapsed, DAY, 8n) - firstVersionPriceAt(reference, elapsed, DAY);
        expect(difference >= -1n && difference <= 1n).to.equal(true);
      });
      fc.assert(property, { seed: SEED, numRuns: 500 });
    });

    it("moves to the average of a lot of 1,000 TFT, clipped to half and double, and else not at all", () => {
      const after = (average: bigint, proceeds: bigint) =>
        firstVersionNextReference(R, proceeds, (proceeds * WAD) / average, WAD);
      expect(after(25n * WAD, FULL_PROCEEDS)).to.equal(25n * WAD);
      expect(after(8n * WAD, FULL_PROCEEDS)).to.equal(10n * WAD);
      expect(after(50n * WAD, FULL_PROCEEDS)).to.equal(40n * WAD);
      expect(after(25n * WAD, FULL_PROCEEDS - WAD)).to.equal(R);
      expect(firstVersionNextReference(MAX_REFERENCE, FULL_PROCEEDS, 1n, WAD)).to.equal(MAX_REFERENCE);
    });
  });

  describe("dust", () => {
    it("moves nothing if steps are rounded towards the reference, and then 10^9 absorbs", () => {
      expect(stepOf(MIN_REFERENCE, 10n ** 11n, "towards r")).to.equal(0n);
      expect(stepOf(MIN_REFERENCE, 10n ** 11n, "nearest")).to.equal(0n);
      expect(stepOf(MIN_REFERENCE, 10n ** 11n, "away from r")).to.equal(1n);
    });

    it("moves the lowest reference by 365 billionths in a year of daily lots that cost one unit each", () => {
      expect(pushedUp(MIN_REFERENCE, 1n, 365, "away from r")).to.equal(MIN_REFERENCE + 365n);
    });

    it("saves at most 10^12 units a lot off the 693 TFT that doubling costs, and twice that off the 1,000 of halving", () => {
      for (const size of [FULL_PROCEEDS, 100n * WAD, WAD, WAD / 10n]) {
        const up = walkByTwo(MIN_REFERENCE, size, "up");
        expect(up.proceeds + BigInt(up.lots) * SAVED_BY_A_LOT > 693n * WAD).to.equal(true);
        const down = walkByTwo(MIN_REFERENCE * 2n, size, "down");
        expect(down.proceeds + 2n * BigInt(down.lots) * SAVED_BY_A_LOT >= FULL_PROCEEDS).to.equal(true);
      }
    });
  });

  describe("rounds", () => {
    it("closes a round at its epoch's end, or when the one before it is finished", () => {
      const rounds = new Rounds(versionTwo(4n), WHOLE_UNIT, R);
      rounds.earn(100, 5n);
      expect(rounds.closesAt(0)).to.equal(EPOCH);
      rounds.earn(EPOCH - 1, 5n);
      rounds.earn(EPOCH, 7n);
      rounds.earn(3 * EPOCH, 7n);
      expect(rounds.all.map(({ amount }) => amount)).to.deep.equal([10n, 14n]);
      expect(rounds.closesAt(1)).to.equal(Infinity);

      rounds.sell(3 * EPOCH + 50, 10n, 1n, 1n);
      expect(rounds.next()).to.deep.include({ startsAt: 3 * EPOCH + 50 });
      rounds.earn(3 * EPOCH + 50, 1n);
      expect(rounds.all).to.have.length(3);
    });

    it("never has more than two unfinished rounds, in whatever order earnings and sales come", () => {
      const step = fc.record({
        wait: fc.integer({ min: 0, max: 3 * EPOCH }),
        action: fc.constantFrom("earn", "sell a part", "sell out"),
        amount: fc.bigInt(1n, 10n ** 12n),
      });
      const property = fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const rounds = new Rounds(versionTwo(4n), WHOLE_UNIT, R);
        let now = 0;
        for (const { wait, action, amount } of steps) {
          now += wait;
          const lot = rounds.next();
          if (action === "earn") rounds.earn(now, amount);
          else if (lot !== undefined && lot.startsAt <= now) {
            const { remaining } = lot.round;
            const part = action === "sell out" || amount > remaining ? remaining : amount;
            rounds.sell(now, part, part * 10n ** 12n, part);
          }
          expect(unfinishedAt(rounds.all, now)).to.be.at.most(2);
        }
        expect(mostUnfinished(rounds.all)).to.be.at.most(2);
        rounds.all.forEach((round, i) => {
          if (round.finishedAt !== undefined) expect(round.finishedAt).to.be.at.least(rounds.startsAt(i));
        });
      });
      fc.assert(property, { seed: SEED, numRuns: 300 });
    });

    it("never has more than two in any market, with any epoch and period", () => {
      const timings = fc.record({
        epoch: fc.integer({ min: 60, max: 30 * EPOCH }),
        period: fc.integer({ min: 60, max: 30 * EPOCH }),
      });
      const markets = fc.record({
        factor: fc.constantFrom(1n, 10n, 1_000n, 10n ** 6n),
        side: fc.constantFrom("high" as const, "low" as const),
        value: fc.bigInt(1n, 20_000n),
        crowd: fc.constantFrom("one" as const, "two" as const),
        drift: fc.record({
          name: fc.constant("any"),
          trend: fc.integer({ min: -300, max: 300 }),
          swing: fc.integer({ min: 0, max: 2_000 }),
        }),
        standstill: fc.integer({ min: 0, max: 200 }),
        seed: fc.nat(),
      });
      const property = fc.property(markets, timings, fc.constantFrom(...LATER_CHOICES), (market, timing, later) => {
        const outcome = simulate(versionTwo(later, timing), { ...market, days: 75 });
        expect(outcome.unfinished).to.be.at.most(2);
        expect(outcome.worst).to.be.at.least(0);
      });
      fc.assert(property, { seed: SEED, numRuns: 30 });
    });
  });

  describe("simulate", () => {
    it("heals a reference 16 times too high from lots of 50 TFT, where version 1 stays and its queue grows", () => {
      const scenario = scenarioOf({ factor: 16n, side: "high", value: 50n, crowd: "two", seed: SEED });
      const second = simulate(versionTwo(4n), scenario);
      expect(second.unfinished).to.equal(2);
      expect(second.healedBy).to.equal(84);
      expect(second.ratios[364]).to.be.within(0.99, 1);
      expect(second.worst).to.be.above(0.99);

      const first = simulate(VERSION_ONE, scenario);
      expect(first.healedBy).to.equal(undefined);
      expect(first.ratios.every((ratio) => ratio === 16)).to.equal(true);
      expect(unfinishedAt(first.rounds, 24 * EPOCH - 1)).to.equal(6);
      expect(unfinishedAt(first.rounds, 365 * EPOCH - 1)).to.equal(75);
    });

    it("has two rounds where version 1's queue grew: with a period of two epochs in an honest market", () => {
      const scenario = scenarioOf({ ...RIGHT, value: 800n, crowd: "two", seed: SEED, days: 60 });
      const timing = { epoch: EPOCH / 2, period: EPOCH };
      expect(simulate(versionTwo(4n, timing), scenario).unfinished).to.equal(2);
      expect(simulate(versionOne(timing), scenario).unfinished).to.be.above(15);
    });

    it("sells at market after a reference walked down by 1,024 has healed, where version 1 stays at 0.8 %", () => {
      const scenario = scenarioOf({ factor: 1_024n, side: "low", value: 12_000n, crowd: "two", seed: SEED });
      expect(simulate(versionTwo(4n), scenario).average).to.be.above(0.99);
      expect(simulate(VERSION_ONE, scenario).average).to.be.within(0.0078, 0.0079);
    });

    it("gives the same for the same seed, and another year to the sleeper for another", () => {
      const run = (seed: number) => simulate(versionTwo(4n), scenarioOf({ ...RIGHT, value: 800n, crowd: "one", seed }));
      expect(run(1)).to.deep.equal(run(1));
      expect(run(2).average).to.not.equal(run(1).average);
    });

    it("has two bidders share a lot that neither can pay alone", () => {
      const scenario = scenarioOf({ ...RIGHT, value: 12_000n, crowd: "two", seed: SEED, days: 2 });
      const [lot] = simulate(versionTwo(4n), scenario).rounds;
      expect(lot.finishedAt).to.be.within(EPOCH + 54_720, EPOCH + 56_000);
      expect(Number(lot.proceeds) / Number(lot.worth)).to.be.within(0.985, 0.995);
    });

    it("takes about as many days as the formula says", () => {
      for (const [factor, side] of [
        [100n, "high"],
        [100n, "low"],
        [10_000n, "low"],
      ] as const) {
        const scenario = scenarioOf({ factor, side, value: 50n, crowd: "two", seed: SEED, untilHealed: true });
        const { healedBy = NaN } = simulate(versionTwo(6n), scenario);
        expect(healedBy).to.be.within(0.9 * healingBound(scenario), 1.1 * healingBound(scenario));
      }
    });

    it("stays right in a market that does not move", () => {
      const { furthest } = simulate(
        versionTwo(8n),
        scenarioOf({ ...RIGHT, value: 12_000n, crowd: "two", seed: SEED, drift: CONSTANT, standstill: 168 }),
      );
      expect(furthest).to.be.below(1.02);
    });
  });

  describe("afterStandstill", () => {
    it("leaves 2^(−2 − 0.633 · LATER) of a lot when a day begins just before the sale", () => {
      for (const later of LATER_CHOICES) {
        const expected = 2 ** (-2 - Number(later) * (54_720 / 86_400));
        expect(afterStandstill(versionTwo(later), 86_400, FIRST_MARKET_PRICE).worst / expected).to.be.within(
          0.999,
          1.001,
        );
      }
    });

    it("leaves 2^(−LATER / 4) of a lot after six hours if the reference is four times too high", () => {
      for (const later of LATER_CHOICES) {
        const { worst } = afterStandstill(versionTwo(later), 21_600, 4n * FIRST_MARKET_PRICE);
        expect(worst / 2 ** (-Number(later) / 4)).to.be.within(0.999, 1.001);
      }
    });

    it("leaves no more than all, and the less the longer", () => {
      const means = [0, 6, 24, 72].map(
        (hours) => afterStandstill(versionTwo(4n), hours * 3_600, FIRST_MARKET_PRICE).mean,
      );
      expect(means[0]).to.be.at.most(1);
      expect(means).to.deep.equal([...means].sort((a, b) => b - a));
    });
  });

  describe("report", () => {
    it("aligns a table as prettier does", () => {
      const text = toMarkdown([{ title: "T", columns: ["a", ">number"], rows: [["long cell", "1"]] }]);
      expect(text).to.equal("### T\n\n| a         | number |\n| --------- | -----: |\n| long cell |      1 |");
    });

    it("weighs each LATER at each stand-still, with two references", () => {
      expect(lossTable().rows).to.have.length(24);
    });

    it("draws charts that stand alone", () => {
      const outcome = simulate(versionTwo(4n), scenarioOf({ ...RIGHT, value: 50n, crowd: "two", seed: SEED, days: 9 }));
      const healing = healingChart([{ label: "x", colour: "blue", isDashed: false, outcome }]);
      for (const svg of [priceChart(), healing]) {
        expect(svg).to.match(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
        expect(svg).to.not.match(/NaN|Infinity|undefined/);
      }
    });
  });

  describe("the command", () => {
    const call = (...args: string[]) =>
      spawnSync("node", ["-r", "ts-node/register/transpile-only", "lab/auction.ts", ...args], {
        cwd: ROOT,
        encoding: "utf8",
      });

    it("rejects a seed that is no whole number", () => {
      const { status, stderr } = call("--seed", "1.5");
      expect(status).to.equal(2);
      expect(stderr).to.contain("--seed is 1.5, must be a whole number from 0 to 2147483647");
    });

    it("says how it is called", () => {
      const { status, stdout } = call("--help");
      expect(status).to.equal(0);
      expect(stdout).to.contain("--seed <N>").and.to.contain("--out <DIR>").and.to.contain("--json");
    });
  });
});
