import { spawnSync } from "node:child_process";
import path from "node:path";

import { expect } from "chai";
import fc from "fast-check";

import { OutOfRangeError, priceAt as firstPriceAt, WAD } from "@turingfog/sdk";
import { RIGHT, scenarioOf } from "../auction/cases";
import { healingChart, priceChart } from "../auction/chart";
import { pushedUp, SAVED_BY_A_LOT, stepOf, walkByTwo } from "../auction/dust";
import { CONSTANT, FIRST_MARKET_PRICE, WHOLE_UNIT } from "../auction/market";
import { toMarkdown } from "../auction/report";
import { mostUnfinished, Rounds, unfinishedAt } from "../auction/rounds";
import { FULL_PROCEEDS, MAX_REFERENCE, MIN_REFERENCE, nextReference, priceAt } from "../auction/rules";
import { simulate } from "../auction/simulate";
import { afterStandstill, healingBound, lossTable } from "../auction/tables";
import { EPOCH, LATER_CHOICES, VERSION_ONE, versionTwo } from "../auction/versions";

const DAY = 86_400n;
const R = 20n * WAD;
const ROOT = path.join(__dirname, "../..");
const SEED = Number(process.env.SEED ?? 1);

describe("auction of version 2", () => {
  describe("priceAt", () => {
    const outOfRange: [what: string, args: [bigint, bigint, bigint, bigint], message: string][] = [
      ["a negative reference", [-1n, 0n, DAY, 4n], `reference price is -1, must be from 0 to ${MAX_REFERENCE}`],
      ["a reference above the highest", [MAX_REFERENCE + 1n, 0n, DAY, 4n], `reference price is ${MAX_REFERENCE + 1n}`],
      ["a time before the start", [R, -1n, DAY, 4n], `elapsed is -1, must be from 0 to ${2n ** 40n - 1n}`],
      ["a period of nothing", [R, 0n, 0n, 4n], `period is 0, must be from 1 to ${2n ** 40n - 1n}`],
      ["no halvings later", [R, 0n, DAY, 0n], "later is 0, must be from 1 to 64"],
    ];
    for (const [what, args, message] of outOfRange) {
      it(`rejects ${what}`, () => {
        expect(() => priceAt(...args)).to.throw(OutOfRangeError, message);
      });
    }

    const exact: [elapsed: bigint, price: bigint, what: string][] = [
      [0n, 8_192n * R, "8,192 r at the start"],
      [3_600n, 256n * R, "256 r half-way through the opening"],
      [7_200n, 8n * R, "8 r at a twelfth of a period"],
      [23_040n, 4n * R, "4 r a fifth of the way from there"],
      [54_720n, R, "r three fifths of the way"],
      [86_400n, R / 4n, "r / 4 at the period's end"],
    ];
    for (const [elapsed, price, what] of exact) {
      it(`is ${what}, whatever LATER is`, () => {
        for (const later of LATER_CHOICES) expect(priceAt(R, elapsed, DAY, later)).to.equal(price);
      });
    }

    it("has fallen to r / 4 by LATER halvings after two periods", () => {
      expect(priceAt(R, 2n * DAY, DAY, 4n)).to.equal((5n * WAD) / 16n);
      expect(priceAt(R, 2n * DAY, DAY, 6n)).to.equal((5n * WAD) / 64n);
      expect(priceAt(R, 2n * DAY, DAY, 8n)).to.equal((5n * WAD) / 256n);
    });

    // computed with 60 decimals
    const around: [elapsed: bigint, later: bigint, price: bigint][] = [
      [7_199n, 4n, 160_154_106_874_573_369_320n],
      [7_201n, 4n, 159_992_998_666_515_491_669n],
      [86_399n, 4n, 5_000_218_801_245_768_938n],
      [86_401n, 4n, 4_999_839_551_838_175_610n],
      [86_401n, 6n, 4_999_759_329_688_044_688n],
      [86_401n, 8n, 4_999_679_108_825_073_746n],
      [172_799n, 4n, 312_510_028_331_919_508n],
      [172_799n, 8n, 19_532_503_561_603_426n],
    ];
    for (const [elapsed, later, price] of around) {
      it(`is right to 17 digits after ${elapsed} s with LATER = ${later}`, () => {
        const difference = priceAt(R, elapsed, DAY, later) - price;
        expect(difference >= -price / 10n ** 17n && difference <= price / 10n ** 17n).to.equal(true);
      });
    }

    it("keeps its corners when a period is no multiple of twelve", () => {
      expect(priceAt(R, 7n, 7n, 4n)).to.equal(R / 4n);
      expect(priceAt(R, 14n, 7n, 4n)).to.equal(R / 64n);
    });

    it("is 0 from 128 halvings on, and below a unit at the age of 30 periods whatever the reference", () => {
      expect(priceAt(MAX_REFERENCE, 23n * DAY, DAY, 4n)).to.equal(0n);
      expect(priceAt(MAX_REFERENCE, 22n * DAY, DAY, 4n) > 0n).to.equal(true);
      expect(priceAt(MAX_REFERENCE, 2n ** 40n - 1n, DAY, 4n)).to.equal(0n);
      for (const later of LATER_CHOICES) expect(priceAt(MAX_REFERENCE, 30n * DAY, DAY, later)).to.equal(0n);
    });

    it("never rises with age, nor falls with the reference", () => {
      const inputs = fc.tuple(
        fc.bigInt(MIN_REFERENCE, MAX_REFERENCE),
        fc.bigInt(0n, 40n * DAY),
        fc.bigInt(0n, 600n),
        fc.bigInt(60n, 30n * DAY),
        fc.constantFrom(...LATER_CHOICES),
      );
      const property = fc.property(inputs, ([reference, elapsed, more, period, later]) => {
        const price = priceAt(reference, elapsed, period, later);
        expect(priceAt(reference, elapsed + more, period, later) <= price).to.equal(true);
        expect(priceAt(reference / 2n, elapsed, period, later) <= price).to.equal(true);
      });
      fc.assert(property, { seed: SEED, numRuns: 500 });
    });

    it("is version 1's to a unit after the first period, if LATER is 8", () => {
      const inputs = fc.tuple(fc.bigInt(MIN_REFERENCE, MAX_REFERENCE), fc.bigInt(DAY, 20n * DAY));
      const property = fc.property(inputs, ([reference, elapsed]) => {
        const difference = priceAt(reference, elapsed, DAY, 8n) - firstPriceAt(reference, elapsed, DAY);
        expect(difference >= -1n && difference <= 1n).to.equal(true);
      });
      fc.assert(property, { seed: SEED, numRuns: 500 });
    });
  });

  describe("nextReference", () => {
    /** Sells a lot of 1,000 TFT at the average given, or the part of it that brings the proceeds. */
    const after = (reference: bigint, average: bigint, proceeds: bigint) =>
      nextReference(reference, proceeds, (proceeds * WAD) / average, WAD);

    it("rejects a reference outside its bounds", () => {
      expect(() => nextReference(MIN_REFERENCE - 1n, 1n, 1n, 1n)).to.throw(OutOfRangeError);
      expect(() => nextReference(MAX_REFERENCE + 1n, 1n, 1n, 1n)).to.throw(OutOfRangeError);
    });

    it("becomes the average of a lot that brought 1,000 TFT or more", () => {
      expect(after(R, 25n * WAD, FULL_PROCEEDS)).to.equal(25n * WAD);
      expect(after(R, 16n * WAD, 5_000n * FULL_PROCEEDS)).to.equal(16n * WAD);
    });

    it("goes to half or double at the most, however much the lot brought", () => {
      expect(after(R, 9n * WAD, FULL_PROCEEDS)).to.equal(10n * WAD);
      expect(after(R, 41n * WAD, FULL_PROCEEDS)).to.equal(40n * WAD);
      expect(nextReference(R, 10n ** 38n, 1n, WAD)).to.equal(40n * WAD);
      expect(nextReference(R, FULL_PROCEEDS, 10n ** 38n, WAD)).to.equal(10n * WAD);
    });

    it("goes the part of the way that the lot brought of 1,000 TFT", () => {
      expect(after(R, 40n * WAD, 250n * WAD)).to.equal(25n * WAD);
      expect(after(R, 8n * WAD, 250n * WAD)).to.equal((35n * WAD) / 2n);
      expect(after(R, 25n * WAD, 999n * WAD)).to.equal(R + (5n * WAD * 999n) / 1_000n);
    });

    it("stays when the lot brought nothing, or its own price", () => {
      expect(nextReference(R, 0n, 1n, WAD)).to.equal(R);
      for (const proceeds of [1n, 999n * WAD, FULL_PROCEEDS]) {
        expect(nextReference(R, proceeds * 20n, proceeds, WAD)).to.equal(R);
      }
    });

    it("moves by the exact part rounded up: 1 unit of TFT moves the lowest reference by 1 unit", () => {
      expect(nextReference(MIN_REFERENCE, 1n, 1n, WAD)).to.equal(MIN_REFERENCE + 1n);
      expect(nextReference(MIN_REFERENCE, 10n ** 12n, 1n, WAD)).to.equal(MIN_REFERENCE + 1n);
      expect(nextReference(MIN_REFERENCE, 10n ** 12n + 1n, 1n, WAD)).to.equal(MIN_REFERENCE + 2n);
      expect(nextReference(2n * MIN_REFERENCE, 1n, WAD, WAD)).to.equal(2n * MIN_REFERENCE - 1n);
    });

    it("keeps the bounds, and leaves both of them", () => {
      expect(nextReference(MIN_REFERENCE, FULL_PROCEEDS, 10n ** 38n, WAD)).to.equal(MIN_REFERENCE);
      expect(nextReference(MIN_REFERENCE + 1n, FULL_PROCEEDS, 10n ** 38n, WAD)).to.equal(MIN_REFERENCE);
      expect(nextReference(MIN_REFERENCE, FULL_PROCEEDS, 1n, WAD)).to.equal(2n * MIN_REFERENCE);
      expect(nextReference(MAX_REFERENCE, FULL_PROCEEDS, 1n, WAD)).to.equal(MAX_REFERENCE);
      expect(nextReference(MAX_REFERENCE - 1n, FULL_PROCEEDS, 1n, WAD)).to.equal(MAX_REFERENCE);
      expect(nextReference(MAX_REFERENCE, FULL_PROCEEDS, 10n ** 38n, WAD)).to.equal(MAX_REFERENCE / 2n);
    });

    it("rounds half of an odd reference up", () => {
      expect(nextReference(2n * MIN_REFERENCE + 1n, FULL_PROCEEDS, 10n ** 38n, WAD)).to.equal(MIN_REFERENCE + 1n);
    });

    it("moves towards the average, never past it, by at least one unit and at most one above the exact step", () => {
      const inputs = fc.tuple(
        fc.bigInt(MIN_REFERENCE, MAX_REFERENCE),
        fc.bigInt(1n, 2n * FULL_PROCEEDS),
        fc.bigInt(1n, 2n ** 96n),
      );
      const property = fc.property(inputs, ([reference, proceeds, amount]) => {
        const average = (proceeds * WAD) / amount;
        const next = nextReference(reference, proceeds, amount, WAD);
        expect(next >= MIN_REFERENCE && next <= MAX_REFERENCE).to.equal(true);
        const isUp = average > reference;
        const moved = isUp ? next - reference : reference - next;
        const distance = isUp ? average - reference : reference - average;
        expect(moved >= 0n && moved <= distance).to.equal(true);
        const canMove = isUp ? reference < MAX_REFERENCE : reference > MIN_REFERENCE;
        expect(moved > 0n).to.equal(canMove && distance > 0n);
        const furthest = isUp ? reference : reference / 2n;
        expect((moved - 1n) * FULL_PROCEEDS < furthest * proceeds).to.equal(true);
      });
      fc.assert(property, { seed: SEED, numRuns: 1_000 });
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

    it("never has more than two in any market", () => {
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
      const property = fc.property(markets, fc.constantFrom(...LATER_CHOICES), (market, later) => {
        const outcome = simulate(versionTwo(later), { ...market, days: 75 });
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
      expect(stdout).to.contain("--seed N").and.to.contain("--out DIR").and.to.contain("--json");
    });
  });
});
