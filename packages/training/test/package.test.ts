import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect } from "chai";

import { closureOf, nameOf, readLock, ROOT } from "../../../scripts/packing/closure";
import { pack, unpack } from "../../../scripts/packing/pack";

const FOLDER = path.join(ROOT, "packages/training");

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.relative(folder, path.join(parentPath, name)));
}

describe("the npm package of the trainer", () => {
  it("brings no compiler, no other trainer and no knowledge of a chain's state", async () => {
    const names = closureOf(await readLock(), "packages/training").map(nameOf);
    expect(names).to.include("ethers");
    expect(
      names.filter((name) => /assemblyscript|binaryen|mnist|hardhat|tensorflow|onnx|operator/.test(name)),
    ).to.deep.equal([]);
  });

  it("is compiled modules and the compiled kernels", async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "turingfog-packed-"));
    try {
      const [{ filename }] = await pack([FOLDER], directory);
      await unpack(path.join(directory, filename), path.join(directory, "installed"));
      const files = await filesIn(path.join(directory, "installed/dist"));
      const sources = await filesIn(path.join(FOLDER, "src"));
      const modules = sources.flatMap((file) => [".js", ".d.ts"].map((end) => file.replace(/\.ts$/, end)));
      expect(files).to.have.members([...modules, "kernels.wasm"]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
