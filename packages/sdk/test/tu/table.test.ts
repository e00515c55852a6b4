import { expect } from "chai";
import { toUtf8Bytes } from "ethers";

import {
  evidenceOf,
  InvalidTableError,
  InvalidThroughputError,
  NETWORKS,
  OutOfRangeError,
  parseCsvTable,
  parseJsonTable,
  ZeroThroughputError,
} from "@turingfog/sdk";

const csv = (...lines: string[]) => parseCsvTable(toUtf8Bytes(lines.join("\n")));
const json = (table: unknown) => parseJsonTable(toUtf8Bytes(JSON.stringify(table)));

describe("tables", () => {
  describe("parseCsvTable", () => {
    for (const [title, lines, message] of [
      ["an empty file", [""], 'line 1: must begin with "network"'],
      ["another header", ["model,A"], 'line 1: must begin with "network"'],
      ["no GPU", ["network"], "top level: names no GPU"],
      ["a GPU without a name", ["network,A,"], "top level: a GPU has no name"],
      ["a GPU named twice", ["network,A,A"], "A: is named twice"],
      ["a row too short", ["network,A,B", "", "AlexNet,1"], "line 3: has 1 numbers for 2 GPUs"],
      ["a row too long", ["network,A", "AlexNet,1,2"], "line 2: has 2 numbers for 1 GPUs"],
      [
        "an unknown network",
        ["network,A", "ResNet-101,1"],
        `line 2, A: "ResNet-101" is none of ${NETWORKS.join(", ")}`,
      ],
      ["a network named twice", ["network,A", "AlexNet,1", "AlexNet,1"], "line 3, A: AlexNet was measured before"],
    ] as const) {
      it(`refuses ${title}`, () => {
        expect(() => csv(...lines)).to.throw(InvalidTableError, message);
      });
    }

    it("refuses what is no number, and says where", () => {
      expect(() => csv("network,A,B", "AlexNet,1,fast")).to.throw(
        InvalidThroughputError,
        'line 2, B: "fast" is not a number of images per second',
      );
    });

    it("refuses a throughput of zero and an absurd one", () => {
      expect(() => csv("network,A", "AlexNet,0")).to.throw(ZeroThroughputError);
      expect(() => csv("network,A", "AlexNet,5000000")).to.throw(OutOfRangeError);
    });

    it("reads every GPU, to the thousandth, with the file's hash; an empty cell was not measured", () => {
      const lines = ["network, NVIDIA GeForce RTX 2080 ,B\r", "AlexNet,2650.5,3000\r", "VGG-16,,200", ""];
      const source = evidenceOf(toUtf8Bytes(lines.join("\n")));
      expect(csv(...lines)).to.deep.equal([
        { gpu: "RTX 2080", measured: { AlexNet: { imagesPerSecondE3: 2_650_500n, source } }, remarks: [] },
        {
          gpu: "B",
          measured: {
            AlexNet: { imagesPerSecondE3: 3_000_000n, source },
            "VGG-16": { imagesPerSecondE3: 200_000n, source },
          },
          remarks: [],
        },
      ]);
    });
  });

  describe("parseJsonTable", () => {
    for (const [title, table, message] of [
      ["a list", [1], "top level: must be an object of GPUs"],
      ["no GPU", {}, "top level: names no GPU"],
      ["a GPU without networks", { A: 5 }, "A: must be an object of networks"],
      ["an unknown network", { A: { "ResNet-101": 1 } }, `A, ResNet-101: "ResNet-101" is none of`],
      ["a throughput of another type", { A: { AlexNet: [1] } }, "A, AlexNet: must be a number"],
    ] as const) {
      it(`refuses ${title}`, () => {
        expect(() => json(table)).to.throw(InvalidTableError, message);
      });
    }

    it("refuses what is not JSON", () => {
      expect(() => parseJsonTable(toUtf8Bytes("{"))).to.throw(InvalidTableError, "top level: ");
    });

    it("refuses a number in another notation", () => {
      expect(() => json({ A: { AlexNet: 1e21 } })).to.throw(InvalidThroughputError, 'A, AlexNet: "1e+21"');
    });

    it("reads numbers and the same as strings", () => {
      const table = { A: { AlexNet: 2650.5, "VGG-16": "122.25" } };
      const source = evidenceOf(toUtf8Bytes(JSON.stringify(table)));
      expect(json(table)).to.deep.equal([
        {
          gpu: "A",
          measured: {
            AlexNet: { imagesPerSecondE3: 2_650_500n, source },
            "VGG-16": { imagesPerSecondE3: 122_250n, source },
          },
          remarks: [],
        },
      ]);
    });
  });
});
