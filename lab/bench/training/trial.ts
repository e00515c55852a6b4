import { parametersOf, shapesOf, type Dataset, type Model, type TrainingPlan } from "@turingfog/training";

// The first trial of joint training, of November 2026, restated: the demonstration's network with its sizes as constants, one
// image after another in typed arrays, channels as planes, and sums in double precision that are stored as binary32.

const SIDE = 5;
const STEP = 2;
const CLASSES = 10;

/** Sides and channels of the input and of both convolutions' outputs, and values of each. */
const SIDE_0 = 28;
const SIDE_1 = 12;
const SIDE_2 = 4;
const CHANNELS_1 = 8;
const CHANNELS_2 = 16;
const SIZE_0 = SIDE_0 * SIDE_0;
const SIZE_1 = CHANNELS_1 * SIDE_1 * SIDE_1;
const SIZE_2 = CHANNELS_2 * SIDE_2 * SIDE_2;

/** Where the tensors of weights begin; their order is output channel, input channel, row, column. */
const BIAS_1 = CHANNELS_1 * SIDE * SIDE;
const WEIGHTS_2 = BIAS_1 + CHANNELS_1;
const BIAS_2 = WEIGHTS_2 + CHANNELS_2 * CHANNELS_1 * SIDE * SIDE;
const WEIGHTS_3 = BIAS_2 + CHANNELS_2;
const BIAS_3 = WEIGHTS_3 + CLASSES * SIZE_2;
const COUNT = BIAS_3 + CLASSES;

const out1 = new Float32Array(SIZE_1);
const out2 = new Float32Array(SIZE_2);
const logits = new Float32Array(CLASSES);
const errors1 = new Float32Array(SIZE_1);
const errors2 = new Float32Array(SIZE_2);

/** Returns what trains a round over images in an order, and gives the weights at its end in the canonical order. */
export function trialOf(
  { model, batch, learningRate, momentum }: TrainingPlan,
  start: Float32Array,
  { images, labels }: Dataset,
): (order: readonly number[]) => Float32Array {
  const places = placesOf(model);
  const inputs = Array.from(labels, (_, i) =>
    Float32Array.from(images.subarray(i * SIZE_0, (i + 1) * SIZE_0), (byte) => byte / 255),
  );
  return (order) => {
    const weights = Float32Array.from(places, (place) => start[place]);
    const [velocity, gradient] = [new Float32Array(COUNT), new Float32Array(COUNT)];
    for (let first = 0; first < order.length; first += batch) {
      gradient.fill(0);
      for (const index of order.slice(first, first + batch)) learn(weights, inputs[index], labels[index], gradient);
      for (let i = 0; i < COUNT; i++) {
        velocity[i] = momentum * velocity[i] - (learningRate * gradient[i]) / batch;
        weights[i] += velocity[i];
      }
    }
    const end = new Float32Array(COUNT);
    places.forEach((place, i) => (end[place] = weights[i]));
    return end;
  };
}

/** Returns the canonical index of each weight of the trial. */
function placesOf(model: Model): number[] {
  return parametersOf(shapesOf(model)).flatMap(({ shape, start }) => {
    const outs = shape[shape.length - 1];
    const [area, channels] = shape.length === 1 ? [1, 1] : [shape[0] * shape[1], shape[2]];
    const places: number[] = [];
    for (let o = 0; o < outs; o++) {
      for (let c = 0; c < channels; c++) {
        for (let k = 0; k < area; k++) places.push(start + (k * channels + c) * outs + o);
      }
    }
    return places;
  });
}

function learn(weights: Float32Array, input: Float32Array, label: number, gradient: Float32Array): void {
  forward(weights, input);
  const most = Math.max(...logits);
  const powers = Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  errors1.fill(0);
  errors2.fill(0);
  for (let o = 0, w = WEIGHTS_3; o < CLASSES; o++) {
    const error = powers[o] / sum - (o === label ? 1 : 0);
    gradient[BIAS_3 + o] += error;
    for (let i = 0; i < SIZE_2; i++, w++) {
      gradient[w] += error * out2[i];
      errors2[i] += error * weights[w];
    }
  }
  for (let o = 0, at = 0; o < CHANNELS_2; o++) {
    for (let y = 0; y < SIDE_2; y++) {
      for (let x = 0; x < SIDE_2; x++, at++) {
        if (out2[at] <= 0) continue;
        const error = errors2[at];
        gradient[BIAS_2 + o] += error;
        for (let c = 0; c < CHANNELS_1; c++) {
          for (let ky = 0; ky < SIDE; ky++) {
            const i = (c * SIDE_1 + y * STEP + ky) * SIDE_1 + x * STEP;
            const w = WEIGHTS_2 + ((o * CHANNELS_1 + c) * SIDE + ky) * SIDE;
            for (let kx = 0; kx < SIDE; kx++) {
              gradient[w + kx] += error * out1[i + kx];
              errors1[i + kx] += error * weights[w + kx];
            }
          }
        }
      }
    }
  }
  for (let o = 0, at = 0; o < CHANNELS_1; o++) {
    for (let y = 0; y < SIDE_1; y++) {
      for (let x = 0; x < SIDE_1; x++, at++) {
        if (out1[at] <= 0) continue;
        const error = errors1[at];
        gradient[BIAS_1 + o] += error;
        for (let ky = 0; ky < SIDE; ky++) {
          const i = (y * STEP + ky) * SIDE_0 + x * STEP;
          const w = (o * SIDE + ky) * SIDE;
          for (let kx = 0; kx < SIDE; kx++) gradient[w + kx] += error * input[i + kx];
        }
      }
    }
  }
}

function forward(weights: Float32Array, input: Float32Array): void {
  for (let o = 0, at = 0; o < CHANNELS_1; o++) {
    for (let y = 0; y < SIDE_1; y++) {
      for (let x = 0; x < SIDE_1; x++, at++) {
        let sum = weights[BIAS_1 + o];
        for (let ky = 0; ky < SIDE; ky++) {
          sum += product(input, (y * STEP + ky) * SIDE_0 + x * STEP, weights, (o * SIDE + ky) * SIDE);
        }
        out1[at] = sum > 0 ? sum : 0;
      }
    }
  }
  for (let o = 0, at = 0; o < CHANNELS_2; o++) {
    for (let y = 0; y < SIDE_2; y++) {
      for (let x = 0; x < SIDE_2; x++, at++) {
        let sum = weights[BIAS_2 + o];
        for (let c = 0; c < CHANNELS_1; c++) {
          for (let ky = 0; ky < SIDE; ky++) {
            const i = (c * SIDE_1 + y * STEP + ky) * SIDE_1 + x * STEP;
            sum += product(out1, i, weights, WEIGHTS_2 + ((o * CHANNELS_1 + c) * SIDE + ky) * SIDE);
          }
        }
        out2[at] = sum > 0 ? sum : 0;
      }
    }
  }
  for (let o = 0, w = WEIGHTS_3; o < CLASSES; o++) {
    let sum = weights[BIAS_3 + o];
    for (let i = 0; i < SIZE_2; i++, w++) sum += out2[i] * weights[w];
    logits[o] = sum;
  }
}

/** Returns the product of a kernel's row and the values below it. */
function product(input: Float32Array, i: number, weights: Float32Array, w: number): number {
  return (
    input[i] * weights[w] +
    input[i + 1] * weights[w + 1] +
    input[i + 2] * weights[w + 2] +
    input[i + 3] * weights[w + 3] +
    input[i + 4] * weights[w + 4]
  );
}
