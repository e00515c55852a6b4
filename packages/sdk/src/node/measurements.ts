import { readdir, readFile, stat } from "node:fs/promises";
import path from "node:path";

import { TuringFogError } from "../errors.js";
import { cardKeyOf, modelNameOf } from "../tu/drivers.js";
import type { LogMeasurement } from "../tu/logVerdict.js";
import { decodeMeasurementFile, isMeasurementFile, type Measurements } from "../tu/measurements.js";
import type { Network } from "../tu/rating.js";
import { parseCsvTable, parseJson, parseJsonTable } from "../tu/table.js";
import { readingOf } from "./files.js";
import { readLog } from "./log.js";

/** A folder without logs. */
export class NoLogsError extends TuringFogError {
  constructor(readonly folder: string) {
    super(`${folder} holds no *.log`);
  }
}

/** Logs of different GPUs in one folder: a rating is of one. */
export class SeveralGpusError extends TuringFogError {
  constructor(readonly files: ReadonlyMap<string, string>) {
    super(`The logs are of different GPUs: ${Array.from(files, ([gpu, file]) => `${gpu} (${file})`).join(", ")}`);
  }
}

/** Two logs of one network: which of them counts, only the person who made them knows. */
export class DuplicateNetworkError extends TuringFogError {
  constructor(
    readonly network: Network,
    readonly files: readonly string[],
  ) {
    super(`${network} was measured in ${files.join(" and in ")}; keep one of them`);
  }
}

/** None of the GPUs that were measured is the one that was asked for. */
export class UnknownGpuError extends TuringFogError {
  constructor(
    readonly gpu: string,
    readonly known: readonly string[],
  ) {
    super(`${gpu} was not measured; those that were: ${known.join(", ")}`);
  }
}

/**
 * Reads measurements, one GPU after the other: of a folder of benchmark logs or of one log, which are of one GPU; of
 * a table in CSV or JSON; or of a measurement file. A folder's logs are its files *.log; a table ends in .csv or .json.
 * @param gpu only this one; for logs of a driver that names only its chip, the card
 * @throws NoLogsError, SeveralGpusError, DuplicateNetworkError, UnknownGpuError, and the errors of the readers
 */
export async function readMeasurements(source: string, gpu?: string): Promise<Measurements[]> {
  const all = await readAll(source, gpu);
  if (gpu === undefined) return all;
  const chosen = all.filter((measurements) => cardKeyOf(measurements.gpu) === cardKeyOf(modelNameOf(gpu)));
  if (chosen.length === 0) {
    throw new UnknownGpuError(
      gpu,
      all.map((measurements) => measurements.gpu),
    );
  }
  return chosen;
}

async function readAll(source: string, card: string | undefined): Promise<Measurements[]> {
  if ((await readingOf(source, stat(source))).isDirectory()) {
    const names = (await readingOf(source, readdir(source))).filter((name) => /\.log$/i.test(name)).sort();
    if (names.length === 0) throw new NoLogsError(source);
    const files = names.map((name) => path.join(source, name));
    return [await readLogs(files, card)];
  }
  switch (path.extname(source).toLowerCase()) {
    case ".csv":
      return parseCsvTable(await readingOf(source, readFile(source)));
    case ".json": {
      const file = await readingOf(source, readFile(source));
      return isMeasurementFile(parseJson(file)) ? [decodeMeasurementFile(file)] : parseJsonTable(file);
    }
    default:
      return [await readLogs([source], card)];
  }
}

async function readLogs(files: readonly string[], card: string | undefined): Promise<Measurements> {
  const logs: (LogMeasurement & { file: string })[] = [];
  for (const file of files) {
    for (const measurement of await readLog(file, card)) logs.push({ ...measurement, file });
  }
  return together(logs);
}

/**
 * Returns what one log has measured.
 * @param name of the log, for errors
 * @param card the card, for a driver that names only its chip
 * @throws SeveralGpusError, and the errors of `readLog`
 */
export async function measurementsOfLog(name: string, log: Uint8Array, card?: string): Promise<Measurements> {
  const measurements = await readLog(name, card, [log]);
  return together(measurements.map((measurement) => ({ ...measurement, file: name })));
}

function together(logs: readonly (LogMeasurement & { file: string })[]): Measurements {
  const [{ gpu }] = logs;
  // boards that are rated as one model differ in speed: a rating is of one of them
  const gpus = new Map(logs.map((log) => [log.device, log.file]));
  if (gpus.size > 1) throw new SeveralGpusError(gpus);
  const measured: Measurements["measured"] = {};
  for (const { network, imagesPerSecondE3, source } of logs) {
    if (measured[network] !== undefined) {
      throw new DuplicateNetworkError(
        network,
        logs.filter((log) => log.network === network).map(({ file }) => file),
      );
    }
    measured[network] = { imagesPerSecondE3, source };
  }
  return { gpu, measured, remarks: logs.flatMap(({ remarks }) => remarks) };
}
