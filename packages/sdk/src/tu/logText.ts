import { TuringFogError } from "../errors.js";
import { isChipName, modelNameOf, unbranded, whyNoCard } from "./drivers.js";
import { type Measurement, parseThroughput } from "./measurements.js";
import { printedLineOf } from "./prefixes.js";
import { type Network, NETWORKS } from "./rating.js";

/** The networks by the names that tf_cnn_benchmarks has for them and for their data. */
export const BENCHMARKS: Readonly<Record<Network, { model: string; dataset: string }>> = {
  "ResNet-50": { model: "resnet50", dataset: "imagenet" },
  "ResNet-152": { model: "resnet152", dataset: "imagenet" },
  "Inception v3": { model: "inception3", dataset: "imagenet" },
  "Inception v4": { model: "inception4", dataset: "imagenet" },
  "VGG-16": { model: "vgg16", dataset: "imagenet" },
  AlexNet: { model: "alexnet", dataset: "imagenet" },
  SSD300: { model: "ssd300", dataset: "coco" },
};

/** Modes that tf_cnn_benchmarks prints; true for training alone. Under TensorFlow 1.12 it prints an enumeration's. */
const MODES: ReadonlyMap<string, boolean> = new Map([
  ["training", true],
  ["BenchmarkMode.TRAIN", true],
  ...["forward-only", "evaluation", "training + evaluation", "none"].map((mode) => [mode, false] as const),
  ...["EVAL", "FORWARD_ONLY", "TRAIN_AND_EVAL"].map((mode) => [`BenchmarkMode.${mode}`, false] as const),
]);

/**
 * Largest distance of the total from the median of the step lines, as a share of it. These are running means of the same steps, so only an
 * unsteady run or an edited log parts them: in Lambda's 18 published logs of three GPUs it is 1.2 % at most.
 */
export const MAX_DEVIATION = 0.05;

/** Half of the last digit of a step line's images per second. */
const SPEED_ROUNDING = 0.05;

/** The kind of reason for which a log is refused. */
export type LogFault =
  | "not text"
  | "no run"
  | "cut off"
  | "failed"
  | "mixed runs"
  | "not understood"
  | "not training"
  | "real data"
  | "other network"
  | "other precision"
  | "not one GPU"
  | "unknown GPU"
  | "ambiguous GPU"
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

/** The measurement of one network, as a log has it. */
export interface LogMeasurement extends Measurement {
  network: Network;
  /** The model's name, as the registry hashes it. */
  gpu: string;
  /** The driver's name of the card, without the brand: boards that are rated as one model differ in it. */
  device: string;
  remarks: string[];
}

/** Lines that name a value, and what they begin with. A run prints each of them once, before its warm-up. */
const HEAD =
  /^(Dataset|Mode|SingleSess|Batch size|Num batches|Num epochs|Devices|NUMA bind|Data format|Optimizer|Variables|AllReduce|Sync): +(.*)$/;
const PER_DEVICE = /^(\S+) per device$/;
const LAST_STAGE = "Initializing graph";
const STAGE = /^(?:Generating (?:training )?model|Initializing graph)$/;

/** TensorFlow's own index of a device, and the name behind it; the index in parentheses is the driver's. */
const DEVICES =
  /\/(?:device:)?gpu:(\d+)\b[^>]{0,80}-> (?:physical \w+ )?\(?device: \d+, name: ([^,]{1,120}), pci bus id/gi;

/** Says that a part of the training ran in another precision than fp32. */
const LOW_PRECISION = new RegExp(
  [
    String.raw`Converted [1-9]\d*/\d+ nodes to b?float16`,
    String.raw`auto_mixed_precision: ?ON|convert_to_bfloat16: ?ON`,
    String.raw`TF_ENABLE_AUTO_MIXED_PRECISION(?:_GRAPH_REWRITE)?=(?:1|true)\b`,
    String.raw`tf_cnn_benchmarks\.py .*--use_fp16\b(?!=(?:false|f|no|n|0)\b)`,
  ].join("|"),
  "i",
);

const STEP = /^(\d+)\s+images\/sec: ([\d.]+) \+\/-(?:.*\)\s+(nan)\b)?/;
const TOTAL = /^total images\/sec: +(.*)$/;
const FAILURE = /^(?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt)(?::.*)?$|^(?:Killed|Aborted|Segmentation fault)\b.*$/;
/** A line of the benchmark's that stands after something else in a line. */
const DISPLACED = /\bModel: {2,}(?=\S)|total images\/sec:/;

