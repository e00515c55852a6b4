import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { expect } from "chai";

import { closureOf, nameOf, readLock, ROOT } from "../../../scripts/packing/closure";
import { pack, unpack } from "../../../scripts/packing/pack";

/** What each package consists of. */
const PACKED = {
  operator: /^(package\.json|artifacts\/build\.json|dist\/.*\.(js|d\.ts))$/,
  economy: /^(package\.json|dist\/.*\.(js|d\.ts))$/,
  network: /^(package\.json|dist\/.*\.(js|d\.ts))$/,
  cli: /^(package\.json|bin\/turingfog\.js|dist\/.*\.(js|d\.ts))$/,
} as const;

/** Returns the paths of all files that npm packs of a package. */
async function packedFiles(name: string): Promise<string[]> {
  const directory = await mkdtemp(path.join(tmpdir(), "turingfog-packed-"));
  try {
    const [{ filename }] = await pack([path.join(ROOT, "packages", name)], directory);
    const installed = path.join(directory, "installed");
    await unpack(path.join(directory, filename), installed);
    const found = await readdir(installed, { recursive: true, withFileTypes: true });
    return found
      .filter((each) => each.isFile())
      .map((each) => path.relative(installed, path.join(each.parentPath, each.name)));
  } finally {
    await rm(directory, { recursive: true });
  }
}

describe("the npm packages of those who run the protocol", () => {
  for (const name of ["operator", "economy", "network", "cli"] as const) {
    it(`bring neither forge nor Hardhat nor a compiler, as ${name}`, async () => {
      const names = closureOf(await readLock(), `packages/${name}`).map(nameOf);
      expect(names).to.include("ethers");
      expect(names.filter((each) => /hardhat|nomicfoundation|foundry|forge|solc/.test(each))).to.deep.equal([]);
    });

    it(`are compiled modules and what they run on, and have no address book, as ${name}`, async () => {
      const files = await packedFiles(name);
      expect(files).to.include.members(["package.json", "dist/index.js"]);
      expect(files.filter((file) => !PACKED[name].test(file))).to.deep.equal([]);
      const sources = await readdir(path.join(ROOT, "packages", name, "src"), { recursive: true });
      const modules = sources.filter((file) => file.endsWith(".ts")).map((file) => `dist/${file.replace(/ts$/, "js")}`);
      expect(files.filter((file) => /^dist\/.*\.js$/.test(file))).to.have.members(modules);
    });
  }
});
