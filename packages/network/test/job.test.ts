import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import {
  checkGrant,
  encryptToFile,
  GrantRefusedError,
  makeGrant,
  newAgeKey,
  openGrant,
  readFolder,
  recipientOf,
  sealBundle,
  sealResult,
  UndecipherableError,
  unpackBundle,
  UnsendableFileError,
} from "@turingfog/network";
import { BundleTooLargeError, InvalidBundleError, jobDomain, writeBundle } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id, Wallet } from "ethers";
import { ethers } from "hardhat";

import { JOB_OF_TESTS } from "./helpers/jobs";

const run = promisify(execFile);
const AGE = ["/usr/bin/age", "/usr/local/bin/age"].find(existsSync);
const MIB = 1_048_576;

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "turingfog-job-"));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const text = (content: string) => new TextEncoder().encode(content);

describe("Bundles", () => {
  it("come back as they were sent, and are named by the SHA-256 of what lies on the disk", async () => {
    await inFolder(async (folder) => {
      const files = [
        { path: "data/big.bin", content: new Uint8Array(300_000).map((_, i) => (i * 7) % 251) },
        { path: "empty", content: new Uint8Array() },
      ];
      const { key, hash, bytes } = await sealBundle(JOB_OF_TESTS, files, path.join(folder, "bundle.age"));
      const ciphertext = await readFile(path.join(folder, "bundle.age"));
      expect(hash).to.equal(`0x${createHash("sha256").update(ciphertext).digest("hex")}`);
      expect(bytes).to.equal(ciphertext.length);

      const unpacked = path.join(folder, "unpacked");
      expect(await unpackBundle(path.join(folder, "bundle.age"), key.identity, unpacked, MIB)).to.deep.equal(
        JOB_OF_TESTS,
      );
      expect(await readFile(path.join(unpacked, "data/big.bin"))).to.deep.equal(Buffer.from(files[0].content));
      expect((await readdir(unpacked)).sort()).to.deep.equal(["data", "empty", "job.json"]);
      expect((await stat(unpacked)).mode & 0o777).to.equal(0o700);
      expect((await stat(path.join(unpacked, "empty"))).mode & 0o777).to.equal(0o600);
    });
  });

  it("have a key of their own, so that two of one job differ", async () => {
    await inFolder(async (folder) => {
      const [a, b] = await Promise.all(["a", "b"].map((name) => sealBundle(JOB_OF_TESTS, [], path.join(folder, name))));
      expect(a.hash).not.to.equal(b.hash);
      expect(a.key.identity).not.to.equal(b.key.identity);
      expect(await recipientOf(a.key.identity)).to.equal(a.key.recipient);
    });
  });

  const byAge = async () => {
    await inFolder(async (folder) => {
      const at = (name: string) => path.join(folder, name);
      const { key } = await sealBundle(JOB_OF_TESTS, [{ path: "a.txt", content: text("hello") }], at("bundle.age"));
      await writeFile(at("key"), `${key.identity}\n`, { mode: 0o600 });
      await run(AGE as string, ["--decrypt", "--identity", at("key"), "--output", at("bundle.tar"), at("bundle.age")]);
      await run("tar", ["-xf", at("bundle.tar"), "-C", folder]);
      expect(await readFile(at("a.txt"), "utf8")).to.equal("hello");

      await run(AGE as string, [
        "--encrypt",
        "--recipient",
        key.recipient,
        "--output",
        at("again.age"),
        at("bundle.tar"),
      ]);
      expect(await unpackBundle(at("again.age"), key.identity, at("again"), MIB)).to.deep.equal(JOB_OF_TESTS);
    });
  };
  it("are opened and made by the program age", AGE === undefined ? undefined : byAge);

  describe("that are refused leave nothing behind:", () => {
    const tar = (files: { path: string; content: Uint8Array }[]) => Buffer.concat(writeBundle(JOB_OF_TESTS, files));
    const changed = async (file: string, change: (bytes: Buffer) => Buffer) =>
      writeFile(file, change(await readFile(file)));

    const cases: [string, (file: string, recipient: string) => Promise<unknown>, new (...args: never[]) => Error][] = [
      [
        "one that is cut off",
        async (file, recipient) => {
          await encryptToFile(recipient, [tar([{ path: "a", content: new Uint8Array(200_000) }])], file);
          await changed(file, (bytes) => bytes.subarray(0, bytes.length - 70_000));
        },
        UndecipherableError,
      ],
      [
        "one of which a bit was changed",
        async (file, recipient) => {
          await encryptToFile(recipient, [tar([{ path: "a", content: new Uint8Array(200_000) }])], file);
          await changed(file, (bytes) => {
            bytes[150_000] ^= 1;
            return bytes;
          });
        },
        UndecipherableError,
      ],
      [
        "one for another key",
        async (file) => encryptToFile((await newAgeKey()).recipient, [tar([])], file),
        UndecipherableError,
      ],
      ["one that is no age file", (file) => writeFile(file, tar([])), UndecipherableError],
      [
        "one with more bytes than its reader allows",
        (file, recipient) => encryptToFile(recipient, [tar([{ path: "a", content: new Uint8Array(MIB) }])], file),
        BundleTooLargeError,
      ],
      [
        "one whose last entry is a link",
        (file, recipient) => {
          const bytes = tar([
            { path: "first", content: text("1") },
            { path: "a", content: text("2") },
          ]);
          const at = bytes.length - 1_024 - 1_024;
          bytes[at + 156] = "2".charCodeAt(0);
          const sum = bytes.subarray(at, at + 512).reduce((all, byte, i) => all + (i >= 148 && i < 156 ? 32 : byte), 0);
          bytes.write(`${sum.toString(8).padStart(6, "0")}\0 `, at + 148, "latin1");
          return encryptToFile(recipient, [bytes], file);
        },
        InvalidBundleError,
      ],
    ];
    for (const [what, make, error] of cases) {
      it(what, async () => {
        await inFolder(async (folder) => {
          const key = await newAgeKey();
          const [file, unpacked] = [path.join(folder, "bundle.age"), path.join(folder, "unpacked")];
          await make(file, key.recipient);
          await expect(unpackBundle(file, key.identity, unpacked, MIB)).to.be.rejectedWith(error);
          expect(await readdir(folder)).to.deep.equal(["bundle.age"]);
        });
      });
    }

    it("one for which there is a folder already, whose files stay", async () => {
      await inFolder(async (folder) => {
        const { key } = await sealBundle(JOB_OF_TESTS, [], path.join(folder, "bundle.age"));
        await mkdir(path.join(folder, "there"));
        await writeFile(path.join(folder, "there/mine"), "");
        const again = unpackBundle(path.join(folder, "bundle.age"), key.identity, path.join(folder, "there"), MIB);
        await expect(again).to.be.rejectedWith("EEXIST");
        expect(await readdir(path.join(folder, "there"))).to.deep.equal(["mine"]);
      });
    });
  });

  it("take the files of a folder by their paths, and refuse a link instead of following it", async () => {
    await inFolder(async (folder) => {
      await mkdir(path.join(folder, "b/c"), { recursive: true });
      await writeFile(path.join(folder, "b/c/2"), "two");
      await writeFile(path.join(folder, "a"), "one");
      expect(await readFolder(folder)).to.deep.equal([
        { path: "a", content: Buffer.from("one") },
        { path: "b/c/2", content: Buffer.from("two") },
      ]);
      await symlink("/etc/passwd", path.join(folder, "b/link"));
      await expect(readFolder(folder)).to.be.rejectedWith(UnsendableFileError, "b/link is neither a file nor a folder");
    });
  });
});

