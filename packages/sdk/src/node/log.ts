import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import path from "node:path";

import { TuringFogError } from "../errors.js";
import { modelNameOf, parseThroughput, type Measurement } from "../tu/measurements.js";
import { NETWORKS, type Network } from "../tu/rating.js";

/** What tf_cnn_benchmarks calls the networks, and what each is trained on. */
const BENCHMARKS: Readonly<Record<Network, { model: string; dataset: string }>> = {
  "ResNet-50": { model: "resnet50", dataset: "imagenet" },
  "ResNet-152": { model: "resnet152", dataset: "imagenet" },
  "Inception v3": { model: "inception3", dataset: "imagenet" },
  "Inception v4": { model: "inception4", dataset: "imagenet" },
  "VGG-16": { model: "vgg16", dataset: "imagenet" },
  AlexNet: { model: "alexnet", dataset: "imagenet" },
  SSD300: { model: "ssd300", dataset: "coco" },
};

/**
 * How far the total may be from the median of the step lines. These are running means of the same steps, so only an
 * unsteady run or an edited log parts them: in Lambda's 18 published logs of three GPUs it is 1.2 % at most.
 */
export const MAX_DEVIATION = 0.05;

/** Longer lines are noise of TensorFlow's; what is beyond is not kept. */
const MAX_LINE_LENGTH = 4_096;

/** Why a log is refused. */
export type LogFault =
  | "no run"
  | "cut off"
  | "failed"
  | "not training"
  | "real data"
  | "other network"
  | "not one GPU"
  | "unknown GPU"
  | "implausible";

/** A log that nothing can be rated by. */
export class RefusedLogError extends TuringFogError {
  constructor(
    readonly file: string,
    readonly fault: LogFault,
    detail: string,
  ) {
    super(`${file}: ${detail}`);
  }
}

/** What a log says of one network. */
export interface LogMeasurement extends Measurement {
  network: Network;
  /** The model's name, as the registry hashes it. */
  gpu: string;
  remarks: string[];
}

/** One run of the benchmark, as far as its log tells. */
interface Run {
  model: string;
  dataset: string;
  mode: string;
  /** Of all workers, and of one device. */
  batchSize: number;
  batchSizePerDevice: number;
  devices: string[];
  gpu: string | undefined;
  isWarm: boolean;
  /** Images per second up to each step shown. */
  speeds: number[];
  lastStep: string | undefined;
  total: string | undefined;
  failure: string | undefined;
  isCompiledByXla: boolean;
  isLossNaN: boolean;
}

/** Follows the console output of tf_cnn_benchmarks line by line; what TensorFlow says in between is passed over. */
class RunReader {
  readonly runs: Run[] = [];
  /** What stopped the benchmark before its first run. */
  failure: string | undefined;

  /** Names by index, of the devices that TensorFlow has created for the run to come or under way. */
  private readonly gpus = new Map<string, string>();

  read(line: string): void {
    for (const [pattern, take] of this.patterns) {
      const match = pattern.exec(line);
      if (match !== null) return take(match);
    }
  }

  /** The run under way: none after its total, so that nothing printed later can change it. */
  private get run(): Run | undefined {
    const last = this.runs.at(-1);
    return last?.total === undefined ? last : undefined;
  }

