import { BENCHMARKS, MODES } from "./benchmarks.js";
import { cardOf, isChipName, partOfCard, problemOfCard, unbranded } from "./drivers.js";
import { type LogFault, RefusedLogError, shown } from "./logFault.js";
import type { DeviceLine } from "./logLines.js";
import type { Run } from "./logRun.js";
import { medianOf } from "./means.js";
import { type Measurement, parseThroughput } from "./measurements.js";
import { type Network, NETWORKS } from "./rating.js";

/**
 * Largest distance of the total from the median of the step lines, as a share of it. These are running means of the same steps, so only an
 * unsteady run or an edited log parts them: in Lambda's 18 published logs of three GPUs it is 1.2 % at most.
 */
export const MAX_DEVIATION = 0.05;

/** The measurement of one network, as a log has it. */
export interface LogMeasurement extends Measurement {
  network: Network;
  /** The model's name, as the registry hashes it. */
  gpu: string;
  /** The driver's name of the card, without the brand: boards that are rated as one model differ in it. */
  device: string;
  remarks: string[];
}

/**
 * Returns what a run has measured.
 * @param card the card, for a driver that names only its chip
 * @throws RefusedLogError unless the run is a plausible training on one GPU and synthetic images
 */
export function measurementOf(run: Run, file: string, card: string | undefined): Omit<LogMeasurement, "source"> {
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
    // an evaluation has no total by design
    const mode = fields.get("Mode") ?? "";
    if (run.failure === undefined && (run.isEvaluated || MODES.get(mode) === false)) {
      const purpose = MODES.get(mode) === false ? mode : "evaluation too";
      return refuse("not training", `${model} was run for ${purpose}, not for training`);
    }
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
  const variables = fields.get("Variables") ?? "";
  if (devices[0].startsWith("/job:worker") && /^(?:parameter_server|distributed_)/.test(variables)) {
    return refuse("not one GPU", `${model} was run on a worker whose variables are elsewhere: ${variables}`);
  }
  const batch = Number(field("Batch size", /^(\d+) global$/)[1]);
  const onThisGpu = Number(field("per device", /^\d+(?:\.\d+)?$/)[0]);
  if (batch !== onThisGpu) {
    const workers = `${batch} images a batch, ${onThisGpu} of them on this GPU`;
    return refuse("not one GPU", `${model} was run on several machines: ${workers}`);
  }
  for (const [each, [first, second]] of run.devices) {
    if ((second as DeviceLine | undefined) === undefined) continue;
    const cards = first.name === second.name ? [first.bus, second.bus] : [first.name, second.name];
    return refuse("mixed runs", `the lines of two runs are mixed: /gpu:${each} of ${model} is ${cards.join(" and ")}`);
  }
  const [found] = run.devices.get(index) ?? [];
  if ((found as DeviceLine | undefined) === undefined) {
    return refuse("unknown GPU", `TensorFlow's line that names the GPU of ${devices[0]} is missing`);
  }
  const { name, memory } = found;
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
  const expected = medianOf(speeds);
  const deviation = Math.abs(Number(total) / expected - 1);
  if (!(deviation <= MAX_DEVIATION)) {
    return refuse(
      "implausible",
      `the total of ${model} is ${total} images/s, its step lines' median ${expected}: ` +
        `${(deviation * 100).toFixed(1)} % apart, at most ${MAX_DEVIATION * 100} % is plausible`,
    );
  }

  const problem = problemOfCard(name, card) ?? partOfCard(name, memory);
  if (problem !== undefined) return refuse(problem.fault, problem.reason);
  const device = unbranded(name);
  const gpu = cardOf(name, card);
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
