import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import {
  type BundleEntry,
  BundleTooLargeError,
  InvalidBundleError,
  MAX_ENTRIES,
  readBundle,
  writeBundle,
} from "@turingfog/sdk/wire";
import { NotIntegerError } from "@turingfog/sdk";
import { expect } from "chai";
import fc from "fast-check";
import { job, text } from "./jobs";

const SEED = Number(process.env.SEED ?? 1);

const RUNS = Number(process.env.FUZZ_INPUTS ?? 2_000);

const BLOCK = 512;

const bytesOf = (content: string) => Buffer.from(content);

const joined = (files: Parameters<typeof writeBundle>[1] = []) => Buffer.concat(writeBundle(job, files));

async function* chunksOf(bytes: Uint8Array, size = bytes.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** A source that tells whether it was closed. */
class Source {
  isClosed = false;

  constructor(private readonly bytes: Uint8Array) {}

  async *chunks(): AsyncGenerator<Uint8Array> {
    try {
      yield* chunksOf(this.bytes, 100);
    } finally {
      this.isClosed = true;
    }
  }
}

/** Reads a bundle whole: its files' contents by path, null for a directory. */
async function read(bytes: Uint8Array, chunk = bytes.length, maxBytes = 1_000_000) {
  const found: Record<string, string | null> = {};
  for await (const { path: name, isDirectory, size, content } of readBundle(chunksOf(bytes, chunk), maxBytes)) {
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    const whole = Buffer.concat(parts);
    expect(whole.length).to.equal(size);
    found[name] = isDirectory ? null : whole.toString("latin1");
  }
  return found;
}

async function refusal(bytes: Uint8Array, maxBytes?: number): Promise<Error> {
  try {
    await read(bytes, undefined, maxBytes);
  } catch (error) {
    return error as Error;
  }
  throw new Error("The bundle was taken");
}

/** Changes the header of an entry, and its checksum with it. */
function withHeader(bundle: Buffer, at: number, change: (header: Buffer) => void): Buffer {
  const changed = Buffer.from(bundle);
  const header = changed.subarray(at, at + BLOCK);
  change(header);
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return changed;
}

/** Runs tar in a folder with a job and the files given. */
function tar(files: Record<string, string>, args: string[], prepare?: (folder: string) => void): Buffer {
  const folder = mkdtempSync(path.join(tmpdir(), "turingfog-bundle-"));
  try {
    for (const [name, content] of Object.entries({ "job.json": text, ...files })) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
      writeFileSync(path.join(folder, name), content);
    }
    prepare?.(folder);
    return execFileSync("tar", ["-cf", "-", ...args], { cwd: folder });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe("bundles", () => {
  const files = [
    { path: "data/a.bin", content: bytesOf("a".repeat(1_000)) },
    { path: "data/empty", content: bytesOf("") },
    { path: "data/block", content: bytesOf("b".repeat(BLOCK)) },
    { path: `${"d".repeat(100)}/${"e".repeat(50)}/${"f".repeat(100)}`, content: bytesOf("deep") },
  ];
  const contents = {
    "job.json": text,
    ...Object.fromEntries(files.map(({ path: name, content }) => [name, content.toString()])),
  };

  it("are read as they were written, however they are cut", async () => {
    for (const chunk of [1, 7, 511, 512, 513, 100_000]) {
      expect(await read(joined(files), chunk), `chunks of ${chunk}`).to.deep.equal(contents);
    }
  });

  it("are read by tar", () => {
    const listed = execFileSync("tar", ["-tf", "-"], { input: joined(files), encoding: "utf8" });
    expect(listed.trim().split("\n")).to.deep.equal(Object.keys(contents));
  });

  it("are read as tar writes them in the ustar format", async () => {
    const names = ["job.json", "sub", `${"d".repeat(100)}/${"e".repeat(100)}`];
    const bundle = tar({ "sub/a": "x".repeat(700), [names[2]]: "long" }, ["--format=ustar", ...names]);
    expect(await read(bundle)).to.deep.equal({
      "job.json": text,
      sub: null,
      "sub/a": "x".repeat(700),
      [names[2]]: "long",
    });
  });

  it("are read whatever number of blocks they have, filled up as tar does", async () => {
    for (let blocks = 0; blocks < 21; ++blocks) {
      const big = tar({ big: "x".repeat(BLOCK * blocks) }, ["--format=ustar", "job.json", "big"]);
      expect((await read(big)).big, `${blocks} blocks`).to.have.lengthOf(BLOCK * blocks);
    }
  });

  it("refuse to give the content of an entry that was passed over", async () => {
    for (const isStarted of [true, false]) {
      const iterator = readBundle(chunksOf(joined(files), 100), 1_000_000);
      const content = ((await iterator.next()).value as BundleEntry).content[Symbol.asyncIterator]();
      if (isStarted) await content.next();
      await iterator.next();
      const error = await content.next().catch((reason: unknown) => reason as Error);
      expect(error)
        .to.be.instanceOf(Error)
        .with.property("message")
        .that.matches(/^job.json was passed over/);
    }
  });

  it("close their source at the end, at a fault, and when their reader leaves", async () => {
    const whole = new Source(joined(files));
    for await (const entry of readBundle(whole.chunks(), 1_000_000)) expect(entry.path).not.to.equal("");
    const left = new Source(joined(files));
    for await (const entry of readBundle(left.chunks(), 1_000_000)) if (entry.path === "job.json") break;
    const faulty = new Source(joined(files).fill(1, BLOCK * 3));
    const large = new Source(joined(files));
    for (const [source, maxBytes] of [
      [faulty, 1_000_000],
      [large, 1],
    ] as const) {
      const error = await (async () => {
        for await (const entry of readBundle(source.chunks(), maxBytes)) expect(entry.path).not.to.equal("");
      })().catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(Error);
    }
    expect([whole, left, faulty, large].map(({ isClosed }) => isClosed)).to.deep.equal([true, true, true, true]);
  });

  it("pass over what is not read of a file", async () => {
    const paths: string[] = [];
    for await (const { path: name, content } of readBundle(chunksOf(joined(files), 100), 1_000_000)) {
      paths.push(name);
      if (name === "data/a.bin") for await (const part of content) if (part.length > 0) break;
    }
    expect(paths).to.deep.equal(Object.keys(contents));
  });

  it("are the same bytes for the same files", () => {
    expect(joined(files).equals(joined(files))).to.equal(true);
  });

  it("refuse tar's other formats, links and devices by name", async () => {
    const long = { [`${"d".repeat(100)}/${"e".repeat(101)}`]: "long" };
    expect((await refusal(tar(long, ["--format=gnu", "job.json", ...Object.keys(long)]))).message).to.equal(
      "Bundle, entry 1: is no entry of a tar in the ustar format: write it with tar --format=ustar",
    );
    expect((await refusal(tar(long, ["--format=pax", "job.json", ...Object.keys(long)]))).message).to.match(
      /^Bundle, entry \d: has type "x": a bundle has regular files and directories alone$/,
    );
    const link = (folder: string) => {
      symlinkSync("/etc/passwd", path.join(folder, "link"));
    };
    expect((await refusal(tar({}, ["--format=ustar", "job.json", "link"], link))).message).to.equal(
      'Bundle, entry 2: has type "2": a bundle has regular files and directories alone',
    );
  });

  for (const [what, given, message] of [
    ["a part that is empty", ["a//b"], "is no path"],
    ["a path from the root", ["/a"], "is no path"],
    ["a way up", ["a/../b"], "is no path"],
    ["a name that means the folder itself", ["./a"], "is no path"],
    ["a backslash", ["a\\b"], "is no path"],
    ["a colon", ["c:a"], "is no path"],
    ["a letter beyond ASCII", ["ä"], "is no path"],
    ["a file twice", ["a", "a"], "a is there already"],
    ["names that differ by case", ["a", "A"], "A differs from a by case alone"],
    ["folders that differ by case", ["a/b", "A/c"], "A differs from a by case alone"],
    ["a file in a file", ["a", "a/b"], "a is there already"],
    ["a file in the place of a folder", ["a/b", "a"], "a is there already"],
    ["a second job.json", ["job.json"], "Bundle, entry 2: job.json is there already"],
    ["a dot at the end", ["a."], "is no path"],
    ["dots alone", ["..."], "is no path"],
    ["a device of Windows", ["CON"], "is no path"],
    ["a device of Windows with an ending", ["a/nul.txt"], "is no path"],
    ["a path that tar has no room for", ["a", "b".repeat(101)], "entry 3: bbb"],
    ["a long path without a place to cut", [`${"a".repeat(156)}/b`.padEnd(200, "c")], "is too long for a tar"],
  ] as const) {
    it(`cannot be written with ${what}`, () => {
      const write = () => joined(given.map((name) => ({ path: name, content: bytesOf("x") })));
      expect(write).to.throw(InvalidBundleError, message);
    });
  }

  const bundle = joined([{ path: "a", content: bytesOf("content") }]);
  const second = bundle.indexOf("a\0", BLOCK);
  for (const [what, changed, message] of [
    ["no entries", Buffer.alloc(1_024), "Bundle, entry 1: is missing, expected job.json"],
    [
      "another file first",
      withHeader(bundle, 0, (header) => header.write("x", 0)),
      'is "xob.json", expected the file job.json',
    ],
    [
      "job.json as a directory with a size",
      withHeader(bundle, 0, (header) => header.write("5", 156)),
      "has no size that it could have",
    ],
    [
      "job.json as a directory",
      withHeader(bundle, 0, (header) => header.write("5", 156) + header.write("00000000000", 124)),
      'is the directory "job.json"',
    ],
    ["an old kind of file", withHeader(bundle, second, (header) => header.write("\0", 156)), 'has type "\\u0000"'],
    ["what a terminal obeys", withHeader(bundle, second, (header) => (header[1] = 0x9b)), '"a\\u009b" is no path'],
    ["a slash behind a file", withHeader(bundle, second, (header) => header.write("a/", 0)), '"a/" is no path'],
    ["a mode that is no number", withHeader(bundle, second, (header) => header.write("zz", 100)), "no octal number"],
    ["a time that is no number", withHeader(bundle, second, (header) => header.write("9", 136)), "no octal number"],
    ["a device that is no number", withHeader(bundle, second, (header) => header.write("0x1", 329)), "no octal number"],
    [
      "a size without an end",
      withHeader(bundle, second, (header) => header.write("000000000007", 124)),
      "has no size that it could have",
    ],
    [
      "something behind a checksum",
      Buffer.from(bundle.map((byte, at) => (at === second + 155 ? 0x61 : byte))),
      "has a wrong checksum",
    ],
    ["a way up", withHeader(bundle, second, (header) => header.write("../a", 0)), '"../a" is no path'],
    ["a prefix that leads up", withHeader(bundle, second, (header) => header.write("..", 345)), '"../a" is no path'],
    ["a size in another base", withHeader(bundle, second, (header) => (header[124] = 0x80)), "has no size"],
    ["a negative size", withHeader(bundle, second, (header) => header.write("-0000000007", 124)), "has no size"],
    [
      "a wrong checksum",
      Buffer.from(bundle.map((byte, at) => (at === second + 100 ? 0x31 : byte))),
      "has a wrong checksum",
    ],
    [
      "padding that says something",
      Buffer.from(bundle.map((byte, at) => (at === second + 600 ? 1 : byte))),
      "a is not padded with zeros",
    ],
    [
      "an end within a file",
      bundle.subarray(0, second + BLOCK + 3),
      "Bundle, entry 2: a goes on for 4 bytes, and the bundle ends",
    ],
    ["an end within the padding", bundle.subarray(0, second + BLOCK + 100), "a is not padded with zeros"],
    ["an end without zeros", bundle.subarray(0, second + 2 * BLOCK), "ends before its two blocks of zeros"],
    ["one block of zeros", bundle.subarray(0, second + 3 * BLOCK), "ends before its two blocks of zeros"],
    [
      "an end within its second block of zeros",
      bundle.subarray(0, second + 3 * BLOCK + 100),
      "ends before its two blocks of zeros",
    ],
    ["an end within a third", Buffer.concat([bundle, Buffer.alloc(100)]), "the bundle ends within a block"],
    ["bytes behind the zeros", Buffer.concat([bundle, Buffer.alloc(BLOCK, 1)]), "something follows a block of zeros"],
    ["zeros without an end", Buffer.concat([bundle, Buffer.alloc(10_240)]), "more than 10752 zeros follow"],
  ] as const) {
    it(`are refused with ${what}`, async () => {
      const error = await refusal(changed);
      expect(error).to.be.instanceOf(InvalidBundleError);
      expect(error.message).to.contain(message);
    });
  }

  it("take as many zeros as tar puts behind a bundle", async () => {
    const padded = Buffer.concat([bundle, Buffer.alloc(10_752 - 2 * BLOCK)]);
    expect(Object.keys(await read(padded))).to.deep.equal(["job.json", "a"]);
  });

  it("take no more entries and bytes than they may", async () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => ({ path: `f${i}`, content: bytesOf("") }));
    expect(Object.keys(await read(joined(many(MAX_ENTRIES - 1))))).to.have.lengthOf(MAX_ENTRIES);
    expect(() => joined(many(MAX_ENTRIES))).to.throw(
      InvalidBundleError,
      "there are more than 10000 files and directories",
    );
    const deep = Array.from({ length: 200 }, (_, i) => ({
      path: `${"d/".repeat(98)}${i}`.replace("d", `d${i}`),
      content: bytesOf(""),
    }));
    expect(() => joined(deep)).to.throw(InvalidBundleError, "there are more than 10000 files and directories");

    const total = text.length + 7;
    expect(Object.keys(await read(bundle, undefined, total))).to.deep.equal(["job.json", "a"]);
    const error = await refusal(bundle, total - 1);
    expect(error).to.be.instanceOf(BundleTooLargeError);
    expect(error.message).to.equal(`Bundle: its files have at least ${total} bytes, may have at most ${total - 1}`);
  });

  it("take no job that is longer than one can be, and no limit that is none", async () => {
    const long = withHeader(bundle, 0, (header) => header.write("00001000001", 124));
    expect((await refusal(long)).message).to.equal(
      "Bundle, entry 1: job.json has 262145 bytes, at most 262144 are read",
    );
    expect(await refusal(bundle, NaN)).to.be.instanceOf(NotIntegerError);
  });

  it("take a directory before and behind its files, once", async () => {
    const order = (names: string[]) => tar({ "d/a": "a" }, ["--format=ustar", "--no-recursion", "job.json", ...names]);
    expect(await read(order(["d/a", "d"]))).to.deep.equal({ "job.json": text, "d/a": "a", d: null });
    expect(await read(order(["d", "d/a"]))).to.deep.equal({ "job.json": text, d: null, "d/a": "a" });
    expect((await refusal(order(["d", "d/a", "d"]))).message).to.equal("Bundle, entry 4: d is there already");
    expect((await refusal(order(["d/a", "d", "d"]))).message).to.equal("Bundle, entry 4: d is there already");
  });

  it("are written with the mode of a file", () => {
    const listed = execFileSync("tar", ["-tvf", "-"], { input: bundle, encoding: "utf8" });
    expect(listed).to.match(/^-rw-r--r-- 0\/0 +\d+ .* job\.json$/m);
  });

  it(`are read as tar reads them, or refused by name, however their headers are changed (seed ${SEED})`, async () => {
    const change = fc.record({
      at: fc.nat(BLOCK - 1),
      to: fc.constantFrom(0, 0x20, 0x30, 0x35, 0x37, 0x41, 0x61, 0x2f),
    });
    let compared = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        const changed = withHeader(bundle, second, (header) => {
          for (const { at, to } of changes) header[at] = to;
        });
        const found = await read(changed).catch((error: unknown) => {
          expect(error).to.satisfy((e: unknown) => e instanceof InvalidBundleError || e instanceof BundleTooLargeError);
          return undefined;
        });
        if (found === undefined || ++compared > 50) return;
        const listed = execFileSync("tar", ["-tf", "-"], { input: changed, encoding: "utf8" });
        expect(
          listed
            .trim()
            .split("\n")
            .map((name) => name.replace(/\/$/, "")),
        ).to.deep.equal(Object.keys(found));
      }),
      { seed: SEED, numRuns: RUNS },
    );
    expect(compared).to.be.greaterThan(10);
  });

  it(`are read or refused by name, however they are changed (seed ${SEED})`, async () => {
    const change = fc.record({ at: fc.nat(), to: fc.nat(255), cut: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        let changed = Buffer.from(bundle);
        for (const { at, to, cut } of changes) {
          if (cut) changed = changed.subarray(0, 1 + (at % changed.length));
          else changed[at % changed.length] = to;
        }
        try {
          await read(changed);
        } catch (error) {
          expect(error).to.satisfy((e: unknown) => e instanceof InvalidBundleError || e instanceof BundleTooLargeError);
        }
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });
});