  private readonly patterns: readonly (readonly [RegExp, (match: RegExpExecArray) => void])[] = [
    [/-> (?:physical GPU \()?device: (\d+), name: (.+?), pci bus id/, ([, index, name]) => this.gpus.set(index, name)],
    [/^Model: +(\S+)/, ([, model]) => this.runs.push(newRun(model))],
    [/^Dataset: +(.+?)\s*$/, ([, dataset]) => this.update({ dataset })],
    [/^Mode: +(.+?)\s*$/, ([, mode]) => this.update({ mode })],
    [/^Batch size: +(\d+) global/, ([, size]) => this.update({ batchSize: Number(size) })],
    [/^ *(\d+) per device/, ([, size]) => this.update({ batchSizePerDevice: Number(size) })],
    [
      /^Devices: +\[(.*)\]/,
      ([, list]) => this.update({ devices: Array.from(list.matchAll(/'([^']*)'/g), (device) => device[1]) }),
    ],
    [/^Done warm up/, () => this.update({ isWarm: true })],
    [/Compiled cluster using XLA!/, () => this.update({ isCompiledByXla: true })],
    [
      /^(\d+)\s+images\/sec: ([\d.]+) \+\/-(?:[^\t]*\t(nan))?/,
      ([, lastStep, speed, nan]) => {
        this.run?.speeds.push(Number(speed));
        this.update(nan === undefined ? { lastStep } : { lastStep, isLossNaN: true });
      },
    ],
    [
      /^total images\/sec: +(\S+)/,
      ([, total]) => {
        const { run } = this;
        const index = /gpu:(\d+)$/i.exec(run?.devices.at(0) ?? "")?.at(1);
        this.update({ total, gpu: index === undefined ? undefined : this.gpus.get(index) });
        this.gpus.clear();
      },
    ],
    [
      /^(?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt)(?::.*)?$|^(?:Killed|Aborted|Segmentation fault)\b.*$/,
      ([failure]) => {
        if (this.runs.length === 0) this.failure = failure;
        this.update({ failure });
      },
    ],
  ];

  private update(told: Partial<Run>): void {
    if (this.run !== undefined) Object.assign(this.run, told);
  }
}

function newRun(model: string): Run {
  return {
    model,
    dataset: "",
    mode: "",
    batchSize: 0,
    batchSizePerDevice: 0,
    devices: [],
    gpu: undefined,
    isWarm: false,
    speeds: [],
    lastStep: undefined,
    total: undefined,
    failure: undefined,
    isCompiledByXla: false,
    isLossNaN: false,
  };
}

/**
 * Reads a console log of tf_cnn_benchmarks, of any length: what its last finished run of each network has measured.
 * Which network and which GPU that is, the log itself says; the name of the file says nothing.
 * @throws RefusedLogError unless every network that was tried has a finished run, and the last one was a plausible
 * training on one GPU and synthetic images
 * @throws InvalidThroughputError, ZeroThroughputError, OutOfRangeError
 */
export async function readLog(file: string): Promise<LogMeasurement[]> {
  const hash = createHash("sha256");
  const reader = new RunReader();
  for await (const line of linesOf(file, (chunk) => hash.update(chunk))) reader.read(line);
  const source = `0x${hash.digest("hex")}`;

  const { runs, failure } = reader;
  if (failure !== undefined && runs.length === 0) throw new RefusedLogError(file, "failed", `failed: ${failure}`);
  if (runs.length === 0) throw new RefusedLogError(file, "no run", "holds no run of tf_cnn_benchmarks");
  const models = new Set(runs.map(({ model }) => model));
  return Array.from(models, (model) => {
    const tried = runs.filter((run) => run.model === model);
    const run = tried.filter(({ total }) => total !== undefined).at(-1) ?? tried[tried.length - 1];
    return { ...measurementOf(run, file), source };
  });
}

/** The lines that have an end: one without was cut off. */
async function* linesOf(file: string, onChunk: (chunk: Buffer) => void): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    onChunk(chunk);
    const lines = (rest + decoder.decode(chunk, { stream: true })).split(/\r\n|\r|\n/);
    rest = (lines.pop() as string).slice(0, MAX_LINE_LENGTH);
    yield* lines;
  }
}

function measurementOf(run: Run, file: string): Omit<LogMeasurement, "source"> {
  const refuse = (fault: LogFault, detail: string): never => {
    throw new RefusedLogError(file, fault, detail);
  };

  const { total, devices, speeds } = run;
  if (total === undefined) {
    if (run.failure !== undefined) return refuse("failed", `the run of ${run.model} failed: ${run.failure}`);
    const where = run.lastStep === undefined ? "before its first step" : `after step ${run.lastStep}`;
    return refuse("cut off", `the run of ${run.model} has no total, it ends ${where}`);
  }

  if (run.mode !== "training") return refuse("not training", `${run.model} was run for ${run.mode}, not for training`);
  const [dataset, synthetic] = run.dataset.split(" (");
  if (synthetic !== "synthetic)") {
    return refuse("real data", `${run.model} was trained on real ${dataset} data, so the disks were measured too`);
  }
  const network = NETWORKS.find((each) => BENCHMARKS[each].model === run.model && BENCHMARKS[each].dataset === dataset);
  if (network === undefined) {
    return refuse("other network", `${run.model} on ${dataset} is none of ${NETWORKS.join(", ")}`);
  }

  const isOnGpu = devices.every((device) => /gpu:\d+$/i.test(device));
  if (devices.length !== 1 || !isOnGpu) {
    return refuse("not one GPU", `${run.model} was run on [${devices.join(", ")}], not on one GPU`);
  }
  if (run.batchSize !== run.batchSizePerDevice) {
    const workers = `${run.batchSize} images a batch, ${run.batchSizePerDevice} of them on this GPU`;
    return refuse("not one GPU", `${run.model} was run on several machines: ${workers}`);
  }
  if (run.gpu === undefined) {
    return refuse("unknown GPU", `TensorFlow's line that names the GPU of ${devices[0]} is missing`);
  }

  const imagesPerSecondE3 = parseThroughput(network, total, file);
  if (!run.isWarm) return refuse("implausible", `${run.model} has a total and no warm-up`);
  if (speeds.length === 0) return refuse("implausible", `${run.model} has a total and no step line`);
  const expected = median(speeds);
  const deviation = Math.abs(Number(total) / expected - 1);
  if (!(deviation <= MAX_DEVIATION)) {
    return refuse(
      "implausible",
      `the total of ${run.model} is ${total} images/s, its step lines' median ${expected}: ` +
        `${(deviation * 100).toFixed(1)} % apart, at most ${MAX_DEVIATION * 100} % is plausible`,
    );
  }

  return { network, gpu: modelNameOf(run.gpu), imagesPerSecondE3, remarks: remarksOf(run, network, file) };
}

function remarksOf(run: Run, network: Network, file: string): string[] {
  const { name } = path.parse(file);
  const isNamedAfterAnother = NETWORKS.some((each) => each !== network && BENCHMARKS[each].model === name);
  return [
    ...(isNamedAfterAnother ? [`${file} is named after another network than it was made with, ${network}`] : []),
    ...(run.isCompiledByXla ? [`${network} was compiled by XLA`] : []),
    ...(run.isLossNaN ? [`${network} was trained to a loss that is not a number`] : []),
  ];
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}
