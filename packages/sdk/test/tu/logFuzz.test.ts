import { LogReader, NETWORKS, TuringFogError } from "@turingfog/sdk";
import { expect } from "chai";
import fc from "fast-check";

const SEED = Number(process.env.SEED ?? 1);
/** A run of the suite reads these; `FUZZ_INPUTS=100000` takes half a minute. */
const INPUTS = Number(process.env.FUZZ_INPUTS ?? 10_000);

const MODELS = ["resnet50", "resnet152", "inception3", "inception4", "vgg16", "alexnet"];
const CARDS = ["GeForce GTX 1080", "GeForce RTX 2080 Ti", "Tesla V100-SXM2-16GB", "Example 100"];
const MODEL_NAMES = ["GTX 1080", "RTX 2080 Ti", "V100", "Example 100"];
const PREFIXES = [
  "",
  "    ",
  "2027-01-15T09:00:00.123456789Z ",
  "[1,0]<stdout>:",
  "[1,1]<stdout>:",
  "bench-1  | ",
  "?? ",
];
/**
 * Lines that a file of two runs may lose. When the end of one and the head of the other are gone, what is left is word
 * for word the log of one run, and no reader can tell.
 */
const MAX_LOSS = 18;
const RULER = "-".repeat(64);

/** A run that was logged: which one, and what is right to read from it. */
interface Logged {
  lines: string[];
  /** Network, card and thousandths of images per second. */
  reading: string;
}

/** A log as tf_cnn_benchmarks prints it; no two runs of an input have speeds within 30 % of each other. */
function logged(model: number, card: number, tier: number, steps: number, isOld: boolean): Logged {
  const speed = 40 * 1.7 ** tier;
  const device =
    "2027-01-15 09:00:01.000000: I tensorflow/core/common_runtime/gpu/gpu_device.cc:1326] Created TensorFlow device " +
    `(/job:localhost/replica:0/task:0/device:GPU:0 with 15000 MB memory) -> physical GPU (device: ${card}, ` +
    `name: ${CARDS[card]}, pci bus id: 0000:0${card}:00.0, compute capability: 7.0)`;
  const total = (speed * 0.999).toFixed(2);
  const lines = [
    "2027-01-15 09:00:00.000001: I tensorflow/core/platform/cpu_feature_guard.cc:142] Your CPU supports AVX2",
    device,
    `TensorFlow:  1.${isOld ? 12 : 15}`,
    `Model:       ${MODELS[model]}`,
    "Dataset:     imagenet (synthetic)",
    `Mode:        ${isOld ? "BenchmarkMode.TRAIN" : "training"}`,
    "SingleSess:  False",
    "Batch size:  32 global",
    `             ${isOld ? "32.0" : "32"} per device`,
    `Num batches: ${steps * 10}`,
    "Num epochs:  0.00",
    "Devices:     ['/gpu:0']",
    "==========",
    "Generating training model",
    "Initializing graph",
    device,
    "Running warm up",
    "Done warm up",
    "Step\tImg/sec\ttotal_loss",
    ...Array.from({ length: steps + 1 }, (_, i) => {
      const mean = (speed * (1 + 0.004 * Math.cos(7 * i + tier))).toFixed(1);
      return `${i === 0 ? 1 : i * 10}\timages/sec: ${mean} +/- 0.1 (jitter = 0.4)\t7.${600 - i}`;
    }),
    RULER,
    `total images/sec: ${total}`,
    RULER,
  ];
  return { lines, reading: `${NETWORKS[model]} ${MODEL_NAMES[card]} ${Math.round(Number(total) * 1_000)}` };
}

/** A change of a log; `at` and `to` are shares of its length. */
type Change = (lines: string[], at: number, to: number, pick: number) => string[];

const index = (lines: string[], share: number) => Math.min(Math.floor(share * lines.length), lines.length - 1);
const replaced = (lines: string[], at: number, line: string) => lines.map((each, i) => (i === at ? line : each));

