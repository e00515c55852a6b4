import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import fc from "fast-check";
import { ethers } from "hardhat";

import {
  DAY,
  FULL_PROCEEDS,
  max,
  MAX_REFERENCE,
  min,
  MIN_REFERENCE,
  MINUTE,
  nextReference,
  priceAt,
  WAD as TFT,
  WRITE_OFF_PERIODS,
} from "@turingfog/sdk";
import { AuctionPriceHarness__factory, type AuctionPriceHarness } from "../../typechain-types";
import { exactPrice, priceTolerance } from "../model/reference/price";

const SEED = Number(process.env.SEED ?? 1);
const RUNS = 5_000;

/** Few, because the in-process chain keeps a trace of every instruction of a call. */
const INPUTS_PER_CALL = 250;

async function deployHarness() {
  const [deployer] = await ethers.getSigners();
  return { harness: await new AuctionPriceHarness__factory(deployer).deploy() };
}

interface PriceInput {
  referencePrice: bigint;
  elapsed: bigint;
  period: bigint;
}

interface ReferenceInput {
  referencePrice: bigint;
  proceeds: bigint;
  amount: bigint;
  wholeUnit: bigint;
}

async function priceOf(harness: AuctionPriceHarness, input: PriceInput): Promise<bigint> {
  const [price] = await harness.pricesAt([input]);
  expect(priceAt(input.referencePrice, input.elapsed, input.period), "the SDK").to.equal(price);
  return price;
}

async function referenceAfter(harness: AuctionPriceHarness, input: ReferenceInput): Promise<bigint> {
  const [reference] = await harness.nextReferences([input]);
  const { referencePrice, proceeds, amount, wholeUnit } = input;
  expect(nextReference(referencePrice, proceeds, amount, wholeUnit), "the SDK").to.equal(reference);
  return reference;
}

/** Every order of magnitude alike. */
function logUniform(minimum: bigint, maximum: bigint): fc.Arbitrary<bigint> {
  return fc
    .integer({ min: minimum.toString(2).length, max: maximum.toString(2).length })
    .chain((bits) => fc.bigInt({ min: minimum, max: min(maximum, (1n << BigInt(bits)) - 1n) }));
}

function* chunks<T>(items: readonly T[], size: number): Generator<T[]> {
  for (let first = 0; first < items.length; first += size) yield items.slice(first, first + size);
}

