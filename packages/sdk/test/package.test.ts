import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";
import { artifacts } from "hardhat";

const run = promisify(execFile);
const ROOT = path.join(__dirname, "../../..");

/** What a consumer writes, in a module of its own. */
const CONSUMER = `
import { JsonRpcProvider } from "ethers";
import { phase, TuringFog, type Phase } from "turingfog";
import { TFT__factory } from "turingfog/typechain-types";

const provider = new JsonRpcProvider("http://127.0.0.1:1", 1, { staticNetwork: true });
const first: Phase = phase(0n);
const { tft }: TuringFog = new TuringFog(
  Object.fromEntries(
    ["tft", "vault", "controller", "pool", "oracle", "registry", "escrow"].map((name) => [name, "0x" + "11".repeat(20)]),
  ) as never,
  provider,
);
const same: boolean = tft.interface.format().join() === TFT__factory.createInterface().format().join();
console.log(JSON.stringify({ first, same }));
TuringFog.at("nowhere", provider).catch((error: Error) => console.log(error.name));
provider.destroy();
`;

/** The files that \`npm pack\` puts into the package, after what it has built. */
async function packedFiles(): Promise<string[]> {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--foreground-scripts=false"], {
    cwd: ROOT,
    maxBuffer: 2 ** 24,
  });
  const [{ files }] = JSON.parse(stdout.slice(stdout.indexOf("[\n"))) as [{ files: { path: string }[] }];
  return files.map((file) => file.path);
}

/** A consumer with the package installed, its dependencies linked. */
async function install(files: string[]): Promise<string> {
  const consumer = await mkdtemp(path.join(tmpdir(), "turingfog-consumer-"));
  const modules = path.join(consumer, "node_modules");
  for (const file of files) {
    const to = path.join(modules, "turingfog", file);
    await mkdir(path.dirname(to), { recursive: true });
    await cp(path.join(ROOT, file), to);
  }
  for (const name of ["ethers", "@openzeppelin", "@prb", "@types"]) {
    await symlink(path.join(ROOT, "node_modules", name), path.join(modules, name));
  }
  return consumer;
}

describe("the npm package", () => {
  it("has the library, the ABIs and the contracts, works for a consumer with types, and has nothing else", async () => {
    const files = await packedFiles();
    const consumer = await install(files);

    const folders = new Set(files.filter((file) => file.includes("/")).map((file) => file.split("/")[0]));
    expect([...folders].sort()).to.deep.equal(["contracts", "dist"]);
    expect(
      files.filter((file) => /mocks|test|\.env|keystore/i.test(file) && !file.includes("typechain")),
    ).to.deep.equal([]);

    await writeFile(path.join(consumer, "package.json"), JSON.stringify({ type: "module" }));
    await writeFile(path.join(consumer, "main.ts"), CONSUMER);
    const options = [
      "--module",
      "esnext",
      "--moduleResolution",
      "bundler",
      "--target",
      "es2022",
      "--strict",
      "--skipLibCheck",
      "main.ts",
    ];
    await run(process.execPath, [path.join(ROOT, "node_modules/typescript/bin/tsc"), ...options], { cwd: consumer });
    const { stdout } = await run(process.execPath, ["main.js"], { cwd: consumer });
    expect(stdout.trim().split("\n")).to.deep.equal(['{"first":0,"same":true}', "NotDeployedError"]);

    const abi = await readFile(path.join(consumer, "node_modules/turingfog/dist/abi/ComputeEscrow.json"), "utf8");
    expect(JSON.parse(abi)).to.deep.equal((await artifacts.readArtifact("ComputeEscrow")).abi);
  });
});
