import { existsSync } from "node:fs";
import { chmod, copyFile, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import path from "node:path";

import { type BundleFile, InvalidBundleError, type Job, JOB, JOB_FILE } from "@turingfog/sdk/wire";

import { sealResult, type Sealed, unpackBundle, readFolder } from "../job/index.js";
import { INPUT, LOG, type Outcome, OUTPUT, type Sample } from "../runner/index.js";
import { IrregularFileError, plainText, readTail } from "../runtime/index.js";

/** The most bytes of a run's log that a result has: its end. */
const MAX_LOG = 1_048_576;
/** The most bytes of a result's files, which are read into memory. */
const MAX_OUTPUT = 1_073_741_824;
/** The most bytes of a log's last line that are shown. */
const MAX_LINE = 1_000;

/** What a result says about its run, beside its files. */
export const RUN_FILE = "run.json";

/** An order's files at a node: what came in, the run, and what goes out. */
export class OrderFiles {
  constructor(readonly folder: string) {}

  /** The run's folder. */
  get run(): string {
    return path.join(this.folder, "run");
  }

  get result(): string {
    return path.join(this.folder, "result.age");
  }

  /** Of the job, where its run does not get at it. */
  private get jobFile(): string {
    return path.join(this.folder, JOB_FILE);
  }

  /** Returns the order's job; undefined as long as its bundle was not unpacked. */
  async job(): Promise<Job | undefined> {
    return existsSync(path.join(this.run, INPUT)) ? JOB.decode(await readFile(this.jobFile)) : undefined;
  }

  /**
   * Unpacks the order's bundle into its run's folder, all of it or nothing, however often it is tried.
   * @throws as `unpackBundle`
   */
  async unpack(bundle: string, identity: string, maxBytes: number): Promise<void> {
    const fresh = path.join(this.folder, "unpacking");
    await rm(fresh, { recursive: true, force: true });
    await unpackBundle(bundle, identity, fresh, maxBytes);
    await openPassage(this.run);
    await copyFile(path.join(fresh, JOB_FILE), this.jobFile);
    await rename(fresh, path.join(this.run, INPUT));
  }

  /** Writes the result of a run that has ended, encrypted to whom the job names, and makes it durable. */
  async seal(job: Job, sample: Sample): Promise<Sealed> {
    const fresh = `${this.result}.new`;
    await rm(fresh, { force: true });
    const files = [await this.logFile(), runFile(sample.outcome as Outcome, sample)];
    const sealed = await this.sealWith(job, files, fresh);
    await rename(fresh, this.result);
    await syncFolder(this.folder);
    return sealed;
  }

  /** Returns the last line that the run has printed, without what a terminal would obey. */
  async lastLine(): Promise<string> {
    const end = await this.endOfLog(4 * MAX_LINE);
    const lines = end.toString("utf8").split("\n");
    const last = lines.filter((line) => line.trim() !== "").at(-1) ?? "";
    return plainText(last, MAX_LINE);
  }

  /** A result of whose files no bundle can be made is its log, with the reason. */
  private async sealWith(job: Job, files: BundleFile[], target: string): Promise<Sealed> {
    try {
      const output = await readFolder(path.join(this.run, OUTPUT), MAX_OUTPUT);
      const named = output.map((file) => ({ ...file, path: `${OUTPUT}/${file.path}` }));
      return await sealResult(job, [...files, ...named], target);
    } catch (error) {
      if (!isOfTheRun(error)) throw error;
      await rm(target, { force: true });
      const reason = { path: "no-output.txt", content: Buffer.from(`${error.message}\n`) };
      return sealResult(job, [...files, reason], target);
    }
  }

  private async logFile(): Promise<BundleFile> {
    return { path: LOG, content: await this.endOfLog(MAX_LOG) };
  }

  private async endOfLog(most: number): Promise<Buffer> {
    return existsSync(path.join(this.run, LOG)) ? readTail(this.run, LOG, most) : Buffer.alloc(0);
  }
}

/** Tells whether a run has left what cannot be delivered, and not the disk or the system. */
function isOfTheRun(error: unknown): error is Error {
  const { code } = error as NodeJS.ErrnoException;
  const isUnreadable = ["EACCES", "EPERM", "ENAMETOOLONG", "ELOOP", "ENOTDIR", "ENOENT"].includes(String(code));
  return error instanceof InvalidBundleError || error instanceof IrregularFileError || isUnreadable;
}

/** Makes a folder that a run's account passes through, and sees nothing in: each file is its owner's alone. */
export async function openPassage(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await chmod(folder, 0o711);
}

function runFile(outcome: Outcome, { heldMs, images, cpuSeconds, outputBytes }: Sample): BundleFile {
  const content = JSON.stringify({ outcome, heldSeconds: heldMs / 1_000, images, cpuSeconds, outputBytes }, null, 2);
  return { path: RUN_FILE, content: Buffer.from(`${content}\n`) };
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
