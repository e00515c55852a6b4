import { createHash } from "node:crypto";

import {
  checkPrecision,
  decodeMeasurementFile,
  encodeMeasurementFile,
  evidenceOf,
  imagesPerSecondE3Of,
  InvalidMeasurementFileError,
  InvalidThroughputError,
  type Measurements,
  missingNetworks,
  MissingNetworksError,
  modelNameOf,
  NETWORKS,
  OutOfRangeError,
  parseThroughput,
  PrecisionError,
  ZeroThroughputError,
} from "@turingfog/sdk";
import { expect } from "chai";
import { toUtf8Bytes, toUtf8String } from "ethers";

const SOURCE = `0x${"ab".repeat(32)}`;
const VALUES = [400_550n, 150_250n, 260_750n, 110_500n, 230_050n, 5_000_150n, 195_350n];

const COMPLETE: Measurements = {
  gpu: "Example 100",
  measured: Object.fromEntries(
    NETWORKS.map((network, i) => [network, { imagesPerSecondE3: VALUES[i], source: SOURCE }]),
  ),
  remarks: ["a remark"],
};

const CANONICAL =
  '{"format":"turingfog-measurements-v1","gpu":"Example 100","imagesPerSecondE3":{"AlexNet":5000150,' +
  '"Inception v3":260750,"Inception v4":110500,"ResNet-152":150250,"ResNet-50":400550,"SSD300":195350,' +
  '"VGG-16":230050},"precision":"fp32","sources":{' +
  ["AlexNet", "Inception v3", "Inception v4", "ResNet-152", "ResNet-50", "SSD300", "VGG-16"]
    .map((network) => `"${network}":"${SOURCE}"`)
    .join(",") +
  "}}";

function without(...networks: string[]): Measurements {
  const measured = Object.fromEntries(Object.entries(COMPLETE.measured).filter(([each]) => !networks.includes(each)));
  return { ...COMPLETE, measured };
}

