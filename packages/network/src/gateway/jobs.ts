import { randomBytes } from "node:crypto";
import { createReadStream, type ReadStream } from "node:fs";
import { mkdir, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";

import { InvalidBundleError } from "@turingfog/sdk/wire";
import { hexlify, ZeroHash } from "ethers";

import { RefusedError } from "../http/index.js";
import { UnsendableFileError } from "../job/index.js";
import { Rental, type RentalRecord, saveStream } from "../order/index.js";
import { fromBlob, fromBytes } from "../store/index.js";
import type { JobAsked, Reached } from "./quoting.js";
import type { UnpaidSpace } from "./space.js";
import type { SessionRow } from "./tables.js";

export interface JobsOptions {
  folder: string;
  network: string;
  chainId: bigint;
  escrow: string;
  /** Address of the payer, who rents. */
  payer: string;
  /** Bytes of a job's files. */
  maxBytes: number;
  space: UnpaidSpace;
  /** Unix seconds. */
  now: () => bigint;
}

/** The most files of a job. */
export const MOST_FILES = 256;

/** A file of a result. */
export interface ResultFile {
  path: string;
  bytes: number;
}

/** A path that a bundle takes, as far as that can be told by itself. */
const FILE_PATH = /^(?!.*(^|\/)\.{1,2}(\/|$))[A-Za-z0-9._@+=,-]+(\/[A-Za-z0-9._@+=,-]+){0,7}$/;

/** The jobs of customers: their files, the order's keys and bundle, and the result, a folder each. */
export class Jobs {
  /** Sessions whose files are being written or sealed. */
  private readonly busy = new Set<string>();

  constructor(private readonly options: JobsOptions) {}

  /**
   * Takes a file of a job that is not accepted yet, in place of one of the same name; one at a time.
   * @throws RefusedError if it is none that a bundle takes, or too many or too long with those that are there
   */
  async upload(row: SessionRow, name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    if (!FILE_PATH.test(name) || name.length > 200) {
      throw new RefusedError(422, "bad-path", "A file's path has parts of A-Z, a-z, 0-9 and ._@+=,- separated by /");
    }
    await this.alone(row.id, async () => {
      if (row.state !== "quoted" || this.rentalOf(row).isPrepared) {
        throw new RefusedError(409, "accepted", "The quote was accepted, and its job is sealed");
      }
      if (this.options.now() >= row.quote_expires_at) {
        throw new RefusedError(410, "expired", "The quote has expired: ask for another");
      }
      await this.save(row.id, name, chunks);
    });
  }

  private async save(id: string, name: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
    const { maxBytes, space } = this.options;
    const input = this.at(id, "input");
    const others = (await filesIn(input)).filter((each) => each.path !== name);
    if (others.length >= MOST_FILES) {
      throw new RefusedError(413, "too-many-files", `A job may have ${MOST_FILES} files: put them into an archive`);
    }
    const left = others.reduce((sum, { bytes }) => sum - bytes, maxBytes);
    const part = path.join(this.at(id), `${randomBytes(8).toString("hex")}.part`);
    await space.begin(id, left);
    try {
      await mkdir(this.at(id), { recursive: true, mode: 0o700 });
      const counted = limited(chunks, left, maxBytes, (bytes) => space.take(id, bytes));
      await saveStream(counted, part);
      // folders come last, so that none is left without a file
      await place(part, path.join(input, name), name);
    } finally {
      await rm(part, { force: true });
      await space.measure(id);
    }
  }

  /**
   * Draws the keys of a session's job and seals it, unless that was done before.
   * @throws RefusedError if no bundle can have its files, or one of them is still on its way
   */
  async prepare(row: SessionRow, reached: readonly Reached[]): Promise<void> {
    await this.alone(row.id, () => this.seal(row, reached));
  }

  private async seal(row: SessionRow, reached: readonly Reached[]): Promise<void> {
    const rental = this.rentalOf(row);
    if (rental.isPrepared) return;
    const { network, chainId, escrow, payer } = this.options;
    const { runner, slots, imagesPerTU } = JSON.parse(row.job) as JobAsked;
    const [nodeId, tuAmount] = [fromBlob(row.node_id), fromBlob(row.tu_amount)];
    const terms = { nodeId, asset: fromBytes(row.asset), tuAmount, renter: payer.toLowerCase() };
    const work = { runner, slots, imagesPerTU: BigInt(imagesPerTU), holdback: 0n, progress: "encrypted" as const };
    const salt = hexlify(randomBytes(32));
    const job = { chainId, escrow: escrow.toLowerCase(), ...terms, salt, ...work };
    const [{ endpoint, recipient }] = reached;
    const input = this.at(row.id, "input");
    const files = (await filesIn(input)).length === 0 ? undefined : input;
    const maxUnitPrice = fromBlob(row.unit_price);
    // its reference follows from the checkout session, which is not there yet
    const order = {
      network,
      ...terms,
      maxUnitPrice,
      duration: row.duration,
      paymentRef: ZeroHash,
      endpoint,
      recipient,
    };
    const { space } = this.options;
    await space.begin(row.id, 0);
    try {
      await rental.prepare(files, job, order).catch((error: unknown) => {
        const isBad = error instanceof InvalidBundleError || error instanceof UnsendableFileError;
        throw isBad ? new RefusedError(422, "bad-files", error.message) : error;
      });
      // the bundle has them
      await rm(input, { recursive: true, force: true });
    } finally {
      await space.measure(row.id);
    }
  }

  recordOf(row: SessionRow): Promise<RentalRecord> {
    return this.rentalOf(row).read();
  }

  rentalOf({ id }: SessionRow): Rental {
    return new Rental(this.at(id, "rental"));
  }

  /** Returns the folder of a session's result. */
  resultOf({ id }: SessionRow): string {
    return this.at(id, "result");
  }

  /** Returns the files of a result, in ascending order; none if there is no result. */
  files(row: SessionRow): Promise<ResultFile[]> {
    return filesIn(this.resultOf(row));
  }

  /** Opens a file of a result; undefined if it has none of that name. */
  async open(row: SessionRow, name: string): Promise<ReadStream | undefined> {
    const isOne = (await this.files(row)).some((each) => each.path === name);
    return isOne ? createReadStream(path.join(this.resultOf(row), name)) : undefined;
  }

  /** Deletes all of a session. */
  async forget(id: string): Promise<void> {
    await rm(this.at(id), { recursive: true, force: true });
    this.options.space.forget(id);
  }

  /** Does something with a session's files while nothing else does. @throws RefusedError */
  private async alone(id: string, act: () => Promise<void>): Promise<void> {
    if (this.busy.has(id)) {
      throw new RefusedError(
        409,
        "uploading",
        "A file of this job is on its way, or it is being sealed: wait for that",
      );
    }
    this.busy.add(id);
    try {
      await act();
    } finally {
      this.busy.delete(id);
    }
  }

  private at(id: string, part = ""): string {
    return path.join(this.options.folder, id, part);
  }
}

/** Returns the files of a folder and of all folders in it; none if it is not there. */
async function filesIn(folder: string): Promise<ResultFile[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const found = await Promise.all(
    files.map(async (file) => ({
      path: path.relative(folder, file).split(path.sep).join("/"),
      bytes: (await stat(file)).size,
    })),
  );
  return found.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Moves a file that is whole to its name. @throws RefusedError if another file is in the way */
async function place(part: string, target: string, name: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true, mode: 0o700 }).catch(() => {
    throw new RefusedError(409, "bad-path", `A part of the path ${name} is a file`);
  });
  await rename(part, target).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "EISDIR") throw error;
    throw new RefusedError(409, "bad-path", `${name} is a folder: files were sent whose paths begin with it`);
  });
}

async function* limited(
  chunks: AsyncIterable<Uint8Array>,
  left: number,
  most: number,
  count: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    left -= chunk.length;
    if (left < 0) throw new RefusedError(413, "too-large", `The files of a job may have ${most} bytes together`);
    count(chunk.length);
    yield chunk;
  }
}
