import { initialWeights, ModelError, shapesOf, TRAINING_PLAN, type Layer, type Model } from "@turingfog/training";
import { InvalidMessageError, JOB, MessageTooLargeError } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { DIGITS } from "../../../test/helpers/digits";
import { planOf, SMALL } from "./helpers";

const dense = (channels: number): Layer => ({ kind: "dense", channels, activation: "none" });
const convolution = (channels: number, kernel: number): Layer => ({
  kind: "convolution",
  channels,
  kernel,
  stride: 1,
  activation: "relu",
});

type Tree = { [key: string]: unknown };

/** Returns the JSON of a plan with one value replaced. */
function changed(path: string, value: unknown): string {
  const plan = JSON.parse(TRAINING_PLAN.encode(planOf(SMALL))) as Tree;
  const keys = path.split(".");
  const last = keys.pop() as string;
  const target = keys.reduce((tree, key) => tree[key] as Tree, plan);
  target[last] = value;
  return JSON.stringify(plan);
}

describe("plans of joint training", () => {
  it("are read as they were written", () => {
    for (const plan of [planOf(SMALL), planOf(DIGITS, { learningRate: 10, momentum: 0, trim: 0, transfer: "int8" })]) {
      expect(TRAINING_PLAN.decode(TRAINING_PLAN.encode(plan))).to.deep.equal(plan);
    }
  });

  it("fit a slot of a job", () => {
    const text = TRAINING_PLAN.encode(planOf({ ...DIGITS, layers: new Array<Layer>(32).fill(convolution(8, 1)) }));
    expect(text.length).to.be.below(9_999);
    expect(JOB.maxBytes).to.be.above(TRAINING_PLAN.maxBytes);
    expect(() => TRAINING_PLAN.decode(" ".repeat(10_000))).to.throw(
      MessageTooLargeError,
      "10000 bytes, must have at most 9999",
    );
  });

  for (const [path, value, reason] of [
    ["batch", "0", "batch: is 0, expected 1 to 4096"],
    ["batch", 8, "batch: is 8, expected a decimal integer below 2^32 as a string"],
    ["steps", "65537", "steps: is 65537, expected 1 to 65536"],
    ["rounds", "1000001", "rounds: is 1000001, expected 1 to 1000000"],
    ["trim", "1001", "trim: is 1001, expected 0 to 1000"],
    ["learningRate", "0", "learningRate: is 0, expected above 0, at most 10"],
    ["learningRate", "10.5", "learningRate: is 10.5, expected above 0, at most 10"],
    ["learningRate", "0.50", 'learningRate: is "0.50", expected a decimal number without zeros at its end'],
    ["learningRate", "1e-3", 'learningRate: is "1e-3", expected a decimal number'],
    ["momentum", "1", "momentum: is 1, expected below 1"],
    ["seed", "0x11", 'seed: is "0x11", expected 0x and 64 lower-case hex digits'],
    ["transfer", "int4", 'transfer: is "int4", expected float32 or int8'],
    ["model.height", "1025", "model.height: is 1025, expected 1 to 1024"],
    ["model.width", "0", "model.width: is 0, expected 1 to 1024"],
    ["model.channels", "0", "model.channels: is 0, expected 1 to 1024"],
    ["model.layers", [], "model.layers: has 0 items, expected 1 to 32"],
    ["model.layers.0.kind", "lstm", 'model.layers[0].kind: is "lstm", expected convolution or maxPooling or dense'],
    ["model.layers.0.kernel", "0", "model.layers[0].kernel: is 0, expected 1 to 1024"],
    ["model.layers.0.stride", "0", "model.layers[0].stride: is 0, expected 1 to 1024"],
    ["model.layers.0.channels", "1025", "model.layers[0].channels: is 1025, expected 1 to 1024"],
    ["model.layers.0.activation", "tanh", 'model.layers[0].activation: is "tanh", expected relu or none'],
    ["model.layers.1.activation", "relu", 'model.layers[1]: has a key "activation", knows kind, kernel, stride'],
    ["model.layers.3", { kind: "dense", channels: "4" }, "model.layers[3]: has no activation"],
    ["model.layers.2", "dense", "model.layers[2].kind: is undefined, expected convolution or maxPooling or dense"],
  ] as [string, unknown, string][]) {
    it(`refuse ${path} of ${JSON.stringify(value)}`, () => {
      expect(() => TRAINING_PLAN.decode(changed(path, value))).to.throw(
        InvalidMessageError,
        `turingfog-training-v1, ${reason}`,
      );
    });
  }
});

describe("models", () => {
  it("have the sizes of their layers", () => {
    const sizes = shapesOf(SMALL).map(({ outHeight, outWidth, outChannels }) => [outHeight, outWidth, outChannels]);
    expect(sizes).to.deep.equal([
      [7, 6, 6],
      [3, 2, 6],
      [2, 1, 5],
      [1, 1, 9],
      [1, 1, 3],
    ]);
    expect(initialWeights(DIGITS, planOf(DIGITS).seed).length).to.equal(5_994);
  });

  for (const [title, layers, reason] of [
    [
      "a kernel larger than its input",
      [convolution(2, 5), convolution(2, 4), dense(2)],
      "layers[1].kernel: is 4, expected at most 3",
    ],
    [
      "pooling of the images",
      [{ kind: "maxPooling", kernel: 1, stride: 1 }, dense(2)],
      "layers[0].kind: is maxPooling, expected convolution or dense",
    ],
    ["an end without classes", [convolution(2, 1)], "layers[0].kind: is convolution, expected dense"],
    ["classes behind a ReLU", [{ ...dense(2), activation: "relu" }], "layers[0].activation: is relu, expected none"],
    ["one class", [dense(1)], "layers[0].channels: is 1, expected 2 to 256"],
    ["more classes than a byte has", [dense(257)], "layers[0].channels: is 257, expected 2 to 256"],
    [
      "too many weights",
      [dense(1_024), ...new Array<Layer>(17).fill({ ...dense(1_024) }), dense(2)],
      "expected at most 16777216",
    ],
  ] as [string, Layer[], string][]) {
    it(`refuse ${title}`, () => {
      const model: Model = { height: 7, width: 8, channels: 1, layers };
      expect(() => shapesOf(model)).to.throw(ModelError, reason);
    });
  }

  it("refuse too many values between layers", () => {
    const layers = [convolution(17, 1), dense(2)];
    expect(() =>
      shapesOf({
        height: 1_000,
        width: 1_000,
        channels: 1,
        layers: [layers[0], { kind: "maxPooling", kernel: 1_000, stride: 1 }, layers[1]],
      }),
    ).to.throw(ModelError, "layers: give 17000019 values, expected at most 16777216");
  });
});