/** Facts that are printed before a run's head and belong to the run. */
interface Prelude {
  /** The names by index, of the devices that TensorFlow has created. */
  devices: Map<string, Set<string>>;
  sources: Set<string>;
  lowPrecision: string | undefined;
}

/** One run of the benchmark, as far as its log tells. */
interface Run extends Prelude {
  model: string;
  /** The head, by what its lines begin with. */
  fields: Map<string, string>;
  /** True when the log has another run before this one that neither finished nor failed: its lines may follow. */
  isOverlapping: boolean;
  isWarmingUp: boolean;
  isWarm: boolean;
  /** Images per second up to each step shown. */
  speeds: number[];
  lastStep: number | undefined;
  total: string | undefined;
  failure: string | undefined;
  /** The first sign that lines of another run are among this one's. */
  mixture: string | undefined;
  /** A line of the run that has something unknown before it. */
  displaced: string | undefined;
  isCompiledByXla: boolean;
  isInTf32: boolean;
  isLossNaN: boolean;
}

/** Returns what a line of the head names, and the value. */
function fieldOf(text: string): [name: string, value: string] | undefined {
  const [, name, value] = HEAD.exec(text) ?? [];
  if (name !== undefined) return [name, value];
  const perDevice = PER_DEVICE.exec(text)?.[1];
  if (perDevice !== undefined) return ["per device", perDevice];
  return STAGE.test(text) ? [text, ""] : undefined;
}

function newPrelude(): Prelude {
  return { devices: new Map(), sources: new Set(), lowPrecision: undefined };
}

/**
 * Follows the console output of tf_cnn_benchmarks line by line; what TensorFlow says in between is passed over. A line
 * counts for a run only if the run can have printed it there: the head's lines once and before the warm-up, steps in
 * ascending order, in a time that never runs backwards.
 */
export class LogReader {
  private readonly runs: Run[] = [];
  /** The run under way: none after its total, so that nothing printed later can change it. */
  private run: Run | undefined;
  private prelude = newPrelude();
  private line = 0;
  /** The source of the line that is being taken. */
  private source = "";
  /** The error that stopped the benchmark before its first run. */
  private failure: string | undefined;
  private displaced: string | undefined;

  /** Takes the next line, as it stands in the file. */
  read(line: string): void {
    this.line++;
    const { text, source } = printedLineOf(line);
    this.source = source;
    if (!this.takeBenchmark(text)) this.takeTensorFlow(text);
  }

  /** Takes what stands after the last newline. It may be cut off; a total with its two decimals is not. */
  readRest(rest: string): void {
    if (/total images\/sec: +\d+\.\d\d$/.test(printedLineOf(rest).text)) this.read(rest);
  }

  /**
   * Returns what the last finished run of each network has measured.
   * @param file its name, for errors and remarks
   * @param source SHA-256 of the file
   * @param card the card, for a driver that names only its chip
   * @throws RefusedLogError unless every network that was tried has a finished run, and the last one was a plausible
   * training on one GPU and synthetic images
   * @throws InvalidThroughputError, ZeroThroughputError, OutOfRangeError
   */
  measurements(file: string, source: string, card?: string): LogMeasurement[] {
    const { runs, failure, displaced } = this;
    if (runs.length === 0) {
      if (failure !== undefined) throw new RefusedLogError(file, "failed", `failed: ${failure}`);
      const detail = "holds no run of tf_cnn_benchmarks";
      throw new RefusedLogError(file, "no run", displaced === undefined ? detail : `${detail}: ${displaced}`);
    }

    const models = new Set(runs.map(({ model }) => model));
    const chosen = Array.from(models, (model) => {
      const tried = runs.filter((run) => run.model === model);
      return tried.filter(({ total }) => total !== undefined).at(-1) ?? tried[tried.length - 1];
    });
    const mixed = chosen.find(({ mixture }) => mixture !== undefined);
    if (mixed?.mixture !== undefined) {
      const advice = "log each run to a file of its own";
      throw new RefusedLogError(file, "mixed runs", `the lines of two runs are mixed: ${mixed.mixture}; ${advice}`);
    }
    return chosen.map((run) => ({ ...measurementOf(run, file, card), source }));
  }

