import { MODELS, MODES } from "./benchmarks.js";

/** A card that TensorFlow has created a device on. */
export interface DeviceLine {
  /** TensorFlow's own index, which is not the driver's. */
  index: string;
  name: string;
  bus: string;
  /** Memory that TensorFlow got, in MB, if the line tells it. */
  memory: number | undefined;
}

/** Lines that name a value, and what they begin with. A run prints each of them once, before its warm-up. */
const HEAD =
  /^(Dataset|Mode|SingleSess|Batch size|Num batches|Num epochs|Devices|NUMA bind|Data format|Optimizer|Variables|AllReduce|Sync): +(.*)$/;
const PER_DEVICE = /^(\S+) per device$/;
const STAGE = /^(?:Generating (?:training )?model|Initializing graph)$/;

/** The last line of a head. */
export const LAST_STAGE = "Initializing graph";

/** Fields that follow the model: the dataset, or the mode in versions that print no dataset. */
const AFTER_MODEL = new Set(["Dataset", "Mode"]);

const KNOWN_MODEL = new RegExp(`^(?:${MODELS})$`);

const DEVICES =
  /\/(?:device:)?gpu:(\d+)\b(?: with (\d+) MB memory)?[^>]{0,80}-> (?:physical \w+ )?\(?device: \d+, name: ([^,]{1,120}), pci bus id: ?([\w:.]*)/gi;

/** Says that a part of the training ran in another precision than fp32. */
const LOW_PRECISION = new RegExp(
  [
    String.raw`Converted [1-9]\d*/\d+ nodes to b?float16`,
    String.raw`auto_mixed_precision: ?ON|convert_to_bfloat16: ?ON`,
    String.raw`TF_ENABLE_AUTO_MIXED_PRECISION(?:_GRAPH_REWRITE)?['"]?(?: *[:=] *| +)['"]?(?:1|true)\b`,
    // in a shell's command, a list of arguments, or a line of its own
    String.raw`(?<![\w-])--?use_fp16\b(?!=['"]?(?:false|f|no|n|0)\b)`,
    String.raw`\buse_fp16['"]? *[:=] *['"]?(?:true|yes|1)\b`,
  ].join("|"),
  "i",
);

/** Says that the benchmark ended before its total: Python's errors, the shell's words, the system's and Slurm's. */
const FAILURE = new RegExp(
  [
    String.raw`^(?:[\w.]+\.)?\w*(?:Error|Exception|Interrupt)(?: \(see above for traceback\))?(?::.*)?$`,
    String.raw`^(?:\S+: (?:line )?\d+: +(?:\d+ +)?)?(?:Killed|Terminated|Aborted|Segmentation fault)\b.*$`,
    String.raw`^Fatal Python error: .*$`,
    String.raw`: F tensorflow/.*$`,
    String.raw`^(?:slurmstepd|srun): error: .*(?:oom.kill|Out Of Memory|CANCELLED|DUE TO TIME LIMIT|Killed|Aborted|Segmentation fault).*$`,
  ].join("|"),
);

const EVALUATION = /^(?:Accuracy @ 1 = |Running evaluation at global_step\b)/;

/** Says that a process of TensorFlow's began: each process prints one of each kind at most. */
const START_UPS = [
  /cpu_feature_guard\.cc:\d+\] (?:Your CPU supports|The TensorFlow library was|This TensorFlow binary is)/,
  /Successfully opened dynamic library libcuda\.so/,
];

/** A line of the benchmark's that stands after something else in a line. */
const DISPLACED = new RegExp(String.raw`\bModel: {2,}(?=(?:${MODELS})$)|total images\/sec:`);

/** Returns the field of the head that a line names, and its value. */
export function fieldOf(text: string): [name: string, value: string] | undefined {
  const [, name, value] = HEAD.exec(text) ?? [];
  if (name !== undefined) return [name, value];
  const perDevice = PER_DEVICE.exec(text)?.[1];
  if (perDevice !== undefined) return ["per device", perDevice];
  return STAGE.test(text) ? [text, ""] : undefined;
}

/** Checks whether the benchmark prints a field next to the model. */
export function isNextToModel(field: string): boolean {
  return AFTER_MODEL.has(field);
}

/** Checks whether tf_cnn_benchmarks has a model: lscpu, parted and Keras print "Model:" too. */
export function isKnownModel(model: string): boolean {
  return KNOWN_MODEL.test(model);
}

/** Checks whether tf_cnn_benchmarks has a mode: other programs print "Mode:" too. */
export function isKnownMode(mode: string): boolean {
  return MODES.has(mode);
}

/** Returns the devices that a line says TensorFlow has created. */
export function devicesOf(text: string): DeviceLine[] {
  return Array.from(text.matchAll(DEVICES), ([, index, memory, name, bus]) => ({
    index,
    name,
    bus,
    memory: (memory as string | undefined) === undefined ? undefined : Number(memory),
  }));
}

/** Returns the words by which a line says that the training was not all in fp32. */
export function lowPrecisionOf(text: string): string | undefined {
  return LOW_PRECISION.exec(text)?.[0].trim();
}

/** Returns the words by which a line says that the benchmark failed. */
export function failureOf(text: string): string | undefined {
  return FAILURE.exec(text)?.[0].replace(/^: /, "");
}

/** Checks whether a line says that a network is evaluated, not trained. */
export function isEvaluation(text: string): boolean {
  return EVALUATION.test(text);
}

/** Returns the kind of a line that a process of TensorFlow's prints once, when it begins. */
export function startUpOf(text: string): number | undefined {
  const kind = START_UPS.findIndex((pattern) => pattern.test(text));
  return kind < 0 ? undefined : kind;
}

/** Returns the place of a line of the benchmark's within a line. */
export function displacedIn(text: string): { before: string; what: string } | undefined {
  const match = DISPLACED.exec(text);
  return match === null ? undefined : { before: text.slice(0, match.index), what: match[0].trim() };
}
