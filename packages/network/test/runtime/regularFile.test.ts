import { execFileSync } from "node:child_process";
import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import path from "node:path";

import { IrregularFileError, readFolder, readRegular, readTail } from "@turingfog/network";
import { expect } from "chai";

import { inFolder } from "../helpers/folders";

/** A folder in which a stranger writes, beside a key. */
async function withOutput(test: (output: string) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    await mkdir(path.join(folder, "keys"));
    await writeFile(path.join(folder, "keys/meter.key"), "secret");
    await mkdir(path.join(folder, "output"));
    await test(path.join(folder, "output"));
  });
}

describe("readRegular", () => {
  it("reads a file up to its limit, and its end", async () => {
    await withOutput(async (output) => {
      await mkdir(path.join(output, "sub"));
      await writeFile(path.join(output, "sub/a"), "0123456789");
      expect(String(await readRegular(output, "sub/a", 10))).to.equal("0123456789");
      await expect(readRegular(output, "sub/a", 9)).to.be.rejectedWith(IrregularFileError, "has 10 bytes, at most 9");
      expect(String(await readTail(output, "sub/a", 3))).to.equal("789");
    });
  });

  it("follows no link, though it took the place of a file or of a folder on the way", async () => {
    await withOutput(async (output) => {
      await symlink("../keys/meter.key", path.join(output, "a"));
      await expect(readRegular(output, "a", 100)).to.be.rejectedWith(IrregularFileError, "is a link");
      await mkdir(path.join(output, "sub"));
      await rename(path.join(output, "sub"), path.join(output, "before"));
      await symlink("../keys", path.join(output, "sub"));
      const swapped = readRegular(output, "sub/meter.key", 100);
      await expect(swapped).to.be.rejectedWith(IrregularFileError, "is in another folder by now");
    });
  });

  it("does not wait for who would write to a pipe", async () => {
    await withOutput(async (output) => {
      execFileSync("mkfifo", [path.join(output, "a")]);
      await expect(readRegular(output, "a", 100)).to.be.rejectedWith(IrregularFileError, "is neither a file");
    });
  });
});

describe("readFolder", () => {
  it("refuses files that have more bytes together than it is told", async () => {
    await withOutput(async (output) => {
      for (const name of ["a", "b"]) await writeFile(path.join(output, name), "12345");
      expect(await readFolder(output, 10)).to.have.length(2);
      await expect(readFolder(output, 9)).to.be.rejectedWith(IrregularFileError, "b has 5 bytes, at most 4");
    });
  });
});