describe("Results", () => {
  it("are bundles of the same job, which only the renter of the job can open", async () => {
    await inFolder(async (folder) => {
      const renter = await newAgeKey();
      const job = { ...JOB_OF_TESTS, resultTo: renter.recipient };
      const file = path.join(folder, "result.age");
      await sealResult(job, [{ path: "log.txt", content: text("done") }], file);
      expect(await unpackBundle(file, renter.identity, path.join(folder, "result"), MIB)).to.deep.equal(job);
      expect(await readFile(path.join(folder, "result/log.txt"), "utf8")).to.equal("done");
      const { identity } = await newAgeKey();
      await expect(unpackBundle(file, identity, path.join(folder, "other"), MIB)).to.be.rejectedWith(
        UndecipherableError,
      );
    });
  });
});

describe("Grants", () => {
  const domain = jobDomain(31_337n, JOB_OF_TESTS.escrow);
  const holder = new Wallet(id("holder"));
  const noContract = async () => false;

  it("carry the key of a job to one reader", async () => {
    const [job, node] = [await newAgeKey(), await newAgeKey()];
    const grant = await makeGrant(holder, domain, 5n, node.recipient, job.identity);
    await checkGrant(grant, domain, { reader: node.recipient, holder: holder.address, isSignedByContract: noContract });
    expect(await openGrant(grant, node.identity)).to.equal(job.identity);
    await expect(openGrant(grant, job.identity)).to.be.rejectedWith(UndecipherableError, "The grant of order 5");
  });

  it("for somebody else are refused by the reader's name", async () => {
    const [job, node, other] = [await newAgeKey(), await newAgeKey(), await newAgeKey()];
    const grant = await makeGrant(holder, domain, 5n, node.recipient, job.identity);
    const check = checkGrant(grant, domain, {
      reader: other.recipient,
      holder: holder.address,
      isSignedByContract: noContract,
    });
    await expect(check).to.be.rejectedWith(GrantRefusedError, `is for ${node.recipient}, expected ${other.recipient}`);
  });

  it("are taken from a holder that is a contract, by its own word", async () => {
    const [job, node] = [await newAgeKey(), await newAgeKey()];
    const wallet = await ethers.deployContract("SignerWallet", [holder.address]);
    const isSignedByContract = async (account: string, digest: string, signature: string) =>
      (await wallet.attach(account).getFunction("isValidSignature")(digest, signature)) === "0x1626ba7e";
    const terms = { reader: node.recipient, holder: await wallet.getAddress(), isSignedByContract };
    await checkGrant(await makeGrant(holder, domain, 5n, node.recipient, job.identity), domain, terms);
    const stolen = await makeGrant(new Wallet(id("thief")), domain, 5n, node.recipient, job.identity);
    await expect(checkGrant(stolen, domain, terms)).to.be.rejectedWith(GrantRefusedError, "is not signed by");
  });

  it("by somebody else than the holder are refused", async () => {
    const [job, node] = [await newAgeKey(), await newAgeKey()];
    const grant = await makeGrant(new Wallet(id("thief")), domain, 5n, node.recipient, job.identity);
    const terms = { reader: node.recipient, holder: holder.address, isSignedByContract: noContract };
    const refusal = `is not signed by ${holder.address}, who holds the order`;
    await expect(checkGrant(grant, domain, terms)).to.be.rejectedWith(GrantRefusedError, refusal);
  });

  it("that hold something else than a key are refused", async () => {
    const node = await newAgeKey();
    const grant = await makeGrant(holder, domain, 5n, node.recipient, "hello");
    await expect(openGrant(grant, node.identity)).to.be.rejectedWith(
      GrantRefusedError,
      "what it holds is no age identity",
    );
  });
});