describe("measurements", () => {
  describe("checkPrecision", () => {
    for (const precision of ["fp16", "tf32", "FP32", ""]) {
      it(`refuses "${precision}"`, () => {
        expect(() => checkPrecision(precision)).to.throw(
          PrecisionError,
          `The precision is ${precision}; a TU is defined by training in fp32`,
        );
      });
    }

    it("takes single precision", () => {
      expect(() => checkPrecision("fp32")).not.to.throw();
    });
  });

  describe("modelNameOf", () => {
    for (const [device, model] of [
      ["GeForce GTX 1080 Ti", "GTX 1080 Ti"],
      ["NVIDIA GeForce RTX 2080 Ti", "RTX 2080 Ti"],
      ["TITAN Xp", "Titan XP"],
      ["NVIDIA TITAN RTX", "Titan RTX"],
      ["A100-PCIE-40GB", "A100-PCIE-40GB"],
      ["NVIDIA H100 PCIe", "H100 PCIe"],
    ]) {
      it(`calls ${device} ${model}`, () => {
        expect(modelNameOf(device)).to.equal(model);
      });
    }
  });

  describe("parseThroughput", () => {
    for (const text of ["", "-1", "1e3", "1,000", ".5", "5.", "0x10", "Infinity", " 1"]) {
      it(`refuses "${text}"`, () => {
        expect(() => parseThroughput("AlexNet", text, "line 7")).to.throw(
          InvalidThroughputError,
          `line 7: "${text}" is not a number of images per second`,
        );
      });
    }

    it("refuses zero, also what rounds down to it", () => {
      expect(() => parseThroughput("AlexNet", "0.0009", "")).to.throw(ZeroThroughputError, "AlexNet is 0");
    });

    it("refuses what the registry's uint32 cannot hold", () => {
      expect(parseThroughput("AlexNet", "4294967.295", "")).to.equal(2n ** 32n - 1n);
      expect(() => parseThroughput("AlexNet", "4294967.296", "")).to.throw(OutOfRangeError, "4294967296");
    });

    for (const [text, imagesPerSecondE3] of [
      ["208", 208_000n],
      ["208.7", 208_700n],
      ["208.72", 208_720n],
      ["208.7249", 208_724n],
      ["0.001", 1n],
    ] as const) {
      it(`reads ${text} to the thousandth, rounded down`, () => {
        expect(parseThroughput("AlexNet", text, "")).to.equal(imagesPerSecondE3);
      });
    }
  });

  describe("missingNetworks and imagesPerSecondE3Of", () => {
    it("name what was not measured, in the registry's order", () => {
      expect(missingNetworks(without("SSD300", "ResNet-152"))).to.deep.equal(["ResNet-152", "SSD300"]);
      expect(() => imagesPerSecondE3Of(without("SSD300", "ResNet-152"))).to.throw(
        MissingNetworksError,
        "Example 100 was not measured on ResNet-152, SSD300",
      );
    });

    it("give all seven in the registry's order", () => {
      expect(missingNetworks(COMPLETE)).to.deep.equal([]);
      expect(imagesPerSecondE3Of(COMPLETE)).to.deep.equal(VALUES);
    });
  });

  describe("encodeMeasurementFile", () => {
    it("refuses fewer than seven networks", () => {
      expect(() => encodeMeasurementFile(without("SSD300"))).to.throw(MissingNetworksError);
    });

    it("writes integers under sorted keys, the precision and the hash of each source", () => {
      expect(toUtf8String(encodeMeasurementFile(COMPLETE))).to.equal(CANONICAL);
    });

    it("writes the same bytes in whatever order the networks were measured", () => {
      const measured = Object.fromEntries(Object.entries(COMPLETE.measured).reverse());
      expect(encodeMeasurementFile({ ...COMPLETE, measured })).to.deep.equal(toUtf8Bytes(CANONICAL));
    });
  });

  describe("decodeMeasurementFile", () => {
    for (const [title, edited, error, message] of [
      ["what is not JSON", CANONICAL.slice(1), InvalidMeasurementFileError, "it is not JSON"],
      ["another format", CANONICAL.replace("-v1", "-v2"), InvalidMeasurementFileError, "its format is not"],
      ["a GPU without a name", CANONICAL.replace("Example 100", ""), InvalidMeasurementFileError, "gpu must be a name"],
      [
        "a card under another name",
        CANONICAL.replace("Example 100", "Tesla V100-SXM2-16GB"),
        InvalidMeasurementFileError,
        'gpu is "Tesla V100-SXM2-16GB", must be "V100", as the card is rated',
      ],
      [
        "a chip for a card",
        CANONICAL.replace("Example 100", "Vega 20"),
        InvalidMeasurementFileError,
        '"Vega 20" does not tell the card',
      ],
      ["another precision", CANONICAL.replace("fp32", "fp16"), PrecisionError, "The precision is fp16"],
      [
        "a missing network",
        CANONICAL.replace('"AlexNet":5000150,', ""),
        InvalidMeasurementFileError,
        "imagesPerSecondE3.AlexNet must be an integer",
      ],
      [
        "a fraction",
        CANONICAL.replace("5000150", "5000150.5"),
        InvalidMeasurementFileError,
        "imagesPerSecondE3.AlexNet must be an integer",
      ],
      [
        "a source that is no hash",
        CANONICAL.replace(SOURCE, "0xab"),
        InvalidMeasurementFileError,
        "sources.AlexNet must be 32 bytes of hex",
      ],
      ["a throughput of zero", CANONICAL.replace("5000150", "0"), ZeroThroughputError, "AlexNet is 0"],
      ["a throughput too large", CANONICAL.replace("5000150", "4294967296"), OutOfRangeError, "4294967296"],
      ["a space more", `${CANONICAL} `, InvalidMeasurementFileError, "it is not in canonical form"],
      [
        "a field more",
        CANONICAL.replace('{"format"', '{"extra":1,"format"'),
        InvalidMeasurementFileError,
        "it is not in canonical form",
      ],
    ] as const) {
      it(`refuses ${title}`, () => {
        expect(() => decodeMeasurementFile(toUtf8Bytes(edited))).to.throw(error, message);
      });
    }

    it("reads what was written", () => {
      expect(decodeMeasurementFile(toUtf8Bytes(CANONICAL))).to.deep.equal({ ...COMPLETE, remarks: [] });
    });
  });

  describe("evidenceOf", () => {
    it("is the file's SHA-256", () => {
      const expected = createHash("sha256").update(CANONICAL).digest("hex");
      expect(evidenceOf(toUtf8Bytes(CANONICAL))).to.equal(`0x${expected}`);
    });
  });
});