  /** Takes a line of the benchmark's own; false for any other. */
  private takeBenchmark(text: string): boolean {
    const { run } = this;
    if (/^TensorFlow: +\S/.test(text)) {
      this.run = undefined;
      return true;
    }
    const model = /^Model: +(.*)$/.exec(text)?.[1];
    if (model !== undefined) {
      this.begin(model);
      return true;
    }
    const field = fieldOf(text);
    if (field !== undefined) {
      if (run !== undefined) this.takeField(run, ...field);
      return true;
    }
    const warmUp = /^(Running|Done) warm ?up/.exec(text)?.[1];
    if (warmUp !== undefined) {
      if (run !== undefined) this.takeWarmUp(run, warmUp === "Done");
      return true;
    }
    const step = STEP.exec(text);
    if (step !== null) {
      this.takeStep(run, Number(step[1]), Number(step[2]), step[3] !== undefined);
      return true;
    }
    const total = TOTAL.exec(text)?.[1];
    if (total !== undefined) {
      this.takeTotal(run, total);
      return true;
    }
    return false;
  }

  private begin(model: string): void {
    const last = this.runs.at(-1);
    const isOverlapping = last !== undefined && last.total === undefined && last.failure === undefined;
    const run: Run = {
      ...this.prelude,
      model,
      fields: new Map(),
      isOverlapping,
      isWarmingUp: false,
      isWarm: false,
      speeds: [],
      lastStep: undefined,
      total: undefined,
      failure: undefined,
      mixture: undefined,
      displaced: undefined,
      isCompiledByXla: false,
      isInTf32: false,
      isLossNaN: false,
    };
    this.prelude = newPrelude();
    this.runs.push(run);
    this.run = run;
    this.claim(run);
    if (isOverlapping && !last.isWarm) this.mix(run, "its head before the warm-up of the run before was done");
  }

  private takeField(run: Run, field: string, value: string): void {
    this.claim(run);
    if (run.fields.has(field)) return this.mix(run, `another "${field}"`);
    if (run.isWarmingUp || run.isWarm) return this.mix(run, `"${field}" after the warm-up`);
    if (run.lastStep !== undefined) return this.mix(run, `"${field}" after step ${run.lastStep}`);
    if (run.fields.has(LAST_STAGE)) return this.mix(run, `"${field}" after "${LAST_STAGE}"`);
    run.fields.set(field, value);
  }

  private takeWarmUp(run: Run, isDone: boolean): void {
    this.claim(run);
    if (isDone ? run.isWarm : run.isWarmingUp || run.isWarm) this.mix(run, "another warm-up");
    if (run.lastStep !== undefined) this.mix(run, `a warm-up after step ${run.lastStep}`);
    if (isDone) {
      run.isWarm = true;
      this.prelude = newPrelude();
    } else run.isWarmingUp = true;
  }

  private takeStep(run: Run | undefined, step: number, speed: number, isLossNaN: boolean): void {
    if (run === undefined) return this.takeStray(`step ${step}`);
    this.claim(run);
    const { lastStep } = run;
    if (!run.isWarm && run.isOverlapping) this.mix(run, `step ${step} before the warm-up`);
    if (lastStep !== undefined) {
      if (step <= lastStep) this.mix(run, `step ${step} after step ${lastStep}`);
      // a step over the mean speed up to it is the time up to it, which grows
      const before = lastStep / (run.speeds[run.speeds.length - 1] + SPEED_ROUNDING);
      const now = step / Math.max(speed - SPEED_ROUNDING, 0);
      if (now < before) this.mix(run, `step ${step} was done sooner than step ${lastStep}`);
    }
    const batches = Number(run.fields.get("Num batches"));
    if (step > batches) this.mix(run, `step ${step} of ${batches}`);
    run.lastStep = step;
    run.speeds.push(speed);
    if (isLossNaN) run.isLossNaN = true;
  }

  private takeTotal(run: Run | undefined, total: string): void {
    if (run === undefined) return this.takeStray("another total");
    this.claim(run);
    if (!run.isWarm && run.isOverlapping) this.mix(run, "a total before the warm-up");
    run.total = total;
    this.run = undefined;
    this.prelude = newPrelude();
  }

