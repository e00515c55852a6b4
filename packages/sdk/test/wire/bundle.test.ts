import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import {
  BundleTooLargeError,
  checkJob,
  GRANT,
  InvalidBundleError,
  InvalidMessageError,
  JOB,
  type Job,
  JobMismatchError,
  MAX_ENTRIES,
  readBundle,
  writeBundle,
} from "@turingfog/sdk/wire";
import { expect } from "chai";
import fc from "fast-check";

const SEED = Number(process.env.SEED ?? 1);
const RUNS = Number(process.env.FUZZ_INPUTS ?? 2_000);

const BLOCK = 512;
const ADDRESS = `0x${"ab".repeat(20)}`;

const job: Job = {
  chainId: 31_337n,
  escrow: ADDRESS,
  nodeId: 7n,
  asset: `0x${"cd".repeat(20)}`,
  tuAmount: 10n ** 18n,
  renter: `0x${"ef".repeat(20)}`,
  salt: `0x${"5a".repeat(32)}`,
  runner: "sha256",
  slots: { INPUT: "data/a.bin" },
  imagesPerTU: 0n,
  holdback: 1_000n,
  progress: "encrypted",
  resultTo: `age1${"q".repeat(58)}`,
};
const text = JOB.encode(job);

const bytesOf = (content: string) => Buffer.from(content);
const joined = (files: Parameters<typeof writeBundle>[1] = []) => Buffer.concat([...writeBundle(text, files)]);

async function* chunksOf(bytes: Uint8Array, size = bytes.length): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
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
    ["a second job.json", ["job.json"], "job.json is there already"],
    ["a path that tar has no room for", ["a".repeat(101)], "is too long for a tar"],
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
      "job.json as a directory",
      withHeader(bundle, 0, (header) => header.write("5", 156)),
      "has no size that it could have",
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
    ["an end within a file", bundle.subarray(0, second + BLOCK + 3), "a has 7 bytes, and the bundle ends within them"],
    ["an end within the padding", bundle.subarray(0, second + BLOCK + 100), "a is not padded with zeros"],
    ["an end without zeros", bundle.subarray(0, second + 2 * BLOCK), "ends before its two blocks of zeros"],
    ["one block of zeros", bundle.subarray(0, second + 3 * BLOCK), "ends before its two blocks of zeros"],
    [
      "an end within a block of zeros",
      bundle.subarray(0, second + 3 * BLOCK + 100),
      "ends before its two blocks of zeros",
    ],
    ["bytes behind the zeros", Buffer.concat([bundle, Buffer.alloc(BLOCK, 1)]), "something follows a block of zeros"],
    ["zeros without an end", Buffer.concat([bundle, Buffer.alloc(10_240)]), "more than 10240 zeros follow"],
  ] as const) {
    it(`are refused with ${what}`, async () => {
      const error = await refusal(changed);
      expect(error).to.be.instanceOf(InvalidBundleError);
      expect(error.message).to.contain(message);
    });
  }

  it("take as many zeros as tar puts behind a bundle", async () => {
    const padded = Buffer.concat([bundle, Buffer.alloc(10_240 - 2 * BLOCK)]);
    expect(Object.keys(await read(padded))).to.deep.equal(["job.json", "a"]);
  });

  it("take no more entries and bytes than they may", async () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => ({ path: `f${i}`, content: bytesOf("") }));
    expect(Object.keys(await read(joined(many(MAX_ENTRIES - 1))))).to.have.lengthOf(MAX_ENTRIES);
    expect(() => joined(many(MAX_ENTRIES))).to.throw(InvalidBundleError, "there are more than 10000");

    const total = text.length + 7;
    expect(Object.keys(await read(bundle, undefined, total))).to.deep.equal(["job.json", "a"]);
    const error = await refusal(bundle, total - 1);
    expect(error).to.be.instanceOf(BundleTooLargeError);
    expect(error.message).to.equal(`Bundle: its files have at least ${total} bytes, may have at most ${total - 1}`);
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

describe("jobs and grants", () => {
  it("are read as they were written", () => {
    expect(JOB.decode(text)).to.deep.equal(job);
    const grant = { orderId: 1n, recipient: job.resultTo, identity: "YWdl", signature: "0x00" };
    expect(GRANT.decode(GRANT.encode(grant))).to.deep.equal(grant);
  });

  it("hold back a fifth at most", () => {
    expect(JOB.decode(JOB.encode({ ...job, holdback: 2_000n })).holdback).to.equal(2_000n);
    expect(() => JOB.encode({ ...job, holdback: 2_001n })).to.throw(
      InvalidMessageError,
      'turingfog-job-v1, holdback: is "2001", expected at most 2000',
    );
  });

  for (const identity of ["", "YWd", "YWdl=", "YW==l", "YWd_", "A".repeat(8_196)]) {
    it(`refuse the identity ${identity.slice(0, 8)} of ${identity.length} characters`, () => {
      const grant = { orderId: 1n, recipient: job.resultTo, identity, signature: "0x00" };
      expect(() => GRANT.encode(grant)).to.throw(InvalidMessageError, "identity");
    });
  }

  const { chainId, escrow, nodeId, asset, tuAmount, renter } = job;
  const terms = { chainId, escrow, nodeId, asset, tuAmount, renter };

  it("are of their order, whose addresses may have a checksum", () => {
    checkJob(job, terms);
    checkJob(job, { ...terms, renter: renter.toUpperCase().replace("X", "x") });
  });

  for (const [term, value] of [
    ["chainId", 1n],
    ["escrow", asset],
    ["nodeId", 0n],
    ["asset", escrow],
    ["tuAmount", 1n],
    ["renter", escrow],
  ] as const) {
    it(`are refused for an order of another ${term}`, () => {
      expect(() => {
        checkJob(job, { ...terms, [term]: value });
      })
        .to.throw(JobMismatchError, `job.json: ${term} is ${job[term]}, its order has ${value}`)
        .with.property("term", term);
    });
  }
});
