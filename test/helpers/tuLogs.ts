import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { turingfog } from "@turingfog/cli";

/** Small logs in the form that tf_cnn_benchmarks gives them, of a GPU that there is none of. */
export const LOGS = path.join(__dirname, "../fixtures/tu-logs");

/** All seven networks of one GPU. */
export const EXAMPLE_100 = path.join(LOGS, "example-100");

/** What those logs say, in thousandths of images per second and the order of NETWORKS. */
export const EXAMPLE_100_E3 = [400_550n, 150_250n, 260_750n, 110_500n, 230_050n, 5_000_150n, 195_350n];

/** Published measurements, which are not part of the project: what is said of them is tested where they are. */
export const PUBLISHED = path.join(__dirname, "../../../shared/data");

const made: string[] = [];
process.once("exit", () => made.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** Returns a new folder, which is removed when the process ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), "turingfog-tu-"));
  made.push(folder);
  return folder;
}

/** Writes files into a new folder and returns its path. */
export function folderOf(files: Record<string, string | Uint8Array>): string {
  const folder = temporaryFolder();
  for (const [name, content] of Object.entries(files)) writeFileSync(path.join(folder, name), content);
  return folder;
}

/** Writes one file into a new folder and returns its path. */
export function fileOf(name: string, content: string | Uint8Array): string {
  return path.join(folderOf({ [name]: content }), name);
}

/** The log of ResNet-50 with passages replaced; each must occur. */
export function editedLog(...edits: (readonly [from: string | RegExp, to: string])[]): string {
  const log = readFileSync(path.join(EXAMPLE_100, "resnet50.log"), "utf8");
  return edits.reduce((text, [from, to]) => {
    const edited = text.replace(from, to);
    if (edited === text) throw new Error(`The log has no ${String(from)}`);
    return edited;
  }, log);
}

/** What an asynchronous call throws; fails when it does not. */
export async function thrownBy(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => {
      throw new Error("Nothing was thrown");
    },
    (error: unknown) => error,
  );
}

/** Runs a `turingfog` command in this process, and returns what it has printed. */
export async function printedBy(command: string, ...args: string[]): Promise<string> {
  const printed: string[] = [];
  const log = console.log;
  console.log = (...data: unknown[]) => printed.push(data.join(" "));
  try {
    await turingfog([...command.split(" "), ...args]);
  } finally {
    console.log = log;
  }
  return printed.join("\n");
}
