import {
  arithmeticMean,
  coefficientOfVariation,
  formatReport,
  geometricMean,
  harmonicMean,
  type Measurements,
  MissingNetworksError,
  type Network,
  NETWORKS,
  NothingMeasuredError,
  partialRatingOf,
  rate,
  ratingChart,
  ratingOf,
  ratioOf,
  REFERENCE_IMAGES_PER_SECOND,
  reportToJson,
  WAD,
  ZeroThroughputError,
} from "@turingfog/sdk";
import { expect } from "chai";
import { parseUnits } from "ethers";

const SOURCE = `0x${"00".repeat(32)}`;

/** A GPU that is so many times as fast as the reference, network by network; undefined was not measured. */
function timesReference(...factors: (number | undefined)[]): Measurements {
  const measured: Measurements["measured"] = {};
  for (const [i, network] of NETWORKS.entries()) {
    const factor = factors[i];
    if (factor === undefined) continue;
    const imagesPerSecondE3 = REFERENCE_IMAGES_PER_SECOND[network] * BigInt(factor * 1_000);
    measured[network] = { imagesPerSecondE3, source: SOURCE };
  }
  return { gpu: "Example 100", measured, remarks: ["a remark"] };
}

const COMPLETE = timesReference(2, 1, 1.5, 2, 2, 2, 1.75);
const PARTIAL = timesReference(2, 1, 1.5, undefined, 2, 2, undefined);

