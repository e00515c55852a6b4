import { TuringFogError } from "../errors.js";
import { ascii } from "../receipts/bytes.js";

/** The first entry of a bundle. */
export const JOB_FILE = "job.json";

/** The most entries of a bundle. */
export const MAX_ENTRIES = 10_000;

/** The most zeros behind a bundle's entries: tar fills up a record of twenty blocks. */
const MAX_END = 10_240;

const BLOCK = 512;
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
const MODE = { at: 100, file: "0000644", directory: "0000755" };
const SIZE = { at: 124, digits: 11 };
const CHECKSUM = { at: 148, length: 8 };
const TYPE_AT = 156;
const PREFIX_AT = 345;
const MAGIC = { at: 257, text: "ustar\u000000" };

const REGULAR = "0";
const DIRECTORY = "5";

/** A part of a path that every file system takes for itself: no separator, no control character, not `.` or `..`. */
const PART = /^(?!\.{1,2}$)[A-Za-z0-9._@+=,-]+$/;

/** A file or a directory of a bundle. */
export interface BundleEntry {
  /** Parts separated by `/`, without one at either end. */
  path: string;
  isDirectory: boolean;
  /** Bytes of a file; 0 of a directory. */
  size: number;
  /** The bytes of a file as they arrive. What is not read of them before the next entry is passed over. */
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
 * @param chunks of the tar, cut anywhere
 * @param maxBytes of all files together
 * @throws InvalidBundleError, BundleTooLargeError; what was read of the bundle until then must be dropped
 */
export async function* readBundle(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<BundleEntry> {
  const input = new Input(chunks);
  const contents = new Contents();
  let total = 0;
  for (;;) {
    const header = await input.take(BLOCK);
    if (header === undefined) throw contents.invalid("the bundle ends before its two blocks of zeros");
    if (isZero(header)) return readEnd(input, contents);

    const { path, isDirectory, size } = readHeader(header, contents);
    contents.add(path, isDirectory);
    total += size;
    if (total > maxBytes) throw new BundleTooLargeError(total, maxBytes);
    const cutOff = `${path} has ${size} bytes, and the bundle ends within them`;
    yield { path, isDirectory, size, content: input.content(size, () => contents.invalid(cutOff)) };

    if (!(await input.passOver())) throw contents.invalid(cutOff);
    const padding = await input.take(paddingOf(size));
    if (padding === undefined || !isZero(padding)) throw contents.invalid(`${path} is not padded with zeros`);
  }
}

/**
 * Writes a bundle, the same bytes for the same files: without times, owners or directories.
 * @param job text of `job.json`
 * @throws InvalidBundleError if nobody could read it
 */
export function* writeBundle(job: string, files: readonly BundleFile[]): Generator<Uint8Array> {
  const contents = new Contents();
  for (const { path, content } of [{ path: JOB_FILE, content: new TextEncoder().encode(job) }, ...files]) {
    contents.add(path, false);
    yield writeHeader(path, content.length, contents);
    yield content;
    yield new Uint8Array(paddingOf(content.length));
  }
  yield new Uint8Array(2 * BLOCK);
}

async function readEnd(input: Input, contents: Contents): Promise<void> {
  if (contents.isEmpty) throw contents.invalid(`is missing, expected ${JOB_FILE}`);
  let length = BLOCK;
  for (let block = await input.take(BLOCK); block !== undefined; block = await input.take(BLOCK)) {
    if (!isZero(block)) throw contents.invalid("something follows a block of zeros");
    length += BLOCK;
    if (length > MAX_END) throw contents.invalid(`more than ${MAX_END} zeros follow`);
  }
  if (length === BLOCK || input.isCut) throw contents.invalid("the bundle ends before its two blocks of zeros");
}

function readHeader(header: Uint8Array, contents: Contents): Omit<BundleEntry, "content"> {
  const text = String.fromCharCode(...header);
  const field = (at: number, length: number) => text.slice(at, at + length).replace(/\0[^]*$/, "");
  if (text.slice(MAGIC.at, MAGIC.at + MAGIC.text.length) !== MAGIC.text) {
    throw contents.invalid("is no entry of a tar in the ustar format: write it with tar --format=ustar");
  }
  if (octal(field(CHECKSUM.at, CHECKSUM.length)) !== checksumOf(header)) throw contents.invalid("has a wrong checksum");

  const type = text[TYPE_AT] === "\0" ? REGULAR : text[TYPE_AT];
  const prefix = field(PREFIX_AT, PREFIX_BYTES);
  const name = field(0, NAME_BYTES);
  const path = prefix === "" ? name : `${prefix}/${name}`;
  if (type !== REGULAR && type !== DIRECTORY) {
    throw contents.invalid(`has type ${JSON.stringify(type)}: a bundle has regular files and directories alone`);
  }
  const isDirectory = type === DIRECTORY;
  const size = octal(field(SIZE.at, SIZE.digits + 1));
  if (size === undefined || (isDirectory && size !== 0)) throw contents.invalid("has no size that it could have");
  return { path: isDirectory ? path.replace(/\/$/, "") : path, isDirectory, size };
}

function writeHeader(path: string, size: number, contents: Contents): Uint8Array {
  const cut = path.length <= NAME_BYTES ? -1 : path.indexOf("/", path.length - NAME_BYTES - 1);
  const [prefix, name] = [path.slice(0, Math.max(cut, 0)), path.slice(cut + 1)];
  if (name.length > NAME_BYTES || prefix.length > PREFIX_BYTES) {
    throw contents.invalid(`${path} is too long for a tar: 100 characters, and 155 before a / in front of them`);
  }
  const digits = size.toString(8).padStart(SIZE.digits, "0");
  if (digits.length > SIZE.digits) throw contents.invalid(`${path} has ${size} bytes, a tar takes less than 8 GiB`);

  const header = new Uint8Array(BLOCK);
  const put = (at: number, text: string) => header.set(ascii(text), at);
  put(0, name);
  put(MODE.at, MODE.file);
  put(SIZE.at, digits);
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

function octal(text: string): number | undefined {
  const [, digits] = /^ *([0-7]{1,11}) *$/.exec(text) ?? [];
  return digits === undefined ? undefined : parseInt(digits, 8);
}

function paddingOf(size: number): number {
  return (BLOCK - (size % BLOCK)) % BLOCK;
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}

/** The entries so far, and what they leave for those that follow. */
class Contents {
  private count = 0;
  /** The name and kind of everything that exists, by its name in lower case. A directory may be there by its files alone. */
  private readonly names = new Map<string, { path: string; kind: "file" | "directory" | "parent" }>();

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** @throws InvalidBundleError */
  add(path: string, isDirectory: boolean): void {
    if (this.count === MAX_ENTRIES) throw this.invalid(`there are more than ${MAX_ENTRIES}`);
    if (this.count === 0 && (path !== JOB_FILE || isDirectory)) {
      throw this.invalid(`is ${JSON.stringify(path)}, expected the file ${JOB_FILE}`);
    }
    const parts = path.split("/");
    if (!parts.every((part) => PART.test(part))) {
      throw this.invalid(`${JSON.stringify(path)} is no path of parts of A-Z, a-z, 0-9 and ._@+=,- separated by /`);
    }
    for (let depth = 1; depth < parts.length; ++depth) this.take(parts.slice(0, depth).join("/"), "parent");
    this.take(path, isDirectory ? "directory" : "file");
    ++this.count;
  }

  invalid(reason: string): InvalidBundleError {
    return new InvalidBundleError(this.count + 1, reason);
  }

  private take(path: string, kind: "file" | "directory" | "parent"): void {
    const key = path.toLowerCase();
    const taken = this.names.get(key);
    if (taken !== undefined && taken.path !== path)
      throw this.invalid(`${path} differs from ${taken.path} by case alone`);
    if (
      taken !== undefined &&
      (kind === "file" || taken.kind === "file" || (kind === "directory" && taken.kind === kind))
    ) {
      throw this.invalid(`${path} is there already`);
    }
    if (kind !== "parent" || taken === undefined) this.names.set(key, { path, kind });
  }
}

/** The bytes of a bundle, taken from chunks. */
class Input {
  private readonly chunks: AsyncIterator<Uint8Array>;
  private buffer = new Uint8Array();
  /** Bytes of the current content that were not read. */
  private left = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.chunks = chunks[Symbol.asyncIterator]();
  }

  /** Whether bytes are left that are no whole block. */
  get isCut(): boolean {
    return this.buffer.length !== 0;
  }

  /** Resolves to so many bytes, or to undefined if there are not as many. */
  async take(length: number): Promise<Uint8Array | undefined> {
    while (this.buffer.length < length) if (!(await this.fill())) return undefined;
    const taken = this.buffer.subarray(0, length);
    this.buffer = this.buffer.subarray(length);
    return taken;
  }

  /** Begins the content of an entry, and returns what is not passed over of it. */
  content(size: number, cutOff: () => Error): AsyncIterable<Uint8Array> {
    this.left = size;
    return this.parts(cutOff);
  }

  private async *parts(cutOff: () => Error): AsyncGenerator<Uint8Array> {
    while (this.left > 0) {
      const part = await this.part();
      if (part === undefined) throw cutOff();
      yield part;
    }
  }

  /** Passes over what is left of the current content; resolves to whether it was there. */
  async passOver(): Promise<boolean> {
    while (this.left > 0) if ((await this.part()) === undefined) return false;
    return true;
  }

  private async part(): Promise<Uint8Array | undefined> {
    if (this.buffer.length === 0 && !(await this.fill())) return undefined;
    const part = this.buffer.subarray(0, this.left);
    this.buffer = this.buffer.subarray(part.length);
    this.left -= part.length;
    return part;
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
