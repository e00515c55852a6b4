import {
  MAX_RATING,
  NETWORKS,
  OutOfRangeError,
  ratingOf,
  REFERENCE_IMAGES_PER_SECOND,
  ZeroThroughputError,
} from "@turingfog/sdk";
import { expect } from "chai";
import { keccak256 } from "ethers";
import fc from "fast-check";
import { ethers } from "hardhat";

const SEED = Number(process.env.SEED ?? 1);
const RUNS = 10_000;

/** As many as one call's gas is enough for. */
const BATCH = 100;

const MAX_UINT32 = 2n ** 32n - 1n;

type Model = [bigint, bigint, bigint, bigint, bigint, bigint, bigint];

/** Zero, the least, the reference and its neighbours, where the rating passes its bound, the most, and all between. */
function throughput(reference: bigint): fc.Arbitrary<bigint> {
  const referenceE3 = reference * 1_000n;
  return fc.oneof(
    { weight: 30, arbitrary: fc.bigInt({ min: 1n, max: MAX_UINT32 }) },
    { weight: 50, arbitrary: fc.bigInt({ min: 1n, max: 10n * referenceE3 }) },
    { weight: 5, arbitrary: fc.bigInt({ min: 990n * referenceE3, max: 1_010n * referenceE3 }).map(atMostUint32) },
    { weight: 15, arbitrary: fc.constantFrom(1n, 2n, referenceE3 - 1n, referenceE3, referenceE3 + 1n, MAX_UINT32) },
    { weight: 1, arbitrary: fc.constant(0n) },
  );
}

function atMostUint32(value: bigint): bigint {
  return value < MAX_UINT32 ? value : MAX_UINT32;
}

/** Models of one kind each: so that ratings pass and fail in number, and both bounds are met to the unit. */
function models(): fc.Arbitrary<bigint[]> {
  const references = NETWORKS.map((network) => REFERENCE_IMAGES_PER_SECOND[network]);
  const independent = fc.tuple(...references.map(throughput));
  const proportional = fc
    .tuple(
      fc.bigInt({ min: 1n, max: 1_002_000n }),
      fc.array(fc.bigInt({ min: -2n, max: 2n }), { minLength: 7, maxLength: 7 }),
    )
    .map(([thousandths, noise]) =>
      references.map((reference, i) => {
        const near = reference * thousandths + noise[i];
        return near < 1n ? 1n : atMostUint32(near);
      }),
    );
  const thousandfold = fc
    .array(fc.bigInt({ min: -1n, max: 1n }), { minLength: 7, maxLength: 7 })
    .map((noise) => references.map((reference, i) => reference * 1_000_000n + noise[i]));
  return fc.oneof(
    { weight: 4, arbitrary: independent },
    { weight: 4, arbitrary: proportional },
    { weight: 1, arbitrary: thousandfold },
  );
}

describe("ratingOf and NodeRegistry.attestRating", () => {
  it(`agree to the last unit, or on the refusal, on ${RUNS} random models (SEED=${SEED})`, async () => {
    const harness = await ethers.deployContract("RatingHarness");
    const registry = await ethers.getContractAt("NodeRegistry", await harness.REGISTRY());
    const refusal = (error: string, ...args: bigint[]) =>
      BigInt(keccak256(registry.interface.encodeErrorResult(error, args)));

    const counts = { rated: 0, zero: 0, outOfBounds: 0 };
    const expectedOf = (model: readonly bigint[]): bigint => {
      try {
        const rating = ratingOf(model);
        counts.rated++;
        return rating;
      } catch (error) {
        if (error instanceof ZeroThroughputError) {
          counts.zero++;
          return refusal("Registry_ZeroThroughput", BigInt(NETWORKS.indexOf(error.network)));
        }
        if (!(error instanceof OutOfRangeError)) throw error;
        counts.outOfBounds++;
        return refusal("Registry_RatingOutOfBounds", error.value, MAX_RATING);
      }
    };

    const extremes = [0n, 1n, MAX_UINT32].map((value) => Array<bigint>(7).fill(value));
    const sample = [...extremes, ...fc.sample(models(), { numRuns: RUNS - extremes.length, seed: SEED })];
    for (let first = 0; first < sample.length; first += BATCH) {
      const batch = sample.slice(first, first + BATCH) as Model[];
      const outcomes = await harness.rate.staticCall(batch);
      for (const [i, model] of batch.entries()) {
        expect(outcomes[i], `model ${first + i}: ${model.join()}`).to.equal(expectedOf(model));
      }
    }
    // each kind of outcome was met often enough to mean something
    expect(counts.rated).to.be.above(RUNS / 3);
    expect(counts.zero).to.be.above(RUNS / 100);
    expect(counts.outOfBounds).to.be.above(RUNS / 10);
  });
});
