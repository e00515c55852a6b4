import { checkCount, TuringFogError } from "../errors.js";
import { ascii } from "../receipts/bytes.js";
import { show } from "./codecs.js";
import { type Job, JOB, MAX_JOB } from "./job.js";

/** The first entry of a bundle. */
export const JOB_FILE = "job.json";

/** The most files and directories of a bundle, those included that are there by their files alone. */
export const MAX_ENTRIES = 10_000;

/** The most zeros behind a bundle's entries: tar fills up a record of twenty blocks behind the two that end it. */
const MAX_END = 10_752;

const BLOCK = 512;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const FILE_MODE = "0000644";
const MODE_AT = 100;
const SIZE = { at: 124, length: 12 };
const CHECKSUM = { at: 148, length: 8 };
const TYPE_AT = 156;
const PREFIX_AT = 345;
const MAGIC = { at: 257, text: "ustar\u000000" };

/** Numbers that are not read: mode, uid, gid, mtime, devmajor, devminor. Other readers stop at one that is none. */
const OTHER_NUMBERS = [
  [MODE_AT, 8],
  [108, 8],
  [116, 8],
  [136, 12],
  [329, 8],
  [337, 8],
] as const;

const REGULAR = "0";
const DIRECTORY = "5";

/**
 * A part of a path that every file system takes for itself: no separator, no control character, no dot at the end, none
 * of the devices of Windows.
 */
const PART = /^(?!(con|prn|aux|nul|com\d|lpt\d)(\.|$))[a-z0-9._@+=,-]*[a-z0-9_@+=,-]$/i;

/** A file or a directory of a bundle. */
export interface BundleEntry {
  /** Parts separated by `/`, without one at either end. */
  path: string;
  isDirectory: boolean;
  /** Bytes of a file; 0 of a directory. */
  size: number;
  /** The bytes of a file as they arrive. What is not read of them before the next entry is passed over, and gone. */
  content: AsyncIterable<Uint8Array>;
}

/** A file to be put into a bundle. */
export interface BundleFile {
  path: string;
  content: Uint8Array;
}

/** Thrown when a bundle is not one, or has something that no bundle may have. */
export class InvalidBundleError extends TuringFogError {
  constructor(
    /** Number of the entry, from 1. */
    readonly entry: number,
    readonly reason: string,
  ) {
    super(`Bundle, entry ${entry}: ${reason}`);
  }
}

/** Thrown when the files of a bundle are longer together than its reader allows. */
export class BundleTooLargeError extends TuringFogError {
  constructor(
    /** Bytes, as far as the entries have told. */
    readonly size: number,
    readonly maxBytes: number,
  ) {
    super(`Bundle: its files have at least ${size} bytes, may have at most ${maxBytes}`);
  }
}

/**
 * Reads a bundle: a tar in the ustar format with `job.json` first, then regular files and directories alone.
 * @param chunks of the tar, cut anywhere; closed when the reading ends, however it does
 * @param maxBytes of all files together
 * @throws InvalidBundleError, BundleTooLargeError; what was read of the bundle until then must be dropped
 */
