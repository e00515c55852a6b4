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
import { expect } from "chai";
import { toUtf8Bytes } from "ethers";

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
      [
        "a card under two names",
        ["network,NVIDIA GeForce RTX 2080 Ti,rtx 2080 ti"],
        "rtx 2080 ti: is the same card as NVIDIA GeForce RTX 2080 Ti; keep one of them",
      ],
      ["a chip for a card", ["network,Vega 20"], 'Vega 20: "Vega 20" does not tell the card'],
      ["a row too short", ["network,A,B", "", "AlexNet,1"], "line 3: has 1 numbers for 2 GPUs"],
      ["a row too long", ["network,A", "AlexNet,1,2"], "line 2: has 2 numbers for 1 GPUs"],
      [
        "an unknown network",
        ["network,A", "ResNet-101,1"],
        `line 2, A: "ResNet-101" is none of ${NETWORKS.join(", ")}`,
      ],
      ["a card twice in other letters", ["network,Card A,card-a"], "card-a: is the same card as Card A; keep one"],
      ["an invisible character", ["network,A\u200b1"], "has characters that cannot be seen"],
      ["a name of JavaScript's for a card", ["network,__proto__"], '"__proto__" is not a card\'s name'],
      ["a name of JavaScript's for a network", ["network,A", "__proto__,1"], '"__proto__" is none of'],
      ["a quotation mark that is not closed", ["network,A", '"AlexNet,1'], "line 2: cell 1 has a quotation mark"],
      ["text after a quoted cell", ["network,A", 'AlexNet,"1"2'], "line 2: cell 2 has a quotation mark"],
      ["a quotation mark within a cell", ["network,A", 'AlexNet,1"'], "line 2: cell 2 has a quotation mark"],
      ["other quotation marks", ["network,\u201cA\u201d"], "has quotation marks"],
      ["an encoding that changes midway", ["network,A", "A\0l\0e\0x\0"], "its encoding changes midway"],
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

    for (const number of ["3.627.000", '"3,627"', "3'627", "3 627", "1e3", "+1", "\uff11"]) {
      it(`refuses the number ${number}`, () => {
        expect(() => csv("network,A", `AlexNet,${number}`)).to.throw(InvalidThroughputError);
      });
    }

    it("reads cells in quotation marks as RFC 4180 has them", () => {
      const [{ gpu, measured }, ...others] = csv('"network" , "NVIDIA V100"', '"AlexNet","4782"', '"VGG-16",""');
      expect(others).to.deep.equal([]);
      expect([gpu, measured.AlexNet?.imagesPerSecondE3, measured["VGG-16"]]).to.deep.equal([
        "V100",
        4_782_000n,
        undefined,
      ]);
      expect(csv('network,"2"" card, long"', "AlexNet,1")[0].gpu).to.equal('2" card, long');
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

  it("are read with the line ends of any system, and in UTF-16", () => {
    const expected = csv("network,A", "AlexNet,1", "").map(({ gpu, measured }) => [
      gpu,
      measured.AlexNet?.imagesPerSecondE3,
    ]);
    for (const end of ["\r", "\r\n", "\n"]) {
      const text = ["network,A", "AlexNet,1", ""].join(end);
      for (const file of [toUtf8Bytes(text), Buffer.from(`\ufeff${text}`, "utf16le")]) {
        const read = parseCsvTable(file).map(({ gpu, measured }) => [gpu, measured.AlexNet?.imagesPerSecondE3]);
        expect(read).to.deep.equal(expected);
      }
    }
  });

  describe("parseJsonTable", () => {
    for (const [title, table, message] of [
      ["a list", [1], "top level: must be an object of GPUs"],
      ["no GPU", {}, "top level: names no GPU"],
      ["a GPU without networks", { A: 5 }, "A: must be an object of networks"],
      ["an unknown network", { A: { "ResNet-101": 1 } }, `A, ResNet-101: "ResNet-101" is none of`],
      ["a throughput of another type", { A: { AlexNet: [1] } }, "A, AlexNet: must be a number"],
      [
        "a card under two names",
        { V100: {}, "Tesla V100-SXM2-16GB": {} },
        "Tesla V100-SXM2-16GB: is the same card as V100; keep one of them",
      ],
      ["a chip for a card", { "Vega 20": {} }, 'Vega 20: "Vega 20" does not tell the card'],
    ] as const) {
      it(`refuses ${title}`, () => {
        expect(() => json(table)).to.throw(InvalidTableError, message);
      });
    }

    it("refuses what is not JSON", () => {
      expect(() => parseJsonTable(toUtf8Bytes("{"))).to.throw(InvalidTableError, "top level: ");
    });

    for (const [title, text, key] of [
      ["a GPU", '{"A":{"AlexNet":1},"A":{"AlexNet":9}}', "A"],
      ["a network", '{"A":{"AlexNet":1,"AlexNet":9}}', "AlexNet"],
      ["a GPU in another spelling of its letters", '{"A":{},"\\u0041":{}}', "A"],
    ]) {
      it(`refuses ${title} that is there twice, of which JSON would keep the last`, () => {
        expect(() => parseJsonTable(toUtf8Bytes(text))).to.throw(InvalidTableError, `${key}: is there twice; keep one`);
      });
    }

    it("takes a key in two objects, and a text that looks like one", () => {
      const text = '{"A":{"AlexNet":"1"},"B":{"AlexNet":1},"2\\"B":{}}';
      expect(parseJsonTable(toUtf8Bytes(text))).to.have.length(3);
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