describe("report", () => {
  describe("means", () => {
    it("are those of the textbook", () => {
      expect(arithmeticMean([1, 4, 4])).to.equal(3);
      expect(geometricMean([1, 4, 16])).to.be.closeTo(4, 1e-12);
      expect(harmonicMean([1, 4, 4])).to.equal(2);
      expect(coefficientOfVariation([2, 4, 4, 4, 5, 5, 7, 9])).to.equal(0.4);
    });
  });

  describe("ratioOf", () => {
    it("refuses a throughput of zero", () => {
      expect(() => ratioOf("VGG-16", 0n)).to.throw(ZeroThroughputError, "VGG-16");
    });

    it("is measured over reference, rounded down", () => {
      expect(ratioOf("VGG-16", 134_000n)).to.equal(WAD);
      expect(ratioOf("VGG-16", 1n)).to.equal(WAD / 134_000n);
    });
  });

  describe("partialRatingOf", () => {
    it("refuses no measurement at all", () => {
      expect(() => partialRatingOf({})).to.throw(NothingMeasuredError, "None of the networks was measured: ResNet-50");
    });

    it("refuses a throughput of zero", () => {
      expect(() => partialRatingOf({ AlexNet: 0n })).to.throw(ZeroThroughputError, "AlexNet");
    });

    it("is the mean over the networks measured", () => {
      expect(partialRatingOf({ "ResNet-50": 209_000n, SSD300: 324_000n })).to.equal(2n * WAD);
    });

    it("is the rating when all seven were measured", () => {
      const seven = [1n, 22_333n, 4_444_555n, 77_777n, 123_456n, 999_999n, 31_415n];
      const byNetwork = Object.fromEntries(NETWORKS.map((network, i) => [network, seven[i]])) as Record<
        Network,
        bigint
      >;
      expect(partialRatingOf(byNetwork)).to.equal(ratingOf(seven));
    });
  });

  describe("rate", () => {
    it("refuses fewer than seven networks unless a partial rating was asked for, and names the missing", () => {
      expect(() => rate(PARTIAL)).to.throw(
        MissingNetworksError,
        "Example 100 was not measured on Inception v4, SSD300",
      );
    });

    it("rates a GPU network by network, with the spread", () => {
      const { rating, isPartial, missing, networks, spread } = rate(COMPLETE);
      expect(rating).to.equal(parseUnits("1.75", 18));
      expect(isPartial).to.equal(false);
      expect(missing).to.deep.equal([]);
      expect(networks.map(({ ratio }) => ratio)).to.deep.equal(
        ["2", "1", "1.5", "2", "2", "2", "1.75"].map((ratio) => parseUnits(ratio, 18)),
      );
      expect(spread.minimum).to.equal(WAD);
      expect(spread.maximum).to.equal(2n * WAD);
      expect(spread.coefficientOfVariation).to.be.closeTo(Math.sqrt(0.875 / 7) / 1.75, 1e-12);
    });

    it("remarks on a network more than 10 times away from the others, as a misplaced point puts it", () => {
      const remark = (network: string) =>
        `${network} is more than 10 times away from the other networks; check its number's decimal point`;
      expect(rate(timesReference(2, 1, 1.5, 2, 2, 0.002, 1.75)).remarks).to.deep.equal(["a remark", remark("AlexNet")]);
      expect(rate(timesReference(2, 21, 1.5, 2, 2, 2, 1.75)).remarks).to.deep.equal(["a remark", remark("ResNet-152")]);
      expect(rate(timesReference(2, 20, 1.5, 2, 2, 2, 1.75)).remarks).to.deep.equal(["a remark"]);
      expect(rate(timesReference(1, 100), true).remarks).to.deep.equal(["a remark"]);
    });

    it("marks a partial rating, and a complete one never, even where partial ones are allowed", () => {
      const { rating, isPartial, missing } = rate(PARTIAL, true);
      expect(rating).to.equal(parseUnits("1.7", 18));
      expect(isPartial).to.equal(true);
      expect(missing).to.deep.equal(["Inception v4", "SSD300"]);
      expect(rate(COMPLETE, true).isPartial).to.equal(false);
    });
  });

  describe("formatReport", () => {
    it("prints a line for each network, the rating, the spread and the remarks", () => {
      expect(formatReport(rate(COMPLETE)).split("\n")).to.deep.equal([
        "Example 100, training in fp32 on one GPU",
        "",
        "  network        images/s  reference   ratio",
        "  ResNet-50       418.000        209  2.0000",
        "  ResNet-152       81.000         81  1.0000",
        "  Inception v3    204.000        136  1.5000",
        "  Inception v4    116.000         58  2.0000",
        "  VGG-16          268.000        134  2.0000",
        "  AlexNet       5,524.000      2,762  2.0000",
        "  SSD300          189.000        108  1.7500",
        "",
        "Rating: 1.7500 TU per day per GPU",
        "Spread: 1.0000 to 2.0000, coefficient of variation 20.2 %",
        "Note: a remark",
      ]);
    });

    it("says of a partial rating that it is one, what it lacks and what it is not good for", () => {
      const lines = formatReport(rate(PARTIAL, true)).split("\n");
      expect(lines).to.include("  SSD300          missing        108");
      expect(lines).to.include(
        "PARTIAL rating: 1.7000 TU per day per GPU, without Inception v4, SSD300; it cannot be attested",
      );
    });
  });

  describe("reportToJson", () => {
    it("gives every figure with all its digits", () => {
      const json = reportToJson(rate(PARTIAL, true));
      expect(json).to.deep.include({
        gpu: "Example 100",
        precision: "fp32",
        rating: "1.7",
        ratingBaseUnits: "1700000000000000000",
        partial: true,
        missing: ["Inception v4", "SSD300"],
        remarks: ["a remark"],
      });
      expect(json.networks).to.deep.include({ network: "Inception v3", imagesPerSecond: "204.0", ratio: "1.5" });
      expect(json.spread).to.deep.include({ minimum: "1.0", maximum: "2.0" });
    });
  });

  describe("ratingChart", () => {
    /** Width of each bar by its kind, in the order in which they stand. */
    function bars(svg: string): { kind: string; width: number }[] {
      const drawn = svg.matchAll(/<rect class="(network|rating)"[^>]* width="([\d.]+)"/g);
      return Array.from(drawn, ([, kind, width]) => ({ kind, width: Number(width) }));
    }

    it("draws a bar for each network measured and one for the rating, all to one scale", () => {
      const svg = ratingChart([rate(PARTIAL, true)]);
      const drawn = bars(svg);
      expect(drawn.map(({ kind }) => kind)).to.deep.equal([...Array<string>(5).fill("network"), "rating"]);
      const [first] = drawn;
      const ratios = [2, 1, 1.5, 2, 2, 1.7];
      expect(drawn.map(({ width }) => Math.round((width / first.width) * 200) / 100)).to.deep.equal(ratios);
      expect(svg).to.contain("Example 100 in TU per day");
      expect(svg).to.contain("rating (partial, 5 of 7)");
      expect(svg).not.to.contain(">SSD300<");
    });

    it("draws a bar for each of several GPUs, with the range of its ratios", () => {
      const svg = ratingChart([rate(COMPLETE), rate({ ...COMPLETE, gpu: "Example <200>" })]);
      expect(bars(svg).map(({ kind }) => kind)).to.deep.equal(["rating", "rating"]);
      expect(svg.match(/class="range"/g)).to.have.length(2);
      expect(svg).to.contain(">Example &lt;200><");
    });

    it("keeps every bar within the axis, from the slowest GPU to the fastest", () => {
      for (const factor of [0.001, 0.4, 1, 3, 9.9, 10, 37, 999]) {
        const svg = ratingChart([rate(timesReference(...Array<number>(7).fill(factor)))]);
        const axis = Math.max(...Array.from(svg.matchAll(/class="grid" x1="([\d.]+)"/g), ([, x]) => Number(x)));
        for (const { width } of bars(svg)) expect(250 + width, `${factor}`).to.be.at.most(axis + 0.1);
      }
    });
  });
});
