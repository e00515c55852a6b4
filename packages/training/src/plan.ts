import {
  bytes32,
  InvalidValueError,
  JsonFormat,
  list,
  oneOf,
  record,
  show,
  text,
  uint,
  type Shape,
  type Shapes,
} from "@turingfog/sdk/wire";

import { ModelError } from "./errors";

/** A convolution over squares of an image, without padding. */
export interface Convolution {
  kind: "convolution";
  /** Channels of its output. */
  channels: number;
  /** Height and width of its kernel, in pixels. */
  kernel: number;
  /** Pixels from one square to the next. */
  stride: number;
  activation: Activation;
}

/** The highest value of each square and channel; of equal ones, the first by row and column gets the gradient. */
export interface MaxPooling {
  kind: "maxPooling";
  kernel: number;
  stride: number;
}

/** A weight from each input to each output. */
export interface Dense {
  kind: "dense";
  channels: number;
  activation: Activation;
}

export type Activation = "relu" | "none";

export type Layer = Convolution | MaxPooling | Dense;

/** A neural network that classifies images: the channels of its last layer are the classes. */
export interface Model {
  /** Of an image, in pixels. */
  height: number;
  width: number;
  /** Of an image: bytes of a pixel. */
  channels: number;
  layers: Layer[];
}

/** A run of joint training, as whoever takes part or recomputes a round must know it. */
export interface TrainingPlan {
  model: Model;
  /** What the first weights and the batches of each round are drawn from. */
  seed: string;
  rounds: number;
  /** Batches that a worker trains on in a round. */
  steps: number;
  /** Images of a batch. */
  batch: number;
  learningRate: number;
  /** Share of its last change that a weight repeats, below 1; zero at the start of a round. */
  momentum: number;
  /** Values that are left out at each end before workers' weights are averaged. */
  trim: number;
  /** How a worker's weights travel: as they are, or as 8-bit differences from the start of the round. */
  transfer: "float32" | "int8";
}

/** The longest plan in bytes: it fills a slot of `job.json`. */
export const MAX_PLAN = 9_999;

const MAX_SIDE = 1_024;
const MAX_LAYERS = 32;

/** Returns the shape of an integer between two bounds, a decimal string in JSON. */
function count(minimum: number, maximum: number): Shape<number> {
  const any = uint(32);
  return {
    parse(value) {
      const integer = Number(any.parse(value));
      if (integer >= minimum && integer <= maximum) return integer;
      throw new InvalidValueError(`is ${integer}, expected ${minimum} to ${maximum}`);
    },
    toJson: String,
  };
}

/** Returns the shape of a decimal fraction with one text for each value. */
function fraction(isValid: (value: number) => boolean, expected: string): Shape<number> {
  const decimal = text(/^(0|[1-9][0-9]{0,2})(\.[0-9]{0,8}[1-9])?$/, "a decimal number without zeros at its end");
  return {
    parse(value) {
      const parsed = Number(decimal.parse(value));
      if (isValid(parsed)) return parsed;
      throw new InvalidValueError(`is ${parsed}, expected ${expected}`);
    },
    toJson: (value) => value.toFixed(9).replace(/\.?0+$/, ""),
  };
}

const channels = count(1, MAX_SIDE);
const kernel = count(1, MAX_SIDE);
const stride = count(1, MAX_SIDE);
const activation = oneOf<Activation>("relu", "none");

/** The shapes of a layer, by its kind. */
const LAYERS: { [K in Layer["kind"]]: Shape<Extract<Layer, { kind: K }>> } = {
  convolution: record<Convolution>({ kind: oneOf("convolution"), channels, kernel, stride, activation }),
  maxPooling: record<MaxPooling>({ kind: oneOf("maxPooling"), kernel, stride }),
  dense: record<Dense>({ kind: oneOf("dense"), channels, activation }),
};

const layer: Shape<Layer> = {
  parse(value) {
    const kind = typeof value === "object" && value !== null && "kind" in value ? value.kind : undefined;
    if (typeof kind === "string" && Object.hasOwn(LAYERS, kind)) return LAYERS[kind as Layer["kind"]].parse(value);
    throw new InvalidValueError(`is ${show(kind)}, expected ${Object.keys(LAYERS).join(" or ")}`, ".kind");
  },
  toJson: (value) => (LAYERS[value.kind] as Shape<Layer>).toJson(value),
};

const layers = list(layer, 1, MAX_LAYERS);

const MODEL: Shapes<Model> = {
  height: count(1, MAX_SIDE),
  width: count(1, MAX_SIDE),
  channels,
  layers,
};

/**
 * Reads a model file: JSON with `layers` as a plan has them, whose integers may also be numbers.
 * @throws ModelError
 */
export function parseLayers(json: string): Layer[] {
  try {
    const numbersAsText = (_: string, value: unknown) => (typeof value === "number" ? String(value) : value);
    return record({ layers }).parse(JSON.parse(json, numbersAsText)).layers;
  } catch (error) {
    if (error instanceof SyntaxError) throw new ModelError("file", `is not JSON: ${error.message}`);
    if (error instanceof InvalidValueError) throw new ModelError(error.path.replace(/^\./, "") || "file", error.reason);
    throw error;
  }
}

/** A plan as JSON: integers and fractions are decimal strings. */
export const TRAINING_PLAN = new JsonFormat<TrainingPlan>("turingfog-training-v1", MAX_PLAN, {
  model: record(MODEL),
  seed: bytes32,
  rounds: count(1, 1_000_000),
  steps: count(1, 65_536),
  batch: count(1, 4_096),
  learningRate: fraction((rate) => rate > 0 && rate <= 10, "above 0, at most 10"),
  momentum: fraction((share) => share < 1, "below 1"),
  trim: count(0, 1_000),
  transfer: oneOf("float32", "int8"),
});