const CHANGES: Readonly<Record<string, Change>> = {
  dropped: (lines, at) => lines.filter((_, i) => i !== index(lines, at)),
  gap: (lines, at, _, pick) => lines.filter((_line, i) => i < index(lines, at) || i > index(lines, at) + (pick % 20)),
  shortened: (lines, at, to) => {
    const i = index(lines, at);
    return replaced(lines, i, lines[i].slice(0, Math.floor(to * lines[i].length)));
  },
  merged: (lines, at) => {
    const i = index(lines, at);
    return [...lines.slice(0, i), lines.slice(i, i + 2).join(""), ...lines.slice(i + 2)];
  },
  moved: (lines, at, to) => {
    const i = index(lines, at);
    const rest = lines.filter((_, j) => j !== i);
    const j = Math.max(0, Math.min(rest.length, i + Math.round((to - 0.5) * 8)));
    return [...rest.slice(0, j), lines[i], ...rest.slice(j)];
  },
  swapped: (lines, at) => {
    const i = index(lines, at);
    return i + 1 < lines.length ? [...lines.slice(0, i), lines[i + 1], lines[i], ...lines.slice(i + 2)] : lines;
  },
  repeated: (lines, at) => lines.flatMap((line, i) => (i === index(lines, at) ? [line, line] : [line])),
  prefixed: (lines, at, _, pick) => {
    const i = index(lines, at);
    return replaced(lines, i, PREFIXES[pick % PREFIXES.length] + lines[i]);
  },
  prefixedOn: (lines, at, _, pick) =>
    lines.map((line, i) => (i >= index(lines, at) ? PREFIXES[pick % PREFIXES.length] + line : line)),
  endless: (lines, at) => lines.slice(0, index(lines, at) + 1),
  headless: (lines, at) => lines.slice(index(lines, at)),
};

/** Two logs in one file: one after the other, or with their lines shuffled into each other. */
function together(first: string[], second: string[], turns: readonly boolean[]): string[] {
  if (turns.length === 0) return [...first, ...second];
  const [a, b] = [[...first], [...second]];
  const lines: string[] = [];
  for (let i = 0; a.length + b.length > 0; i++) {
    const next = (turns[i % turns.length] ? a : b).shift() ?? a.shift() ?? b.shift();
    if (next !== undefined) lines.push(next);
  }
  return lines;
}

const runs = fc.tuple(
  fc.uniqueArray(fc.nat(8), { minLength: 1, maxLength: 2 }),
  fc.array(fc.tuple(fc.nat(5), fc.nat(3), fc.integer({ min: 1, max: 10 }), fc.boolean()), {
    minLength: 2,
    maxLength: 2,
  }),
);
const share = fc.nat(999).map((thousandths) => thousandths / 1_000);
const changes = fc.array(fc.tuple(fc.constantFrom(...Object.keys(CHANGES)), share, share, fc.nat(99)), {
  maxLength: 6,
});
const input = fc
  .tuple(runs, fc.array(fc.boolean(), { maxLength: 12 }), changes, fc.boolean())
  .map(([[tiers, kinds], turns, edits, areEarly]) => {
    const logs = tiers.map((tier, i) => logged(kinds[i][0], kinds[i][1], tier, kinds[i][2], kinds[i][3]));
    const edited = (lines: string[]) =>
      edits.reduce(
        (text, [name, at, to, pick]) => (text.length === 0 ? text : CHANGES[name](text, at, to, pick)),
        lines,
      );
    const [first, second = []] = logs.map(({ lines }) => lines);
    // one process's output is changed before they are put together, or the file afterwards
    const mixed = areEarly ? together(edited(first), second, turns) : edited(together(first, second, turns));
    const lines = first.length + second.length - mixed.length > MAX_LOSS ? edited(first) : mixed;
    return { lines, readings: logs.map(({ reading }) => reading) };
  });

/** Reads lines as `readLog` reads a file. */
function readingsOf(lines: readonly string[]): string[] {
  const reader = new LogReader();
  for (const line of lines) reader.read(line);
  return reader
    .measurements("a.log", "")
    .map(({ network, gpu, imagesPerSecondE3 }) => `${network} ${gpu} ${imagesPerSecondE3}`);
}

describe("the reader of logs", () => {
  it(`reads a run as it was logged, or refuses, whatever became of the lines (SEED=${SEED}, ${INPUTS} inputs)`, () => {
    let read = 0;
    const property = fc.property(input, ({ lines, readings }) => {
      let found: string[];
      try {
        found = readingsOf(lines);
      } catch (error) {
        if (error instanceof TuringFogError) return;
        throw error;
      }
      read += found.length;
      expect(readings).to.include.members(found);
    });
    fc.assert(property, { seed: SEED, numRuns: INPUTS });
    // neither may it refuse everything
    expect(read).to.be.above(INPUTS / 10);
  }).timeout(300_000);
});
