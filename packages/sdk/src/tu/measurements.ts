import { isHexString, sha256, toUtf8Bytes } from "ethers";

import { TuringFogError } from "../errors.js";
import { modelNameOf, whyNoCard } from "./drivers.js";
import { checkThroughput, type Network, NETWORKS } from "./rating.js";

/** The precision that a TU is defined in; what the benchmark's logs do not tell. */
export const PRECISION = "fp32";

/** Names the layout of the measurement file; another layout gets another name. */
export const MEASUREMENT_FILE_FORMAT = "turingfog-measurements-v1";

/** A measurement on one neural network. */
export interface Measurement {
  /** Thousandths of images per second. */
  imagesPerSecondE3: bigint;
  /** SHA-256 of the log or table that says so. */
  source: string;
}

/** Measurements of one GPU, training on one of it in single precision. */
export interface Measurements {
  /** The model's name, as the registry hashes it. */
  gpu: string;
  measured: Partial<Record<Network, Measurement>>;
  /** Remarks on the sources for a reader, which no rule refuses. */
  remarks: string[];
}

/** Measurements in another precision than a TU's. */
export class PrecisionError extends TuringFogError {
  constructor(readonly precision: string) {
    super(`The precision is ${precision}; a TU is defined by training in ${PRECISION}`);
  }
}

/** Fewer than the seven networks: enough for a partial rating, and for nothing on chain. */
export class MissingNetworksError extends TuringFogError {
  constructor(
    readonly gpu: string,
    readonly missing: readonly Network[],
  ) {
    super(`${gpu} was not measured on ${missing.join(", ")}`);
  }
}

/** A throughput that is not a plain decimal number. */
export class InvalidThroughputError extends TuringFogError {
  constructor(
    readonly at: string,
    readonly text: string,
  ) {
    super(`${at}: "${text}" is not a number of images per second`);
  }
}

/** A measurement file that is not what `encodeMeasurementFile` would have written. */
export class InvalidMeasurementFileError extends TuringFogError {
  constructor(reason: string, options?: ErrorOptions) {
    super(`Measurement file: ${reason}`, options);
  }
}

/** @throws PrecisionError unless it is single precision */
export function checkPrecision(precision: string): void {
  if (precision !== PRECISION) throw new PrecisionError(precision);
}

/**
 * Thousandths of images per second, rounded down, of a decimal number.
 * @param at where it stands, for the error
 * @throws InvalidThroughputError, ZeroThroughputError, OutOfRangeError
 */
export function parseThroughput(network: Network, text: string, at: string): bigint {
  const [number, whole, fraction = ""] = /^(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidThroughputError(at, text);
  const imagesPerSecondE3 = BigInt(whole + fraction.slice(0, 3).padEnd(3, "0"));
  checkThroughput(network, imagesPerSecondE3);
  return imagesPerSecondE3;
}

/** The networks that were not measured, in the order of NETWORKS. */
export function missingNetworks({ measured }: Measurements): Network[] {
  return NETWORKS.filter((network) => measured[network] === undefined);
}

/**
 * All seven throughputs, as `NodeRegistry.attestRating` takes them.
 * @throws MissingNetworksError
 */
export function imagesPerSecondE3Of(measurements: Measurements): bigint[] {
  return complete(measurements).map(([, { imagesPerSecondE3 }]) => imagesPerSecondE3);
}

/**
 * The measurement file: JSON in the canonical form of RFC 8785, numbers being integers, so that the same measurements
 * make the same bytes for every writer. Its `evidenceOf` goes on chain with the rating.
 * @throws MissingNetworksError
 */
export function encodeMeasurementFile(measurements: Measurements): Uint8Array {
  // RFC 8785 wants keys in the order of their UTF-16 code units, which is that of Array.sort
  const entries = complete(measurements).sort(([a], [b]) => (a < b ? -1 : 1));
  const record = <T>(valueOf: (measurement: Measurement) => T): Record<string, T> =>
    Object.fromEntries(entries.map(([network, measurement]) => [network, valueOf(measurement)]));
  return toUtf8Bytes(
    JSON.stringify({
      format: MEASUREMENT_FILE_FORMAT,
      gpu: measurements.gpu,
      imagesPerSecondE3: record(({ imagesPerSecondE3 }) => Number(imagesPerSecondE3)),
      precision: PRECISION,
      sources: record(({ source }) => source),
    }),
  );
}

/**
 * Reads a measurement file.
 * @throws PrecisionError, ZeroThroughputError, OutOfRangeError
 * @throws InvalidMeasurementFileError when a single byte differs from what `encodeMeasurementFile` writes
 */
export function decodeMeasurementFile(file: Uint8Array): Measurements {
  const content = parseJson(file);
  if (!isMeasurementFile(content))
    throw new InvalidMeasurementFileError(`its format is not ${MEASUREMENT_FILE_FORMAT}`);
  const { gpu, precision, imagesPerSecondE3, sources } = content;
  if (typeof gpu !== "string" || gpu === "") throw new InvalidMeasurementFileError("gpu must be a name");
  const reason = whyNoCard(gpu);
  if (reason !== undefined) throw new InvalidMeasurementFileError(reason);
  if (modelNameOf(gpu) !== gpu) {
    throw new InvalidMeasurementFileError(`gpu is "${gpu}", must be "${modelNameOf(gpu)}", as the card is rated`);
  }
  checkPrecision(String(precision));

  const measured: Measurements["measured"] = {};
  for (const network of NETWORKS) {
    const value = isRecord(imagesPerSecondE3) ? imagesPerSecondE3[network] : undefined;
    const source = isRecord(sources) ? sources[network] : undefined;
    if (!Number.isSafeInteger(value)) {
      throw new InvalidMeasurementFileError(`imagesPerSecondE3.${network} must be an integer`);
    }
    if (!isHexString(source, 32)) throw new InvalidMeasurementFileError(`sources.${network} must be 32 bytes of hex`);
    measured[network] = { imagesPerSecondE3: BigInt(value as number), source };
    checkThroughput(network, measured[network].imagesPerSecondE3);
  }

  const measurements = { gpu, measured, remarks: [] };
  const canonical = encodeMeasurementFile(measurements);
  if (canonical.length !== file.length || canonical.some((byte, i) => byte !== file[i])) {
    throw new InvalidMeasurementFileError("it is not in canonical form");
  }
  return measurements;
}

/** Whether parsed JSON says of itself that it is a measurement file. */
export function isMeasurementFile(content: unknown): content is Record<string, unknown> {
  return isRecord(content) && content.format === MEASUREMENT_FILE_FORMAT;
}

/**
 * SHA-256 of a measurement file or of a node's benchmark log, as `sha256sum` prints it: the `evidence` of an
 * attestation. SHA-256 for the reason that a receipt file's `dataHash` is one: anyone can check it with any tool.
 */
export function evidenceOf(file: Uint8Array): string {
  return sha256(file);
}

function complete(measurements: Measurements): [Network, Measurement][] {
  const missing = missingNetworks(measurements);
  if (missing.length > 0) throw new MissingNetworksError(measurements.gpu, missing);
  return NETWORKS.map((network) => [network, measurements.measured[network] as Measurement]);
}

function parseJson(file: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(file));
  } catch (error) {
    throw new InvalidMeasurementFileError("it is not JSON", { cause: error });
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
