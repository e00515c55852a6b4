import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import fc from "fast-check";
import { ethers } from "hardhat";

import { DAY, max, MAX_REFERENCE, min, MIN_PROCEEDS, MINUTE, nextReference, priceAt, WAD as TFT } from "@turingfog/sdk";
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
    const cases: [what: string, elapsed: bigint, price: bigint][] = [
      ["opens at exactly eight times the reference", 0n, 8n * R],
      ["is exactly the reference after three fifths of the first period", (3n * DAY) / 5n, R],
      ["is a quarter of the reference, rounded down, after one period", DAY, R / 4n],
      ["is 2^-8 of that, rounded down, after two periods", 2n * DAY, R / 4n / 256n],
      ["is 2^-16 of that, rounded down, after three periods", 3n * DAY, R / 4n / 65_536n],
    ];
    for (const [what, elapsed, price] of cases) {
      it(what, async () => {
        const { harness } = await loadFixture(deployHarness);
        expect(await priceOf(harness, { referencePrice: R, elapsed, period: DAY })).to.equal(price);
      });
    }

    it("opens at eight times the highest reference", async () => {
      const { harness } = await loadFixture(deployHarness);
      const input = { referencePrice: MAX_REFERENCE, elapsed: 0n, period: DAY };
      expect(await priceOf(harness, input)).to.equal(8n * MAX_REFERENCE);
    });

    it("is nothing for a reference of nothing", async () => {
      const { harness } = await loadFixture(deployHarness);
      expect(await priceOf(harness, { referencePrice: 0n, elapsed: 0n, period: DAY })).to.equal(0n);
    });

    it("goes on halving at the highest reference until less than a unit is left", async () => {
      const { harness } = await loadFixture(deployHarness);
      for (let periods = 1n; periods <= 12n; ++periods) {
        const input = { referencePrice: MAX_REFERENCE, elapsed: periods * DAY, period: DAY };
        const halvings = 5n + 8n * (periods - 1n);
        expect(await priceOf(harness, input), `after ${periods} periods`).to.equal((8n * MAX_REFERENCE) >> halvings);
      }
    });

    it("is zero from 128 halvings on, and has been below one unit before, even at the highest reference", async () => {
      const { harness } = await loadFixture(deployHarness);
      const halvingsReach128 = DAY + ((128n - 5n) * DAY) / 8n;
      const halfAHalving = DAY / 16n;
      const beyond = [halvingsReach128 + halfAHalving, 100n * DAY, 2n ** 40n - 1n];
      for (const elapsed of [halvingsReach128 - 1n, halvingsReach128, ...beyond]) {
        const price = await priceOf(harness, { referencePrice: MAX_REFERENCE, elapsed, period: DAY });
        expect(price, `after ${elapsed} s`).to.equal(0n);
      }
    });

    it("falls by a second of the shortest and of the longest period as of a day", async () => {
      const { harness } = await loadFixture(deployHarness);
      for (const period of [MINUTE, DAY, 30n * DAY]) {
        expect(await priceOf(harness, { referencePrice: R, elapsed: period, period })).to.equal(R / 4n);
        expect(await priceOf(harness, { referencePrice: R, elapsed: 2n * period, period })).to.equal(R / 4n / 256n);
      }
    });

    it("is within 1e-15 of 8 r · 2^(-5 · age) throughout the first period", async () => {
      const { harness } = await loadFixture(deployHarness);
      const inputs = Array.from({ length: 51 }, (_, n) => ({
        referencePrice: MAX_REFERENCE,
        elapsed: (BigInt(n) * DAY) / 50n,
        period: DAY,
      }));
      const prices = await harness.pricesAt(inputs);
      for (const [n, price] of prices.entries()) {
        const exact = exactPrice(MAX_REFERENCE, inputs[n].elapsed, DAY);
        // the model's tolerance is 2^-56
        expect(price - exact, `2^-${n}/10`).to.be.within(-priceTolerance(exact), priceTolerance(exact));
      }
    });

    it("never rises from one second to the next in the first three days, and keeps above a quarter on the first", async () => {
      const { harness } = await loadFixture(deployHarness);
      let previous = 8n * R;
      for (let first = 0n; first <= 3n * DAY; first += 100n) {
        const data = harness.interface.encodeFunctionData("pricesFrom", [R, first, 100n, DAY]);
        const answer = await ethers.provider.call({ to: harness, data });
        // decoded by hand, behind offset and length: ethers takes longer for the results than the chain for the calls
        const prices = Array.from(answer.slice(2 + 128).matchAll(/.{64}/g), ([word]) => BigInt(`0x${word}`));
        for (const [i, price] of prices.entries()) {
          const elapsed = first + BigInt(i);
          if (price > previous) expect.fail(`rises from ${previous} to ${price} at ${elapsed} s`);
          if (elapsed <= DAY && price < R / 4n) expect.fail(`is ${price}, below ${R / 4n}, at ${elapsed} s`);
          previous = price;
        }
      }
      expect(previous).to.be.below(R / 4n / 65_536n);
    }).timeout(600_000); // a quarter of a million prices, half a minute on a machine with nothing else to do

    it(`is the same in the SDK for ${RUNS} random inputs (SEED=${SEED})`, async () => {
      const { harness } = await loadFixture(deployHarness);
      const arbitrary = fc
        .record({
          referencePrice: logUniform(0n, MAX_REFERENCE),
          period: logUniform(MINUTE, 30n * DAY),
          // of a period, in millionths: up to beyond the last price
          age: fc.oneof(fc.bigInt({ min: 0n, max: 1_000_000n }), fc.bigInt({ min: 0n, max: 17_000_000n })),
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
      ["stays when a lot brought one unit less than 1,000 TFT", R, MIN_PROCEEDS - 1n, 1n, R],
      ["stays when a lot brought nothing", R, 0n, LOT, R],
      ["follows a lot that brought exactly 1,000 TFT", R, MIN_PROCEEDS, 400n * UNIT, (5n * TFT) / 2n],
      ["stays when the average was the reference", R, AT_REFERENCE, LOT, R],
      ["becomes the average, rounded down", R, AT_REFERENCE + 4_999n, LOT, R],
      ["becomes the average between the bounds", R, AT_REFERENCE + 5_000n, LOT, R + 1n],
      ["at most doubles", R, 8n * AT_REFERENCE, LOT, 2n * R],
      ["doubles exactly", R, 2n * AT_REFERENCE, LOT, 2n * R],
      ["at most halves", R, AT_REFERENCE, 1_000n * LOT, R / 2n],
      ["halves exactly", R, AT_REFERENCE / 2n, LOT, R / 2n],
      ["rounds the half of an odd reference up", R + 1n, AT_REFERENCE, 1_000n * LOT, R / 2n + 1n],
      ["never falls to zero", 1n, MIN_PROCEEDS, 2n ** 127n, 1n],
      ["never exceeds the highest reference", MAX_REFERENCE - 1n, AT_REFERENCE, 1n, MAX_REFERENCE],
      ["leaves the highest reference where it is", MAX_REFERENCE, AT_REFERENCE, 1n, MAX_REFERENCE],
    ];
    for (const [what, referencePrice, proceeds, amount, next] of cases) {
      it(what, async () => {
        const { harness } = await loadFixture(deployHarness);
        expect(await referenceAfter(harness, { referencePrice, proceeds, amount, wholeUnit: UNIT })).to.equal(next);
      });
    }

    it(`is the same in the SDK for ${RUNS} random inputs (SEED=${SEED})`, async () => {
      const { harness } = await loadFixture(deployHarness);
      const arbitrary = fc
        .record({
          referencePrice: logUniform(1n, MAX_REFERENCE),
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
        }
      }
    });
  });

  describe("constants", () => {
    it("are the same in the SDK", async () => {
      const { harness } = await loadFixture(deployHarness);
      expect(await harness.MAX_REFERENCE())
        .to.equal(MAX_REFERENCE)
        .and.to.equal(1_000_000_000n * TFT);
      expect(await harness.MIN_PROCEEDS())
        .to.equal(MIN_PROCEEDS)
        .and.to.equal(1_000n * TFT);
    });
  });
});