export async function* readBundle(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<BundleEntry> {
  checkCount("maxBytes", maxBytes, 0);
  const input = new Input(chunks);
  const contents = new Contents();
  let total = 0;
  try {
    for (;;) {
      const header = await input.take(BLOCK);
      if (header === undefined) throw contents.invalid("the bundle ends before its two blocks of zeros");
      if (isZero(header)) return await readEnd(input, contents);

      const { path, isDirectory, size } = readHeader(header, contents);
      contents.check(path, isDirectory);
      if (contents.isEmpty && size > MAX_JOB)
        throw contents.invalid(`${path} has ${size} bytes, at most ${MAX_JOB} are read`);
      total += size;
      if (total > maxBytes) throw new BundleTooLargeError(total, maxBytes);
      const content = new Content(input, path, size, contents);
      yield { path, isDirectory, size, content: content.parts() };

      await content.passOver();
      const padding = await input.take(paddingOf(size));
      if (padding === undefined || !isZero(padding)) throw contents.invalid(`${path} is not padded with zeros`);
      contents.add();
    }
  } finally {
    await input.close();
  }
}

/**
 * Writes a bundle, the same bytes for the same files: without times, owners or directories.
 * @throws InvalidMessageError, InvalidBundleError if nobody could read it; nothing is written then
 */
export function writeBundle(job: Job, files: readonly BundleFile[]): Uint8Array[] {
  const contents = new Contents();
  const all = [{ path: JOB_FILE, content: new TextEncoder().encode(JOB.encode(job)) }, ...files];
  const entries = all.flatMap(({ path, content }) => {
    contents.check(path, false);
    const header = writeHeader(path, content.length, contents);
    contents.add();
    return [header, content, new Uint8Array(paddingOf(content.length))];
  });
  return [...entries, new Uint8Array(2 * BLOCK)];
}

async function readEnd(input: Input, contents: Contents): Promise<void> {
  if (contents.isEmpty) throw contents.invalid(`is missing, expected ${JOB_FILE}`);
  let length = BLOCK;
  for (let block = await input.take(BLOCK); block !== undefined; block = await input.take(BLOCK)) {
    if (!isZero(block)) throw contents.invalid("something follows a block of zeros");
    length += BLOCK;
    if (length > MAX_END) throw contents.invalid(`more than ${MAX_END} zeros follow`);
  }
  if (length === BLOCK) throw contents.invalid("the bundle ends before its two blocks of zeros");
  if (input.rest > 0) throw contents.invalid("the bundle ends within a block");
}

function readHeader(header: Uint8Array, contents: Contents): Omit<BundleEntry, "content"> {
  const text = String.fromCharCode(...header);
  const field = (at: number, length: number) => text.slice(at, at + length);
  const name = (at: number, length: number) => field(at, length).replace(/\0[^]*$/, "");
  if (field(MAGIC.at, MAGIC.text.length) !== MAGIC.text) {
    throw contents.invalid("is no entry of a tar in the ustar format: write it with tar --format=ustar");
  }
  if (octal(field(CHECKSUM.at, CHECKSUM.length)) !== checksumOf(header)) throw contents.invalid("has a wrong checksum");
  const isOther = OTHER_NUMBERS.some(
    ([at, length]) => !/^\0*$/.test(field(at, length)) && octal(field(at, length)) === undefined,
  );
  if (isOther) throw contents.invalid("has a field that is no octal number");

  const type = text[TYPE_AT];
  if (type !== REGULAR && type !== DIRECTORY) {
    throw contents.invalid(`has type ${show(type)}: a bundle has regular files and directories alone`);
  }
  const isDirectory = type === DIRECTORY;
  const size = octal(field(SIZE.at, SIZE.length));
  if (size === undefined || (isDirectory && size !== 0)) throw contents.invalid("has no size that it could have");
  const prefix = name(PREFIX_AT, PREFIX_BYTES);
  const path = prefix === "" ? name(0, NAME_BYTES) : `${prefix}/${name(0, NAME_BYTES)}`;
  return { path: isDirectory ? path.replace(/\/$/, "") : path, isDirectory, size };
}

function writeHeader(path: string, size: number, contents: Contents): Uint8Array {
  const cut = path.length <= NAME_BYTES ? -1 : path.indexOf("/", path.length - NAME_BYTES - 1);
  const [prefix, name] = [path.slice(0, Math.max(cut, 0)), path.slice(cut + 1)];
  if (name.length > NAME_BYTES || prefix.length > PREFIX_BYTES) {
    throw contents.invalid(`${path} is too long for a tar: 100 characters, and 155 before a / in front of them`);
  }
  const header = new Uint8Array(BLOCK);
  const put = (at: number, text: string) => {
    header.set(ascii(text), at);
  };
  put(0, name);
  put(MODE_AT, FILE_MODE);
  put(SIZE.at, size.toString(8).padStart(SIZE.length - 1, "0"));
  put(TYPE_AT, REGULAR);
  put(MAGIC.at, MAGIC.text);
  put(PREFIX_AT, prefix);
  put(CHECKSUM.at, `${checksumOf(header).toString(8).padStart(6, "0")}\0 `);
  return header;
}

/** Returns the sum of a header's bytes, those of the checksum counted as spaces. */
function checksumOf(header: Uint8Array): number {
  const end = CHECKSUM.at + CHECKSUM.length;
  return header.reduce((sum, byte, at) => sum + (at >= CHECKSUM.at && at < end ? 32 : byte), 0);
}

/** Reads the digits of a field, which end with a zero or a space. */
function octal(field: string): number | undefined {
  const [, digits] = /^ *([0-7]{1,11})[\0 ]+$/.exec(field) ?? [];
  return digits === undefined ? undefined : parseInt(digits, 8);
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

interface Taken {
  path: string;
  /** A parent is a directory that is there by its files alone. */
  kind: "file" | "directory" | "parent";
}

/** The entries so far, and what they leave for the next one. */
class Contents {
  private count = 0;
  /** Everything that exists, by its path in lower case. */
  private readonly taken = new Map<string, Taken>();

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /**
   * Checks the path of the next entry, and takes it.
   * @throws InvalidBundleError
   */
  check(path: string, isDirectory: boolean): void {
    if (this.count === 0 && (path !== JOB_FILE || isDirectory)) {
      throw this.invalid(`is ${isDirectory ? "the directory " : ""}${show(path)}, expected the file ${JOB_FILE}`);
    }
    const parts = path.split("/");
    if (!parts.every((part) => PART.test(part))) {
      throw this.invalid(`${show(path)} is no path of parts of A-Z, a-z, 0-9 and ._@+=,- separated by /`);
    }
    for (let depth = 1; depth < parts.length; ++depth)
      this.take({ path: parts.slice(0, depth).join("/"), kind: "parent" });
    this.take({ path, kind: isDirectory ? "directory" : "file" });
  }

  /** Counts an entry that is over. */
  add(): void {
    ++this.count;
  }

  /** Returns the error of the current entry. */
  invalid(reason: string): InvalidBundleError {
    return new InvalidBundleError(this.count + 1, reason);
  }

  private take(next: Taken): void {
    const key = next.path.toLowerCase();
    const before = this.taken.get(key);
    if (before === undefined) {
      if (this.taken.size === MAX_ENTRIES)
        throw this.invalid(`there are more than ${MAX_ENTRIES} files and directories`);
      this.taken.set(key, next);
      return;
    }
    if (before.path !== next.path) throw this.invalid(`${next.path} differs from ${before.path} by case alone`);
    const isAgain =
      next.kind === "file" || before.kind === "file" || (next.kind === "directory" && before.kind === "directory");
    if (isAgain) throw this.invalid(`${next.path} is there already`);
    if (next.kind === "directory") this.taken.set(key, next);
  }
}

/** The bytes of one entry, to be read before the next. */
class Content {
  private isOver = false;

  constructor(
    private readonly input: Input,
    private readonly path: string,
    private left: number,
    private readonly contents: Contents,
  ) {}

  async *parts(): AsyncGenerator<Uint8Array> {
    for (;;) {
      if (this.isOver) throw new Error(`${this.path} was passed over: read an entry's content before the next entry`);
      if (this.left === 0) return;
      yield await this.part();
    }
  }

  /** Passes over what was not read. */
  async passOver(): Promise<void> {
    this.isOver = true;
    while (this.left > 0) await this.part();
  }

  private async part(): Promise<Uint8Array> {
    const { path, left } = this;
    const part = await this.input.takeUpTo(left);
    if (part === undefined) throw this.contents.invalid(`${path} goes on for ${left} bytes, and the bundle ends`);
    this.left -= part.length;
    return part;
  }
}

/** The bytes of a bundle, taken from chunks. */
class Input {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private buffer = new Uint8Array();

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.chunks = chunks[Symbol.asyncIterator]();
  }

  /** Number of bytes that are no whole block, at the end. */
  get rest(): number {
    return this.buffer.length;
  }

  /** Resolves to so many bytes, or to undefined if there are not as many. */
  async take(length: number): Promise<Uint8Array | undefined> {
    while (this.buffer.length < length) if (!(await this.fill())) return undefined;
    return this.cut(length);
  }

  /** Resolves to what has come of so many bytes, or to undefined at the end. */
  async takeUpTo(length: number): Promise<Uint8Array | undefined> {
    if (this.buffer.length === 0 && !(await this.fill())) return undefined;
    return this.cut(length);
  }

  async close(): Promise<void> {
    await this.chunks.return?.();
  }

  private cut(length: number): Uint8Array {
    const taken = this.buffer.subarray(0, length);
    this.buffer = this.buffer.subarray(taken.length);
    return taken;
  }

  private async fill(): Promise<boolean> {
    const next = await this.chunks.next();
    if (next.done === true) return false;
    const joined = new Uint8Array(this.buffer.length + next.value.length);
    joined.set(this.buffer);
    joined.set(next.value, this.buffer.length);
    this.buffer = joined;
    return true;
  }
}
