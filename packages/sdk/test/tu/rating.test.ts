import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import {
  DAY,
  GENESIS_RATINGS,
  gpuModelOf,
  gpuSecondsOf,
  HOUR,
  MAX_RATING,
  MeasurementCountError,
  NETWORKS,
  OutOfRangeError,
  pricePerGpuHour,
  ratePerDay,
  ratingOf,
  REFERENCE_IMAGES_PER_SECOND,
  tuOf,
  unitPriceOf,
  WAD,
  ZeroThroughputError,
} from "@turingfog/sdk";
import { expect } from "chai";
import { id, keccak256, toUtf8Bytes } from "ethers";
import fc from "fast-check";

import { deployProtocolFixture } from "../../../../test/helpers/fixture";
import { signByQuorum } from "../../../../test/helpers/market";

const SEED = Number(process.env.SEED ?? 1);
const RUNS = 40;

const MAX_UINT32 = 2n ** 32n - 1n;

const REFERENCE = NETWORKS.map((network) => REFERENCE_IMAGES_PER_SECOND[network] * 1_000n);

/** The reference with one measurement replaced. */
function withNetwork(index: number, imagesPerSecondE3: bigint): bigint[] {
  return REFERENCE.map((measured, i) => (i === index ? imagesPerSecondE3 : measured));
}

type Seven = [bigint, bigint, bigint, bigint, bigint, bigint, bigint];

