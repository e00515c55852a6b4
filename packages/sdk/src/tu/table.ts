import { TuringFogError } from "../errors.js";
import { cardKeyOf, modelNameOf, whyNoCard } from "./drivers.js";
import { parseCsvLine } from "./csv.js";
import { decoderOf, midwayFaultOf } from "./encoding.js";
import { repeatedKeyOf } from "./jsonKeys.js";
import { evidenceOf, type Measurements, parseThroughput } from "./measurements.js";
import { type Network, NETWORKS } from "./rating.js";

/** A table that is not of networks and GPUs. */
export class InvalidTableError extends TuringFogError {
  constructor(
    readonly at: string,
    readonly reason: string,
  ) {
    super(`${at}: ${reason}`);
  }
}

/** One number of a table. */
interface Cell {
  gpu: string;
  network: string;
  /** Images per second as it is written; empty when it was not measured. */
  text: string;
  /** Place of the number in the table. */
  at: string;
}

/**
 * Reads a table of images per second in CSV: a row of GPUs after the word `network`, then a row for each network. An
 * empty cell was not measured; one in quotation marks is read without them.
 * @throws InvalidTableError, InvalidThroughputError, ZeroThroughputError, OutOfRangeError
 */
export function parseCsvTable(file: Uint8Array): Measurements[] {
  const rows = textOf(file)
    .split(/\r\n|\r|\n/)
    .map((line, i) => ({ at: `line ${i + 1}`, cells: cellsOf(line, `line ${i + 1}`) }))
    .filter(({ cells }) => cells.some((cell) => cell !== ""))
    .filter(({ cells }) => cells.some((cell) => cell !== ""));
  const header = rows.shift();
  if (header?.cells[0] !== "network") throw new InvalidTableError("line 1", 'must begin with "network"');

  const gpus = header.cells.slice(1);
  const cells = rows.flatMap(({ at, cells: [network, ...texts] }) => {
    if (texts.length !== gpus.length) {
      throw new InvalidTableError(at, `has ${texts.length} numbers for ${gpus.length} GPUs`);
    }
    return texts.map((text, i): Cell => ({ gpu: gpus[i], network, text, at: `${at}, ${gpus[i]}` }));
  });
  return measurementsOf(gpus, cells, evidenceOf(file));
}

/**
 * Reads a table of images per second in JSON: by GPU, by network, a number or the same as a string.
 * @throws InvalidTableError, InvalidThroughputError, ZeroThroughputError, OutOfRangeError
 */
export function parseJsonTable(file: Uint8Array): Measurements[] {
  const table = parseJson(file);
  if (!isRecord(table)) throw new InvalidTableError("top level", "must be an object of GPUs");
  const cells = Object.entries(table).flatMap(([gpu, column]) => {
    if (!isRecord(column)) throw new InvalidTableError(gpu, "must be an object of networks");
    return Object.entries(column).map(([network, value]): Cell => {
      const at = `${gpu}, ${network}`;
      if (typeof value !== "number" && typeof value !== "string") {
        throw new InvalidTableError(at, "must be a number");
      }
      return { gpu, network, text: String(value), at };
    });
  });
  return measurementsOf(Object.keys(table), cells, evidenceOf(file));
}

/** JSON as it was parsed. @throws InvalidTableError when it is not JSON, or has a key twice, of which one would be lost */
export function parseJson(file: Uint8Array): unknown {
  const text = textOf(file);
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new InvalidTableError("top level", error instanceof Error ? error.message : String(error));
  }
  const key = repeatedKeyOf(text);
  if (key !== undefined) throw new InvalidTableError(key, "is there twice; keep one of them");
  return content;
}

function measurementsOf(gpus: readonly string[], cells: readonly Cell[], source: string): Measurements[] {
  if (gpus.length === 0) throw new InvalidTableError("top level", "names no GPU");
  const columns = new Map<string, Measurements>();
  const namesOfCards = new Map<string, string>();
  for (const gpu of gpus) {
    if (gpu === "") throw new InvalidTableError("top level", "a GPU has no name");
    if (columns.has(gpu)) throw new InvalidTableError(gpu, "is named twice");
    const reason = whyNoCard(gpu);
    if (reason !== undefined) throw new InvalidTableError(gpu, reason);
    const card = modelNameOf(gpu);
    const other = namesOfCards.get(cardKeyOf(card));
    if (other !== undefined) throw new InvalidTableError(gpu, `is the same card as ${other}; keep one of them`);
    namesOfCards.set(cardKeyOf(card), gpu);
    columns.set(gpu, { gpu: card, measured: {}, remarks: [] });
  }

  for (const { gpu, network, text, at } of cells) {
    if (!isNetwork(network)) throw new InvalidTableError(at, `"${network}" is none of ${NETWORKS.join(", ")}`);
    if (text === "") continue;
    const { measured } = columns.get(gpu) as Measurements;
    if (measured[network] !== undefined) throw new InvalidTableError(at, `${network} was measured before`);
    measured[network] = { imagesPerSecondE3: parseThroughput(network, text, at), source };
  }
  return [...columns.values()];
}

function textOf(file: Uint8Array): string {
  const decoder = decoderOf(file);
  const text = decoder.decode(file);
  const fault = midwayFaultOf(text, decoder.encoding);
  if (fault !== undefined) throw new InvalidTableError("top level", fault);
  return text;
}

function cellsOf(line: string, at: string): string[] {
  const cells = parseCsvLine(line);
  if (typeof cells === "string") throw new InvalidTableError(at, cells);
  return cells;
}

function isNetwork(name: string): name is Network {
  return NETWORKS.some((network) => network === name);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
