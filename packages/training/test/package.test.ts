import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect } from "chai";

import { closureOf, nameOf, readLock, ROOT } from "../../../scripts/packing/closure";
import { pack, unpack } from "../../../scripts/packing/pack";

const FOLDER = path.join(ROOT, "packages/training");

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
      const files = await readdir(path.join(directory, "installed/dist"), { recursive: true });
      const sources = await readdir(path.join(FOLDER, "src"));
      const modules = sources.flatMap((file) => [".js", ".d.ts"].map((end) => file.replace(/\.ts$/, end)));
      expect(files).to.have.members([...modules, "kernels.wasm"]);
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});
