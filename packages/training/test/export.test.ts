import { fromBytes, hashOf, parametersOf, shapesOf, toOnnx, toSafetensors, WeightsError } from "@turingfog/training";
import { expect } from "chai";
import { sha256 } from "ethers";

import { SMALL, someWeights } from "./helpers";

const WEIGHTS = someWeights(SMALL);

/** What ONNX Runtime has read in November 2026; lab/test/oracles has it read what is written now, if it is installed. */
const ONNX_HASH = "0xd27879e10a416a405579822fc755ef910248b4eded177faedb82198135c6b241";

interface Header {
  __metadata__: Record<string, string>;
  [name: string]: { dtype: string; shape: number[]; data_offsets: [number, number] } | Record<string, string>;
}

describe("a trained model", () => {
  it("is written as safetensors: each tensor by name, then the canonical bytes, whose hash is claimed", () => {
    const bytes = Buffer.from(toSafetensors(SMALL, WEIGHTS));
    const length = Number(bytes.readBigUInt64LE(0));
    const data = bytes.subarray(8 + length);
    expect((8 + length) % 8).to.equal(0);
    const { __metadata__, ...tensors } = JSON.parse(bytes.toString("utf8", 8, 8 + length)) as Header;
    expect(__metadata__).to.deep.equal({
      "turingfog.weights": hashOf(WEIGHTS),
      "turingfog.model": JSON.stringify(SMALL),
    });
    expect(fromBytes(SMALL, data)).to.deep.equal(WEIGHTS);
    const expected = parametersOf(shapesOf(SMALL)).map(({ name, shape, start, length: count }) => [
      name,
      { dtype: "F32", shape, data_offsets: [4 * start, 4 * (start + count)] },
    ]);
    expect(tensors).to.deep.equal(Object.fromEntries(expected));
  });

  it("is written as ONNX, in bytes that a runtime has read", () => {
    const bytes = Buffer.from(toOnnx(SMALL, WEIGHTS));
    expect(bytes.includes(hashOf(WEIGHTS))).to.equal(true);
    expect(sha256(bytes)).to.equal(ONNX_HASH);
  });

  for (const [name, write] of Object.entries({ toOnnx, toSafetensors })) {
    it(`is not written by ${name} from other weights than the model's`, () => {
      expect(() => write(SMALL, WEIGHTS.subarray(1))).to.throw(WeightsError, "length");
      expect(() =>
        write(
          SMALL,
          WEIGHTS.map((weight, i) => (i === 3 ? NaN : weight)),
        ),
      ).to.throw(WeightsError, "layers.0.weights[3]: is NaN, expected a finite number");
    });
  }
});