  /** A step or total of no run that is known: it belongs to an earlier one, whose lines this one may have got. */
  private takeStray(what: string): void {
    const last = this.runs.at(-1);
    if (last?.isOverlapping === true) this.mix(last, `${what} after the total`);
  }

  /** Takes what TensorFlow, the shell or a launcher says of a run. */
  private takeTensorFlow(text: string): void {
    const { run } = this;
    for (const [, index, name] of text.matchAll(DEVICES)) {
      addDevice(this.prelude, index, name);
      this.prelude.sources.add(this.source);
      if (run === undefined) continue;
      addDevice(run, index, name);
      this.claim(run);
    }
    const lowPrecision = LOW_PRECISION.exec(text)?.[0];
    if (lowPrecision !== undefined) {
      this.prelude.lowPrecision ??= lowPrecision;
      if (run !== undefined) run.lowPrecision ??= lowPrecision;
    }
    if (run !== undefined) {
      if (text.includes("Compiled cluster using XLA!")) run.isCompiledByXla = true;
      if (text.includes("TensorFloat-32 will be used")) run.isInTf32 = true;
    }
    const failure = FAILURE.exec(text)?.[0];
    if (failure !== undefined) {
      if (this.runs.length === 0) this.failure = failure;
      if (run === undefined) return;
      run.failure = failure;
      this.prelude = newPrelude();
      return;
    }
    const displaced = DISPLACED.exec(text);
    if (displaced !== null) {
      // whichever run that line is of, the one under way ends here
      const before = shown(text.slice(0, displaced.index));
      this.displaced ??= `line ${this.line} has ${before} before "${displaced[0].trim()}"`;
      if (run !== undefined) run.displaced ??= this.displaced;
      this.run = undefined;
    }
  }

  /** Notes whose line a run has got: the lines of two sources are those of two runs. */
  private claim(run: Run): void {
    run.sources.add(this.source);
    if (run.sources.size > 1) this.mix(run, `lines of ${[...run.sources].map(sourceName).join(" and ")}`);
  }

  private mix(run: Run, sign: string): void {
    run.mixture ??= `${sign}, in line ${this.line}, in the run of ${run.model}`;
  }
}

function addDevice({ devices }: Prelude, index: string, name: string): void {
  const names = devices.get(index) ?? new Set();
  devices.set(index, names.add(name));
}

