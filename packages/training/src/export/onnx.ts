import { parametersOf, shapesOf, type LayerShape, type Parameter } from "../model";
import type { Model } from "../plan";
import { checkWeights, hashOf, toBytes, type Weights } from "../weights";
import { message } from "./protobuf";

/** Version 13 of the operators, which version 8 of the format brought. */
const [IR_VERSION, OPSET] = [8, 13];

/** Types of tensors and attributes, as onnx.proto numbers them. */
const [FLOAT, UINT8] = [1, 2];
const [ATTRIBUTE_INT, ATTRIBUTE_INTS] = [2, 7];

/** Name of the images' number, which is free. */
const BATCH = "batch";

/**
 * Returns a trained model as ONNX. Its input `images` are bytes as those of a data set, batch, height, width, channels; its
 * output `logits` are batch, classes. All sums are those of the layers, in the order of whoever runs it. The hash of the
 * canonical weights is its metadata `turingfog.weights`.
 * @throws WeightsError, ModelError
 */
export function toOnnx(model: Model, weights: Weights): Uint8Array {
  checkWeights(model, weights);
  const shapes = shapesOf(model);
  const { height, width, channels } = model;
  const graph = message(
    [1, nodesOf(shapes)],
    [2, "turingfog"],
    [5, [scalar("most", 255), ...initializersOf(shapes, weights)]],
    [11, valueInfo("images", UINT8, [BATCH, height, width, channels])],
    [12, valueInfo("logits", FLOAT, [BATCH, shapes[shapes.length - 1].outChannels])],
  );
  return message(
    [1, IR_VERSION],
    [2, "turingfog"],
    [7, graph],
    [8, message([2, OPSET])],
    [14, message([1, "turingfog.weights"], [2, hashOf(weights)])],
  );
}

/** Returns the nodes of all layers. ONNX has channels before rows and columns. */
function nodesOf(shapes: readonly LayerShape[]): Uint8Array[] {
  const nodes = [
    node("Cast", ["images"], "values", attribute("to", FLOAT)),
    node("Div", ["values", "most"], "pixels"),
    node("Transpose", ["pixels"], "planes", attribute("perm", [0, 3, 1, 2])),
  ];
  let below = "planes";
  for (const [i, shape] of shapes.entries()) {
    const out = `layers.${i}`;
    const sizes = [
      attribute("kernel_shape", [shape.kernelHeight, shape.kernelWidth]),
      attribute("strides", [shape.step, shape.step]),
    ];
    if (shape.kind === "pooling") nodes.push(node("MaxPool", [below], out, ...sizes));
    else nodes.push(node("Conv", [below, `${out}.weights`, `${out}.bias`], out, ...sizes));
    below = out;
    if (shape.relu) nodes.push(node("Relu", [below], (below = `${out}.relu`)));
  }
  return [...nodes, node("Flatten", [below], "logits")];
}

/** Returns the tensors: those of kernels with output channel, input channel, row, column. */
function initializersOf(shapes: readonly LayerShape[], weights: Weights): Uint8Array[] {
  return parametersOf(shapes).map((parameter) => {
    const values = weights.subarray(parameter.start, parameter.start + parameter.length);
    if (parameter.shape.length === 1) return tensor(parameter.name, parameter.shape, values);
    const [rows, columns, channels, outs] = parameter.shape;
    return tensor(parameter.name, [outs, channels, rows, columns], transposed(parameter, values));
  });
}

function transposed({ shape: [rows, columns, channels, outs], length }: Parameter, values: Weights): Weights {
  const [area, result] = [rows * columns, new Float32Array(length)];
  for (let k = 0; k < area; k++) {
    for (let c = 0; c < channels; c++) {
      for (let o = 0; o < outs; o++) result[(o * channels + c) * area + k] = values[(k * channels + c) * outs + o];
    }
  }
  return result;
}

function node(operator: string, inputs: string[], output: string, ...attributes: Uint8Array[]): Uint8Array {
  return message([1, inputs], [2, output], [3, output], [4, operator], [5, attributes]);
}

function attribute(name: string, value: number | number[]): Uint8Array {
  return Array.isArray(value)
    ? message([1, name], [8, value], [20, ATTRIBUTE_INTS])
    : message([1, name], [3, value], [20, ATTRIBUTE_INT]);
}

function tensor(name: string, shape: readonly number[], values: Float32Array): Uint8Array {
  return message([1, shape], [2, FLOAT], [8, name], [9, toBytes(values)]);
}

function scalar(name: string, value: number): Uint8Array {
  return tensor(name, [], Float32Array.of(value));
}

function valueInfo(name: string, type: number, shape: readonly (string | number)[]): Uint8Array {
  const dimensions = shape.map((side) => (typeof side === "string" ? message([2, side]) : message([1, side])));
  return message([1, name], [2, message([1, message([1, type], [2, message([1, dimensions])])])]);
}