describe("AuctionPrice", () => {
  describe("priceAt", () => {
    const R = 123_456_789_012_345_678_901n;
    /** The opening, a twelfth of a period, and a fifth of the rest. */
    const OPENING = DAY / 12n;
    const FIFTH = (DAY - OPENING) / 5n;
    const cases: [what: string, elapsed: bigint, price: bigint][] = [
      ["opens at exactly 8,192 times the reference", 0n, 8_192n * R],
      ["is exactly half of that after a tenth of the opening", OPENING / 10n, 4_096n * R],
      ["is exactly 256 times the reference in the middle of the opening", OPENING / 2n, 256n * R],
      ["is exactly 16 times the reference a tenth before the opening's end", (OPENING * 9n) / 10n, 16n * R],
      ["is exactly eight times the reference after a twelfth of a period", OPENING, 8n * R],
      ["is exactly four times the reference a fifth of the rest later", OPENING + FIFTH, 4n * R],
      ["is exactly the reference after three fifths of the rest", OPENING + 3n * FIFTH, R],
      ["is half of the reference, rounded down, after four fifths of the rest", OPENING + 4n * FIFTH, R / 2n],
      ["is a quarter of the reference, rounded down, after one period", DAY, R / 4n],
      ["is an eighth of the reference, rounded down, a quarter of a period later", (DAY * 5n) / 4n, R / 8n],
      ["is 2^-4 of a quarter, rounded down, after two periods", 2n * DAY, R / 4n / 16n],
      ["is 2^-8 of a quarter, rounded down, after three periods", 3n * DAY, R / 4n / 256n],
    ];
    for (const [what, elapsed, price] of cases) {
      it(what, async () => {
        const { harness } = await loadFixture(deployHarness);
        expect(await priceOf(harness, { referencePrice: R, elapsed, period: DAY })).to.equal(price);
      });
    }

    it("opens at 8,192 times the highest reference and the lowest", async () => {
      const { harness } = await loadFixture(deployHarness);
      for (const referencePrice of [MIN_REFERENCE, MAX_REFERENCE]) {
        expect(await priceOf(harness, { referencePrice, elapsed: 0n, period: DAY })).to.equal(8_192n * referencePrice);
      }
    });

    it("is nothing for a reference of nothing", async () => {
      const { harness } = await loadFixture(deployHarness);
      expect(await priceOf(harness, { referencePrice: 0n, elapsed: 0n, period: DAY })).to.equal(0n);
    });

    it("goes on halving at the highest reference until less than a unit is left", async () => {
      const { harness } = await loadFixture(deployHarness);
      for (let periods = 1n; periods <= 24n; ++periods) {
        const input = { referencePrice: MAX_REFERENCE, elapsed: periods * DAY, period: DAY };
        const halvings = 2n + 4n * (periods - 1n);
        expect(await priceOf(harness, input), `after ${periods} periods`).to.equal(MAX_REFERENCE >> halvings);
      }
    });

    it("is zero from 128 halvings on, and has been below one unit before, even at the highest reference [T21]", async () => {
      const { harness } = await loadFixture(deployHarness);
      const halvingsReach128 = DAY + ((128n - 15n) * DAY) / 4n;
      const halfAHalving = DAY / 8n;
      const beyond = [halvingsReach128 + halfAHalving, 100n * DAY, 2n ** 40n - 1n];
      for (const elapsed of [halvingsReach128 - 1n, halvingsReach128, ...beyond]) {
        const price = await priceOf(harness, { referencePrice: MAX_REFERENCE, elapsed, period: DAY });
        expect(price, `after ${elapsed} s`).to.equal(0n);
      }
    });

    it("is zero for seven periods before a lot can be written off, even at the highest reference", async () => {
      const { harness } = await loadFixture(deployHarness);
      const input = { referencePrice: MAX_REFERENCE, period: DAY };

      expect(await priceOf(harness, { ...input, elapsed: (DAY * 45n) / 2n })).to.be.greaterThan(0n);
      expect(await priceOf(harness, { ...input, elapsed: 23n * DAY })).to.equal(0n);
      expect(WRITE_OFF_PERIODS).to.equal(30n);
    });

    it("falls by a second of the shortest and of the longest period as of a day", async () => {
      const { harness } = await loadFixture(deployHarness);
      for (const period of [MINUTE, DAY, 30n * DAY]) {
        expect(await priceOf(harness, { referencePrice: R, elapsed: period / 12n, period })).to.equal(8n * R);
        expect(await priceOf(harness, { referencePrice: R, elapsed: period, period })).to.equal(R / 4n);
        expect(await priceOf(harness, { referencePrice: R, elapsed: 2n * period, period })).to.equal(R / 4n / 16n);
      }
    });

    it("is 8 r at the end of the opening for a period that is no multiple of twelve, to the second around it", async () => {
      const { harness } = await loadFixture(deployHarness);
      // 6,727.25 s, so that the opening ends within a second
      const period = 80_727n;
      for (const elapsed of [6_727n, 6_728n]) {
        const price = await priceOf(harness, { referencePrice: R, elapsed, period });
        const exact = exactPrice(R, elapsed, period);
        expect(price - exact, `after ${elapsed} s`).to.be.within(-priceTolerance(exact), priceTolerance(exact));
        expect(price > 8n * R, `after ${elapsed} s`).to.equal(elapsed === 6_727n);
      }
    });

    it("is within 1e-15 of the exact curve throughout the opening, the first period and the one after it", async () => {
      const { harness } = await loadFixture(deployHarness);
      const inputs = Array.from({ length: 101 }, (_, n) => ({
        referencePrice: MAX_REFERENCE,
        elapsed: (BigInt(n) * DAY) / 50n,
        period: DAY,
      }));
      const prices = await harness.pricesAt(inputs);
      for (const [n, price] of prices.entries()) {
        const exact = exactPrice(MAX_REFERENCE, inputs[n].elapsed, DAY);
        // the model's tolerance is 2^-56
        expect(price - exact, `after ${n} fiftieths of a period`).to.be.within(
          -priceTolerance(exact),
          priceTolerance(exact),
        );
      }
    });

    it(`is the same in the SDK for ${RUNS} random inputs (SEED=${SEED}) [slow]`, async () => {
      const { harness } = await loadFixture(deployHarness);
      const arbitrary = fc
        .record({
          referencePrice: logUniform(0n, MAX_REFERENCE),
          period: logUniform(MINUTE, 30n * DAY),
          // of a period, in millionths: the opening, the first period, and up to beyond the last price
          age: fc.oneof(
            fc.bigInt({ min: 0n, max: 84_000n }),
            fc.bigInt({ min: 0n, max: 1_000_000n }),
            fc.bigInt({ min: 0n, max: 31_000_000n }),
          ),
        })
        .map(({ referencePrice, period, age }) => ({ referencePrice, period, elapsed: (period * age) / 1_000_000n }));
      for (const batch of chunks(fc.sample(arbitrary, { numRuns: RUNS, seed: SEED }), INPUTS_PER_CALL)) {
        const prices = await harness.pricesAt(batch);
        for (const [i, { referencePrice, elapsed, period }] of batch.entries()) {
          const told = `r ${referencePrice}, elapsed ${elapsed}, period ${period}`;
          if (priceAt(referencePrice, elapsed, period) !== prices[i]) expect.fail(`is not ${prices[i]}: ${told}`);
          const exact = exactPrice(referencePrice, elapsed, period);
          const off = max(exact - prices[i], prices[i] - exact);
          if (off > priceTolerance(exact)) expect.fail(`is ${prices[i]}, exactly ${exact}: ${told}`);
        }
      }
    });
  });

  describe("nextReference", () => {
    const R = 2n * TFT;
    const UNIT = 10n ** 6n;
    // a lot of 5,000 whole units, so that proceeds of 10,000 TFT are the reference itself
    const LOT = 5_000n * UNIT;
    const AT_REFERENCE = 10_000n * TFT;

    const cases: [what: string, referencePrice: bigint, proceeds: bigint, amount: bigint, next: bigint][] = [
      // the whole step, from 1,000 TFT on
      ["becomes the average of a lot that brought exactly 1,000 TFT", R, FULL_PROCEEDS, 400n * UNIT, (5n * TFT) / 2n],
      ["stays when the average was the reference", R, AT_REFERENCE, LOT, R],
      ["becomes the average, rounded down", R, AT_REFERENCE + 4_999n, LOT, R],
      ["becomes the average between the bounds", R, AT_REFERENCE + 5_000n, LOT, R + 1n],
      ["at most doubles", R, 8n * AT_REFERENCE, LOT, 2n * R],
      ["doubles exactly", R, 2n * AT_REFERENCE, LOT, 2n * R],
      ["at most halves", R, AT_REFERENCE, 1_000n * LOT, R / 2n],
      ["halves exactly", R, AT_REFERENCE / 2n, LOT, R / 2n],
      // 1,000 TFT weigh all, to the last unit of a step of more than 10^21
      ["doubles a high reference exactly for 1,000 TFT", 100_000n * TFT, FULL_PROCEEDS, 1n, 200_000n * TFT],
      ["halves a high reference exactly for 1,000 TFT", 100_000n * TFT, FULL_PROCEEDS, UNIT ** 3n, 50_000n * TFT],
      ["rounds the half of an odd reference up", R + 1n, AT_REFERENCE, 1_000n * LOT, R / 2n + 1n],
      // a part of it, below 1,000 TFT
      ["moves a quarter of the way to double for 250 TFT", R, 250n * TFT, UNIT, R + R / 4n],
      ["moves a quarter of the way to half for 250 TFT", R, 250n * TFT, 10n ** 6n * UNIT, R - R / 8n],
      // v = 2.5 TFT: half a TFT above the reference, a tenth of it for 100 TFT
      ["moves a tenth of the way to the average for 100 TFT", R, 100n * TFT, 40n * UNIT, (41n * TFT) / 20n],
      // one unit less: 1 - 10^-21 of the step of 0.5 TFT, rounded up to all of it
      ["moves by all but less than a unit for a unit less than 1,000 TFT", R, FULL_PROCEEDS - 1n, UNIT, 2n * R],
      // of a step of 10^21 it takes a unit off
      ["leaves a unit of a large step out", 1_000n * TFT, FULL_PROCEEDS - 1n, 1n, 2_000n * TFT - 1n],
      // rounded towards the average, whichever way it lies
      ["rises by a unit for two millionths of a TFT", R, 2n * 10n ** 12n + 1n, 1n, R + 1n],
      ["falls by a unit for a unit of proceeds", R, 1n, LOT, R - 1n],
      ["stays when a lot brought nothing, for there is no step", R, 0n, LOT, R],
      ["never passes the average: one unit above it is one step away", R, R + 1n, UNIT, R + 1n],
      ["never passes the average: one unit below it is one step away", R, R - 1n, UNIT, R - 1n],
      // at the bounds
      ["never falls below the lowest reference", MIN_REFERENCE, FULL_PROCEEDS, 2n ** 127n, MIN_REFERENCE],
      [
        "falls to the lowest reference from less than double of it",
        MIN_REFERENCE + 7n,
        FULL_PROCEEDS,
        2n ** 127n,
        MIN_REFERENCE,
      ],
      [
        "rises from the lowest reference by a unit for 10^11 units of proceeds",
        MIN_REFERENCE,
        10n ** 11n,
        UNIT,
        MIN_REFERENCE + 1n,
      ],
      [
        "rises from the lowest reference by two for a unit more than 10^12",
        MIN_REFERENCE,
        10n ** 12n + 1n,
        UNIT,
        MIN_REFERENCE + 2n,
      ],
      ["never exceeds the highest reference", MAX_REFERENCE - 1n, AT_REFERENCE, 1n, MAX_REFERENCE],
      ["leaves the highest reference where it is", MAX_REFERENCE, AT_REFERENCE, 1n, MAX_REFERENCE],
      [
        "falls from the highest reference by a unit for a unit of proceeds",
        MAX_REFERENCE,
        1n,
        LOT,
        MAX_REFERENCE - 500_000n,
      ],
    ];
    for (const [what, referencePrice, proceeds, amount, next] of cases) {
      it(what, async () => {
        const { harness } = await loadFixture(deployHarness);
        expect(await referenceAfter(harness, { referencePrice, proceeds, amount, wholeUnit: UNIT })).to.equal(next);
      });
    }

    it(`is the same in the SDK for ${RUNS} random inputs (SEED=${SEED}) [slow]`, async () => {
      const { harness } = await loadFixture(deployHarness);
      const arbitrary = fc
        .record({
          referencePrice: logUniform(MIN_REFERENCE, MAX_REFERENCE),
          amount: logUniform(1n, 2n ** 128n - 1n),
          decimals: fc.bigInt({ min: 0n, max: 24n }),
          // of the reference, in thousandths
          average: fc.bigInt({ min: 0n, max: 3_000n }),
          off: fc.bigInt({ min: -2n, max: 2n }),
        })
        .map(({ referencePrice, amount, decimals, average, off }) => {
          const wholeUnit = 10n ** decimals;
          const proceeds = (referencePrice * average * amount) / (1_000n * wholeUnit) + off;
          return {
            referencePrice,
            amount,
            wholeUnit,
            proceeds: proceeds > 0n ? min(proceeds, 650_000_000n * TFT) : 0n,
          };
        });
      for (const batch of chunks(fc.sample(arbitrary, { numRuns: RUNS, seed: SEED }), INPUTS_PER_CALL)) {
        const references = await harness.nextReferences(batch);
        for (const [i, { referencePrice, proceeds, amount, wholeUnit }] of batch.entries()) {
          const told = `r ${referencePrice}, proceeds ${proceeds}, amount ${amount}, unit ${wholeUnit}`;
          const mirrored = nextReference(referencePrice, proceeds, amount, wholeUnit);
          if (mirrored !== references[i]) expect.fail(`is not ${references[i]} but ${mirrored}: ${told}`);

          const average = (proceeds * wholeUnit) / amount;
          const next = references[i];
          if (next < MIN_REFERENCE || next > MAX_REFERENCE) expect.fail(`is ${next}, out of bounds: ${told}`);
          if (next > 2n * referencePrice || 2n * next < referencePrice) expect.fail(`moves to ${next}: ${told}`);
          const [low, high] = average < referencePrice ? [average, referencePrice] : [referencePrice, average];
          const within = next === referencePrice || (next >= min(low, referencePrice) && next <= high);
          if (!within && next !== MIN_REFERENCE) expect.fail(`passes the average with ${next}: ${told}`);
          const stays = proceeds === 0n || max(min(average, MAX_REFERENCE), MIN_REFERENCE) === referencePrice;
          if ((next === referencePrice) !== stays) expect.fail(`stays or moves to ${next}: ${told}`);
        }
      }
    });

    it(`moves further the more a lot brought at one average, and the higher its average was (SEED=${SEED})`, async () => {
      const { harness } = await loadFixture(deployHarness);
      const arbitrary = fc.record({
        referencePrice: logUniform(MIN_REFERENCE, MAX_REFERENCE),
        // of the reference, in thousandths
        average: fc.bigInt({ min: 0n, max: 3_000n }),
        amounts: fc.uniqueArray(logUniform(1n, 10n ** 18n), { minLength: 10, maxLength: 10 }),
      });
      for (const { referencePrice, average, amounts } of fc.sample(arbitrary, { numRuns: 100, seed: SEED })) {
        amounts.sort((a, b) => (a < b ? -1 : 1));
        const v = (referencePrice * average) / 1_000n;
        const atOneAverage = amounts.map((amount) => ({
          referencePrice,
          proceeds: v * amount,
          amount: amount * UNIT,
          wholeUnit: UNIT,
        }));
        const higher = amounts.map((more) => ({
          referencePrice,
          proceeds: referencePrice + more,
          amount: UNIT,
          wholeUnit: UNIT,
        }));
        for (const [inputs, rises] of [
          [atOneAverage, v >= referencePrice],
          [higher, true],
        ] as const) {
          const references = await harness.nextReferences(inputs);
          for (let i = 1; i < references.length; ++i) {
            const [less, more] = rises ? [i - 1, i] : [i, i - 1];
            if (references[less] <= references[more]) continue;
            expect.fail(`${references[i - 1]} before ${references[i]}, r ${referencePrice}, v ${v}, ${amounts}`);
          }
        }
      }
    });

    for (const [where, referencePrice, proceeds, amount, steps] of [
      ["up from the lowest reference", MIN_REFERENCE, 1n, 1n, [1n, 1n, 1n]],
      ["down to the lowest reference, where it ends", MIN_REFERENCE + 1n, 1n, 10n ** 30n, [-1n, 0n, 0n]],
      ["down from the highest reference", MAX_REFERENCE, 1n, 10n ** 30n, [-500_000n, -500_000n, -500_000n]],
      ["up to the highest reference, where it ends", MAX_REFERENCE - 1n, 1_000n, 1n, [1n, 0n, 0n]],
    ] as const) {
      it(`walks ${where} by lots that bring next to nothing, so no value is absorbing`, async () => {
        const { harness } = await loadFixture(deployHarness);
        let reference: bigint = referencePrice;
        for (const step of steps) {
          const input = { referencePrice: reference, proceeds, amount, wholeUnit: 10n ** 24n };
          const next = await referenceAfter(harness, input);
          expect(next - reference).to.equal(step);
          reference = next;
        }
      });
    }
  });

  describe("constants", () => {
    it("are the same in the SDK", async () => {
      const { harness } = await loadFixture(deployHarness);
      expect(await harness.MIN_REFERENCE())
        .to.equal(MIN_REFERENCE)
        .and.to.equal(10n ** 9n);
      expect(await harness.MAX_REFERENCE())
        .to.equal(MAX_REFERENCE)
        .and.to.equal(1_000_000_000n * TFT);
      expect(await harness.FULL_PROCEEDS())
        .to.equal(FULL_PROCEEDS)
        .and.to.equal(1_000n * TFT);
    });
  });
});
