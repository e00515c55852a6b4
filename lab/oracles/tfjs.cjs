// Trains by TensorFlow.js: reads tasks as JSON on stdin, and prints what came out. Both are of lab/bench/training/task.ts.
// Weights and images are laid out as @turingfog/training has them, which is TensorFlow's own way.
const { readFileSync } = require("node:fs");
const path = require("node:path");

const tf = require("@tensorflow/tfjs");

/**
 * Backend and convolution of each trainer. The WebAssembly backend has no gradient of a convolution's weights: there, a
 * convolution is the product of two matrices. The squares below a kernel are taken by slices, whose gradient TensorFlow.js
 * has, or at once by indices, with a gradient that is written here.
 */
const TRAINERS = {
  cpu: { backend: "cpu", convolution: byConv2d },
  "wasm-slices": { backend: "wasm", convolution: bySlices },
  "wasm-indices": { backend: "wasm", convolution: byIndices },
};

function byConv2d({ stride }) {
  return (x, weights) => tf.conv2d(x, weights, stride, "valid");
}

function bySlices({ kernel, stride }, [height, width, channels], [rows, columns]) {
  // Rows and columns are split by the stride, because slices with strides have no gradient either
  const [downs, rights] = [height, width].map((side) => Math.ceil(side / stride));
  const padding = [[0, 0], [0, downs * stride - height], [0, rights * stride - width], [0, 0]]; // prettier-ignore
  const offsets = Array.from({ length: kernel }, (_, i) => [Math.floor(i / stride), i % stride]);
  return (x, weights) => {
    const split = tf.reshape(tf.pad(x, padding), [-1, downs, stride, rights, stride * channels]);
    const slices = offsets.flatMap(([down, row]) =>
      offsets.map(([right, column]) => {
        const size = [-1, rows, 1, columns, channels];
        return tf.reshape(tf.slice(split, [0, down, row, right, column * channels], size), [-1, channels]);
      }),
    );
    return product(tf.concat(slices, 1), weights, [rows, columns]);
  };
}

function byIndices({ kernel, stride }, [height, width, channels], [rows, columns]) {
  const size = height * width * channels;
  const taken = [];
  const users = Array.from({ length: size }, () => []);
  for (let square = 0; square < rows * columns; square++) {
    const corner = Math.floor(square / columns) * stride * width + (square % columns) * stride;
    for (let i = 0; i < kernel * kernel * channels; i++) {
      const at = (corner + Math.floor(i / (kernel * channels)) * width) * channels + (i % (kernel * channels));
      users[at].push(taken.length);
      taken.push(at);
    }
  }
  // The gradient of a value is the sum over the places that took it; a zero behind all others fills up where they are few
  const most = Math.max(...users.map((each) => each.length));
  const filled = users.flatMap((each) => [...each, ...new Array(most - each.length).fill(taken.length)]);
  const [takenAt, usersAt] = [taken, filled].map((indices) => tf.tensor1d(indices, "int32"));
  const zero = [[0, 0], [0, 1]]; // prettier-ignore
  const squares = tf.customGrad((x) => ({
    value: tf.gather(x, takenAt, 1),
    gradFunc: (errors) => tf.sum(tf.reshape(tf.gather(tf.pad(errors, zero), usersAt, 1), [-1, size, most]), 2),
  }));
  return (x, weights) => {
    const matrix = tf.reshape(squares(tf.reshape(x, [-1, size])), [-1, kernel * kernel * channels]);
    return product(matrix, weights, [rows, columns]);
  };
}

function product(matrix, weights, [rows, columns]) {
  const [channels] = weights.shape.slice(-1);
  return tf.reshape(tf.matMul(matrix, tf.reshape(weights, [-1, channels])), [-1, rows, columns, channels]);
}

/** Returns the functions of all layers, each of an input, and of what hands out the tensors of weights in their order. */
function layersOf({ height, width, channels, layers }, convolution) {
  return layers.map((layer) => {
    const input = [height, width, channels];
    const side = (length) => (layer.kind === "dense" ? 1 : Math.floor((length - layer.kernel) / layer.stride) + 1);
    [height, width] = [side(height), side(width)];
    if (layer.kind === "maxPooling") return (x) => tf.maxPool(x, layer.kernel, layer.stride, "valid");
    channels = layer.channels;
    const isDense = layer.kind === "dense";
    const sum = isDense ? (x, weights) => product(tf.reshape(x, [x.shape[0], -1]), weights, [1, 1]) : undefined;
    const sums = sum ?? convolution(layer, input, [height, width]);
    const biased = (x, take) => tf.add(sums(x, take()), take());
    return layer.activation === "relu" ? (x, take) => tf.relu(biased(x, take)) : biased;
  });
}

async function train({ trainer, plan, tensors, weights, images, labels, order, seconds }) {
  const { backend, convolution } = TRAINERS[trainer];
  if (backend === "wasm") {
    const entry = require.resolve("@tensorflow/tfjs-backend-wasm");
    require(entry).setWasmPaths(`${path.dirname(entry)}/`);
  }
  await tf.setBackend(backend);

  const { model, batch, learningRate, momentum } = plan;
  const values = new Float32Array(Uint8Array.from(Buffer.from(weights, "base64")).buffer);
  const start = tensors.map((each) => tf.tensor(values.subarray(each.start, each.start + each.length), each.shape));
  const variables = start.map((each) => tf.variable(each));
  const layers = layersOf(model, convolution);
  const pixels = Float32Array.from(Buffer.from(images, "base64"), (byte) => byte / 255);
  const size = pixels.length / labels.length;

  const lossOf = (indices) => {
    const input = new Float32Array(batch * size);
    indices.forEach((index, i) => input.set(pixels.subarray(index * size, (index + 1) * size), i * size));
    const truth = tf.oneHot(tf.tensor1d(indices.map((i) => labels[i]), "int32"), model.layers.at(-1).channels); // prettier-ignore
    let next = 0;
    const x = tf.tensor(input, [batch, model.height, model.width, model.channels]);
    const logits = layers.reduce((below, layer) => layer(below, () => variables[next++]), x);
    return tf.losses.softmaxCrossEntropy(truth, tf.reshape(logits, truth.shape));
  };
  const trainRound = () => {
    start.forEach((each, i) => variables[i].assign(each));
    const optimizer = tf.train.momentum(learningRate, momentum);
    for (let i = 0; i < order.length; i += batch) {
      tf.tidy(() => optimizer.minimize(() => lossOf(order.slice(i, i + batch)), false, variables));
    }
    optimizer.dispose();
  };

  trainRound();
  const end = Float32Array.from(variables.flatMap((each) => [...each.dataSync()]));
  const before = process.cpuUsage();
  let [cpuSeconds, trained] = [0, 0];
  while (cpuSeconds < seconds) {
    trainRound();
    trained += order.length;
    const { user, system } = process.cpuUsage(before);
    cpuSeconds = (user + system) / 1e6;
  }
  return { weights: Buffer.from(end.buffer).toString("base64"), images: trained, cpuSeconds };
}

async function main() {
  const outcomes = [];
  for (const task of JSON.parse(readFileSync(0, "utf8"))) outcomes.push(await train(task));
  console.log(JSON.stringify(outcomes));
}

main().catch((error) => {
  console.error(error);
  process.exitCode = 1;
});