function measurementOf(run: Run, file: string, card: string | undefined): Omit<LogMeasurement, "source"> {
  const { model, fields, total, speeds, displaced } = run;
  const refuse = (fault: LogFault, detail: string): never => {
    throw new RefusedLogError(file, fault, detail);
  };
  const field = (name: string, pattern: RegExp): RegExpExecArray => {
    const value = fields.get(name);
    if (value === undefined) return refuse("not understood", `the run of ${model} has no "${name}" line`);
    return pattern.exec(value) ?? notUnderstood(name, value);
  };
  const notUnderstood = (name: string, value: string): never =>
    refuse("not understood", `the run of ${model} has "${name}" as ${shown(value)}, which is not understood`);

  if (!/^[\w.]+$/.test(model)) return notUnderstood("Model", model);
  if (total === undefined) {
    if (run.failure !== undefined) return refuse("failed", `the run of ${model} failed: ${run.failure}`);
    if (displaced !== undefined) return refuse("cut off", `the run of ${model} has no total of its own: ${displaced}`);
    const where = run.lastStep === undefined ? "before its first step" : `after step ${run.lastStep}`;
    return refuse("cut off", `the run of ${model} has no total, it ends ${where}`);
  }

  const [mode] = field("Mode", /.*/);
  const isTraining = MODES.get(mode);
  if (isTraining === undefined) return notUnderstood("Mode", mode);
  if (!isTraining) return refuse("not training", `${model} was run for ${mode}, not for training`);

  // older versions do not print the dataset; what else is wrong with their logs is said first
  const data = fields.has("Dataset") ? field("Dataset", /^(\S+)( \(synthetic\))?$/) : undefined;
  if (data !== undefined && data[2] === undefined) {
    return refuse("real data", `${model} was trained on real ${data[1]} data, so the disks were measured too`);
  }
  const network = NETWORKS.find(
    (each) => BENCHMARKS[each].model === model && BENCHMARKS[each].dataset === (data?.[1] ?? BENCHMARKS[each].dataset),
  );
  if (network === undefined) {
    const what = data === undefined ? model : `${model} on ${data[1]}`;
    return refuse("other network", `${what} is none of ${NETWORKS.join(", ")}`);
  }

  const [, list] = field("Devices", /^\[(.*)\]$/);
  const devices = Array.from(list.matchAll(/'([^']*)'/g), (device) => device[1]);
  const index = /gpu:(\d+)$/i.exec(devices[0] ?? "")?.[1];
  if (devices.length !== 1 || index === undefined) {
    return refuse("not one GPU", `${model} was run on [${devices.join(", ")}], not on one GPU`);
  }
  const batch = Number(field("Batch size", /^(\d+) global$/)[1]);
  const onThisGpu = Number(field("per device", /^\d+(?:\.\d+)?$/)[0]);
  if (batch !== onThisGpu) {
    const workers = `${batch} images a batch, ${onThisGpu} of them on this GPU`;
    return refuse("not one GPU", `${model} was run on several machines: ${workers}`);
  }
  const [name, ...others] = run.devices.get(index) ?? [];
  if (name === undefined) {
    return refuse("unknown GPU", `TensorFlow's line that names the GPU of ${devices[0]} is missing`);
  }
  if (others.length > 0) {
    const names = [name, ...others].join(" and ");
    return refuse("mixed runs", `the lines of two runs are mixed: ${devices[0]} of ${model} is ${names}`);
  }
  if (run.lowPrecision !== undefined) {
    return refuse("other precision", `${model} was not trained in fp32: the log says "${run.lowPrecision}"`);
  }
  if (data === undefined) {
    const why = 'has no "Dataset" line, so that real data cannot be told from synthetic';
    return refuse("not understood", `the run of ${model} ${why}; use a newer tf_cnn_benchmarks`);
  }

  if (/^\d+(?:\.\d?)?$/.test(total)) {
    return refuse("cut off", `the total of ${model} is ${total}, which should have two decimals`);
  }
  const imagesPerSecondE3 = parseThroughput(network, total, file);
  if (!run.isWarm) return refuse("implausible", `${model} has a total and no warm-up`);
  if (speeds.length === 0) return refuse("implausible", `${model} has a total and no step line`);
  const expected = median(speeds);
  const deviation = Math.abs(Number(total) / expected - 1);
  if (!(deviation <= MAX_DEVIATION)) {
    return refuse(
      "implausible",
      `the total of ${model} is ${total} images/s, its step lines' median ${expected}: ` +
        `${(deviation * 100).toFixed(1)} % apart, at most ${MAX_DEVIATION * 100} % is plausible`,
    );
  }

  const reason = whyNoCard(name, card);
  if (reason !== undefined) return refuse("ambiguous GPU", reason);
  const device = unbranded(name);
  const gpu = modelNameOf(card !== undefined && isChipName(name) ? card : name);
  const remarks = remarksOf(run, network, file);
  if (isChipName(name)) remarks.push(`The driver tells only the chip, "${device}"; ${gpu} was named by hand`);
  else if (gpu.toLowerCase() !== device.toLowerCase()) remarks.push(`The driver calls the ${gpu} "${device}"`);
  return { network, gpu, device, imagesPerSecondE3, remarks };
}

function remarksOf(run: Run, network: Network, file: string): string[] {
  const name = /([^/\\]*?)(?:\.[^./\\]*)?$/.exec(file)?.[1];
  const isNamedAfterAnother = NETWORKS.some((each) => each !== network && BENCHMARKS[each].model === name);
  return [
    ...(isNamedAfterAnother ? [`${file} is named after another network than it was made with, ${network}`] : []),
    ...(run.isCompiledByXla ? [`${network} was compiled by XLA`] : []),
    ...(run.isInTf32 ? [`${network} was trained with multiplications in TF32`] : []),
    ...(run.isLossNaN ? [`${network} was trained to a loss that is not a number`] : []),
  ];
}

function sourceName(source: string): string {
  return source === "" ? "no source" : source;
}

/** A text in quotation marks, cut to what fits in a message. */
function shown(text: string): string {
  return `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = (sorted.length - 1) / 2;
  return (sorted[Math.floor(middle)] + sorted[Math.ceil(middle)]) / 2;
}