describe("rating", () => {
  describe("ratingOf", () => {
    it("rejects more or fewer measurements than networks", () => {
      for (const count of [0, 6, 8]) {
        expect(() => ratingOf(Array<bigint>(count).fill(1_000n))).to.throw(
          MeasurementCountError,
          `There are ${count} measurements, must be 7: ResNet-50, ResNet-152, Inception v3, Inception v4, VGG-16, AlexNet`,
        );
      }
    });

    for (const [i, network] of NETWORKS.entries()) {
      it(`rejects a throughput of zero on ${network}, as the registry does`, async () => {
        const { contracts } = await loadFixture(deployProtocolFixture);
        expect(() => ratingOf(withNetwork(i, 0n))).to.throw(
          ZeroThroughputError,
          `The throughput on ${network} is 0 images per second`,
        );
        await expect(contracts.registry.attestRating(id("new"), withNetwork(i, 0n), id("evidence"), []))
          .to.be.revertedWithCustomError(contracts.registry, "Registry_ZeroThroughput")
          .withArgs(i);
      });
    }

    it("rejects a throughput that the registry's uint32 cannot hold", () => {
      expect(ratingOf(withNetwork(5, MAX_UINT32))).to.be.above(WAD);
      for (const measured of [-1n, MAX_UINT32 + 1n]) {
        expect(() => ratingOf(withNetwork(5, measured))).to.throw(
          OutOfRangeError,
          `thousandths of images per second on AlexNet is ${measured}, must be from 1 to ${MAX_UINT32}`,
        );
      }
    });

    it("rejects a rating above 1,000, as the registry does, and takes 1,000 itself", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const thousandfold = REFERENCE.map((measured) => measured * 1_000n) as Seven;
      expect(ratingOf(thousandfold)).to.equal(MAX_RATING);
      const above = [...thousandfold] as Seven;
      above[0] += 1n;
      const rating = MAX_RATING + WAD / 209n / 7_000n;
      expect(() => ratingOf(above)).to.throw(OutOfRangeError, `rating is ${rating}, must be from 1 to ${MAX_RATING}`);
      await expect(contracts.registry.attestRating(id("new"), above, id("evidence"), []))
        .to.be.revertedWithCustomError(contracts.registry, "Registry_RatingOutOfBounds")
        .withArgs(rating, MAX_RATING);
    });

    it("rates the reference itself at exactly 1 TU per day", () => {
      expect(ratingOf(REFERENCE)).to.equal(WAD);
    });

    it("weighs every network with one seventh of its ratio", () => {
      for (const [i, measured] of REFERENCE.entries()) {
        expect(ratingOf(withNetwork(i, 8n * measured)), NETWORKS[i]).to.equal(2n * WAD);
      }
    });

    it("rounds each ratio and the mean down", () => {
      const least = ratingOf([1n, 1n, 1n, 1n, 1n, 1n, 1n]);
      const ratios = [209n, 81n, 136n, 58n, 134n, 2762n, 108n].map((images) => WAD / images);
      expect(least).to.equal(ratios.reduce((a, b) => a + b) / 7_000n);
    });

    it(`is what the registry computes, to the last digit, for ${RUNS} random GPUs (SEED=${SEED})`, async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry } = protocol.contracts;
      // from a thousandth of the reference to a thousand times as much
      const gpus = fc.tuple(
        ...REFERENCE.map((measured) =>
          fc.integer({ min: 0, max: 20 }).chain((bits) =>
            fc.bigInt({ min: 1n, max: 1n << BigInt(bits) }).map((ratio) => {
              const imagesPerSecondE3 = (measured * ratio) / 1_024n + 1n;
              return imagesPerSecondE3 > MAX_UINT32 ? MAX_UINT32 : imagesPerSecondE3;
            }),
          ),
        ),
      );
      for (const [i, gpu] of fc.sample(gpus, { numRuns: RUNS, seed: SEED }).entries()) {
        const content = { gpuModel: gpuModelOf(`GPU ${i}`), imagesPerSecondE3: gpu, evidence: id("evidence") };
        const signatures = await signByQuorum(protocol, "RatingAttestation", content);
        await registry.attestRating(content.gpuModel, gpu, content.evidence, signatures);
        const [rating] = await registry.pendingRating(content.gpuModel);
        expect(rating, gpu.join()).to.equal(ratingOf(gpu));
      }
    });
  });

  describe("GENESIS_RATINGS and gpuModelOf", () => {
    it("are what the registry starts with", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      expect(Object.keys(GENESIS_RATINGS)).to.have.length(7);
      for (const [name, rating] of Object.entries(GENESIS_RATINGS)) {
        expect(await contracts.registry.ratingOf(gpuModelOf(name)), name).to.equal(rating);
      }
    });

    it("name a model by the hash of its letters", () => {
      expect(gpuModelOf("RTX 2080 Ti")).to.equal(keccak256(toUtf8Bytes("RTX 2080 Ti")));
    });
  });

  describe("conversions", () => {
    const RTX_2080_TI = 1_350_000_000_000_000_000n;

    it("count a day of a GTX 1080 Ti as 1 TU", () => {
      expect(tuOf(DAY, WAD)).to.equal(WAD);
      expect(gpuSecondsOf(WAD, WAD)).to.equal(DAY);
    });

    it("count TU by rating and number of GPUs", () => {
      expect(ratePerDay(RTX_2080_TI, 8n)).to.equal(10_800_000_000_000_000_000n);
      expect(tuOf(8n * HOUR, RTX_2080_TI)).to.equal(450_000_000_000_000_000n);
    });

    it("round TU down and the seconds that they take up", () => {
      expect(tuOf(1n, 86_399n)).to.equal(0n);
      expect(tuOf(1n, 86_400n)).to.equal(1n);
      expect(gpuSecondsOf(1n, WAD)).to.equal(1n);
      expect(gpuSecondsOf(WAD + 1n, WAD)).to.equal(86_401n);
    });

    it("price an hour of a GPU by its rating, and back", () => {
      // 16 USD of 6 decimals per TU: 16 · 1.35 / 24 = 0.90 USD an hour
      expect(pricePerGpuHour(16_000_000n, RTX_2080_TI)).to.equal(900_000n);
      expect(unitPriceOf(900_000n, RTX_2080_TI)).to.equal(16_000_000n);
    });

    it("round prices up, so that nothing is free", () => {
      expect(pricePerGpuHour(1n, WAD)).to.equal(1n);
      expect(unitPriceOf(1n, 1_000n * WAD)).to.equal(1n);
    });
  });
});
