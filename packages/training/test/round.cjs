// Trains one round and prints its hash: to be run by other releases and flags of Node. By the reference, if it is called so.
const { createEngine, initialWeights, referenceEngine, Trainer } = require("@turingfog/training");

const engine = process.argv[2] === "reference" ? referenceEngine : createEngine;

const seed = `0x${"11".repeat(32)}`;
const layers = [
  { kind: "convolution", channels: 8, kernel: 5, stride: 2, activation: "relu" },
  { kind: "maxPooling", kernel: 2, stride: 1 },
  { kind: "convolution", channels: 16, kernel: 5, stride: 2, activation: "relu" },
  { kind: "dense", channels: 10, activation: "none" },
];
const model = { height: 28, width: 28, channels: 1, layers };
const plan = { model, seed, rounds: 1, steps: 4, batch: 16, learningRate: 0.05, momentum: 0.9, trim: 1 };

const images = Uint8Array.from({ length: 50 * 784 }, (_, i) => (i % 7 < 4 ? 0 : (i * 7_919) % 256));
const labels = Uint8Array.from({ length: 50 }, (_, i) => i % 10);
const input = { round: 1n, nodeId: 1n, start: initialWeights(model, seed), shard: { images, labels } };
const { endHash, loss } = new Trainer({ ...plan, transfer: "float32" }, engine).train(input);
console.log(JSON.stringify({ engine: engine(16).name, endHash, loss }));
