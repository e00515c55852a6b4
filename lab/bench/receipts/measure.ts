import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";

import { FORMER_COMMIT, type Builds } from "./builds";

/** A process of its own, as worker.ts runs it. */
export type Task = "sdk tree" | "former tree" | "openzeppelin tree" | "sdk file" | "former file" | "whole" | "endless";

/** A library's figures at a number of receipts; the tree alone of OpenZeppelin's. */
export interface SizeRow {
  receipts: number;
  library: string;
  treeSeconds: number;
  treeMB: number;
  writeSeconds?: number;
  readSeconds?: number;
  fileMB?: number;
}

/** The figures of one process that reads the largest file, builds its tree, proves 200 receipts and cuts all. */
export interface WholeRow {
  receipts: number;
  size: number;
  readSeconds: number;
  treeSeconds: number;
  firstProofMs: number;
  medianProofMs: number;
  slices: number;
  sliceSeconds: number;
  peakMB: number;
}

export interface Measured {
  sizes: SizeRow[];
  whole: WholeRow;
  endless: { refusedAtBytes: number; peakMB: number };
}

export const SDK = "sdk";
export const OPENZEPPELIN = "openzeppelin";

/** The others take minutes and gigabytes beyond it. */
const LARGEST_OF_OTHERS = 100_000;

interface TreeResult {
  treeSeconds: number;
  peakMB: number;
  root: string;
}

interface FileResult {
  writeSeconds: number;
  readSeconds: number;
  peakMB: number;
  dataHash: string;
}

const run = promisify(execFile);

/** Measures every size with every library, and requires them to agree on roots and hashes. */
export async function measureAll(builds: Builds, sizes: number[], progress: (line: string) => void): Promise<Measured> {
  const fileOf = (library: string, size: number): string => path.join(builds.directory, `${library}-${size}.json`);
  async function measure<Result>(task: Task, size: number, file = ""): Promise<Result> {
    progress(`measuring ${task}${task === "endless" ? "" : ` of ${size.toLocaleString("en")} receipts`}`);
    const { stdout } = await run(process.execPath, [builds.worker, task, String(size), file]);
    return JSON.parse(stdout) as Result;
  }

  const rows: SizeRow[] = [];
  for (const receipts of sizes) {
    const tree = await measure<TreeResult>("sdk tree", receipts);
    const file = await measure<FileResult>("sdk file", receipts, fileOf(SDK, receipts));
    rows.push(rowOf(SDK, receipts, tree, file));
    if (receipts > LARGEST_OF_OTHERS) continue;
    const standard = await measure<TreeResult>("openzeppelin tree", receipts);
    const formerTree = await measure<TreeResult>("former tree", receipts);
    const formerFile = await measure<FileResult>("former file", receipts, fileOf(FORMER_COMMIT, receipts));
    requireSame("root", receipts, [tree.root, standard.root, formerTree.root]);
    requireSame("data hash", receipts, [file.dataHash, formerFile.dataHash]);
    rows.push(rowOf(OPENZEPPELIN, receipts, standard), rowOf(FORMER_COMMIT, receipts, formerTree, formerFile));
  }
  const largest = sizes[sizes.length - 1];
  const whole = await measure<Omit<WholeRow, "receipts">>("whole", largest, fileOf(SDK, largest));
  const endless = await measure<Measured["endless"]>("endless", 0);
  return { sizes: rows, whole: { receipts: largest, ...whole }, endless };
}

function rowOf(library: string, receipts: number, tree: TreeResult, file?: FileResult): SizeRow {
  const { treeSeconds, peakMB: treeMB } = tree;
  const row = { receipts, library, treeSeconds, treeMB };
  if (file === undefined) return row;
  return { ...row, writeSeconds: file.writeSeconds, readSeconds: file.readSeconds, fileMB: file.peakMB };
}

function requireSame(what: string, receipts: number, values: string[]): void {
  if (new Set(values).size > 1) throw new Error(`The ${what} of ${receipts} receipts differs: ${values.join(", ")}`);
}
