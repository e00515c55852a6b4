import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { builtinModules } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

import { expect } from "chai";
import { build, type BuildResult } from "esbuild";

import { closureOf, nameOf, readLock, ROOT } from "../../../scripts/packing/closure";
import { measureDownload } from "../../../scripts/packing/download";
import { copyAddressBooks, removeOrphans } from "../../../scripts/packing/outputs";
import { pack, unpack } from "../../../scripts/packing/pack";

const run = promisify(execFile);
const SDK = path.join(ROOT, "packages/sdk");
const SUBPATHS = ["@turingfog/sdk", "@turingfog/sdk/wire", "@turingfog/sdk/ethers"];

const MAX_BUNDLE = 20_000;
const MAX_DOWNLOAD = 5_000_000;

/** Longer than a hash, a signature or a topic, shorter than the code of any contract. */
const LONG_HEX = /[0-9a-f]{200}/i;

/** Uses each subpath that browsers have; a type that is not known fails to be an error. */
const PAGE = `
import { CHAINS, OutOfRangeError, priceAt, RootStatus, split, type Split } from "@turingfog/sdk";
import { structHash, type Signature } from "@turingfog/sdk/wire";
import { TFT__factory, TuringFog, type Addresses } from "@turingfog/sdk/ethers";

const parts: Split = split(10n, 0n);
const signature: Signature = { signer: "0x", signature: "0x" };
const addresses: Pick<Addresses, "chainId"> = { chainId: CHAINS.sepolia.chainId as number };
const client: typeof TuringFog = TuringFog;

// @ts-expect-error an amount is a bigint
export const refused = () => priceAt(1, 0n, 1n);
// @ts-expect-error a message has all of its fields
export const lacking = () => structHash("NodeAttestation", { nodeId: 1n });
// @ts-expect-error the contract has no such function
export const unknown = (token: ReturnType<typeof TFT__factory.connect>) => token.mint;

const hasError = new OutOfRangeError("n", 2n, 0n, 1n) instanceof Error;
const seen = [parts.b1, priceAt(10n ** 18n, 0n, 1n), RootStatus.Final, addresses.chainId, typeof structHash];
const clients = [typeof client, TFT__factory.createInterface().getFunction("transfer").selector];
const result = [...seen, ...clients, hasError, Object.keys(signature).length].join(" ");
`;

/** The same with ./node. */
const PROGRAM = `${PAGE}
import { NotDeployedError, readAddresses } from "@turingfog/sdk/node";

readAddresses("sepolia", "nowhere").catch((error: NotDeployedError) => console.log(result, error.chain));
`;

const RESULT = "10 8192000000000000000000 2 11155111 function function 0xa9059cbb true 2";

const CONSUMERS = [
  { kind: "an ES module under nodenext", type: "module", options: ["--module", "nodenext"] },
  { kind: "a CommonJS module under nodenext", type: "commonjs", options: ["--module", "nodenext"] },
  {
    kind: "an ES module under bundler",
    type: "module",
    options: ["--module", "esnext", "--moduleResolution", "bundler"],
  },
  {
    kind: "a CommonJS module under node10",
    type: "commonjs",
    options: ["--module", "commonjs", "--moduleResolution", "node10"],
  },
];

const BOOKS = { "sepolia.json": 11_155_111, "localhost.json": 31_337, "hardhat.json": 31_337, "fork.json": 1 };

/** A book as it was committed, which a later trial on the same chain has overwritten. */
const COMMITTED = '{"chainId":11155111}';

/** Writes files to a folder and commits them in a repository of its own. */
async function commitBooks(folder: string, files: Record<string, string>): Promise<void> {
  await mkdir(folder);
  for (const [file, text] of Object.entries(files)) await writeFile(path.join(folder, file), text);
  const identity = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"];
  for (const args of [
    ["init", "--quiet"],
    ["add", "--all"],
    ["commit", "--quiet", "--message", "Add books"],
  ])
    await run("git", [...identity, ...args], { cwd: folder });
}

/** Address books as a maintainer's checkout may have them, committed or not, and a journal of what was sent. */
async function writeBooks(folder: string): Promise<string> {
  const books = Object.entries(BOOKS).map(([file, chainId]) => [file, `{"chainId":${chainId}}`] as const);
  await commitBooks(folder, Object.fromEntries([...books, ["sepolia.sent.json", "{}"]]));

  await writeFile(path.join(folder, "sepolia.json"), '{"chainId":11155111,"trial":true}');
  await writeFile(path.join(folder, "base.json"), '{"chainId":8453}');
  await writeFile(path.join(folder, "optimism.json"), '{"chainId":10}');
  await run("git", ["add", "optimism.json"], { cwd: folder });
  return folder;
}

/** The SDK as it is published, in a folder of its own. */
class Package {
  private constructor(
    readonly directory: string,
    /** Its files, with their text. */
    readonly files: ReadonlyMap<string, string>,
  ) {}

  /** Packs the built SDK with address books beside it, and installs it with links to what it depends on. */
  static async install(): Promise<Package> {
    const directory = await mkdtemp(path.join(tmpdir(), "turingfog-package-"));
    const workspace = path.join(directory, "workspace");
    await cp(SDK, workspace, { recursive: true });
    await copyAddressBooks(await writeBooks(path.join(directory, "books")), path.join(workspace, "dist/deployments"));
    const [{ filename }] = await pack([workspace], directory);

    const modules = path.join(directory, "node_modules");
    const installed = path.join(modules, "@turingfog/sdk");
    await unpack(path.join(directory, filename), installed);
    const [, ...closure] = closureOf(await readLock(), "packages/sdk");
    // Nearest first: of several versions, the one that the SDK or what is closest to it depends on.
    const linked = new Map([...closure].reverse().map((folder) => [nameOf(folder), folder]));
    for (const [name, folder] of linked) {
      await mkdir(path.dirname(path.join(modules, name)), { recursive: true });
      await symlink(path.join(ROOT, folder), path.join(modules, name));
    }

    const found = await readdir(installed, { recursive: true, withFileTypes: true });
    const names = found.filter((each) => each.isFile()).map(({ parentPath, name }) => path.join(parentPath, name));
    const texts = names.map(async (file) => [path.relative(installed, file), await readFile(file, "utf8")] as const);
    return new Package(directory, new Map(await Promise.all(texts)));
  }

  get manifest() {
    return JSON.parse(this.files.get("package.json") as string) as { dependencies: Record<string, string> };
  }

  get installed(): string {
    return path.join(this.directory, "node_modules/@turingfog/sdk");
  }

  /** Writes a consumer beside the package. */
  async consumer(name: string, files: Record<string, string>): Promise<string> {
    const folder = path.join(this.directory, name);
    await mkdir(folder);
    for (const [file, text] of Object.entries(files)) await writeFile(path.join(folder, file), text);
    return folder;
  }

  /** Bundles a module for browsers. */
  bundle(contents: string): Promise<BuildResult<{ write: false; metafile: true }>> {
    return build({
      stdin: { contents, resolveDir: this.directory },
      bundle: true,
      minify: true,
      platform: "browser",
      format: "esm",
      write: false,
      metafile: true,
      logLevel: "silent",
    });
  }

  remove(): Promise<void> {
    return rm(this.directory, { recursive: true });
  }
}

/** Runs a command of an installed package, and returns what it prints; its output is in the error if it fails. */
async function runTool(file: string, args: string[], cwd: string): Promise<string> {
  const running = run(process.execPath, [path.join(ROOT, "node_modules", file), ...args], { cwd });
  const { stdout } = await running.catch((error: { stdout: string; stderr: string }) => {
    throw new Error(error.stdout + error.stderr);
  });
  return stdout;
}

/** Type-checks a consumer with all declarations that it loads, and compiles it. */
function compile(folder: string, options: string[]): Promise<string> {
  const always = ["--target", "es2022", "--strict", "--pretty", "false"];
  return runTool("typescript/bin/tsc", [...always, ...options, "main.ts"], folder);
}

/** Packages that a module of the SDK imports, loads or refers to for types. */
function packagesOf(text: string): string[] {
  const named = /(?:\bfrom |\bimport |\bimport\(|\brequire\(|\breference types=)["']([^"'.][^"']*)["']/g;
  const specifiers = Array.from(text.matchAll(named), ([, specifier]) => specifier);
  return specifiers.map((specifier) => /^(?:@[^/]+\/)?[^/]+/.exec(specifier)?.[0] as string);
}

const isBuiltin = (name: string): boolean => name.startsWith("node:") || builtinModules.includes(name);

describe("the npm package of the SDK", () => {
  const made: { sdk?: Package } = {};
  const sdk = () => made.sdk as Package;

  before(async () => {
    made.sdk = await Package.install();
  });
  after(async () => made.sdk?.remove());

  describe("its files", () => {
    it("are compiled modules, declarations, address books, the manifest and the licence, and nothing else", () => {
      const others = [...sdk().files.keys()].filter((file) => !/^dist\/(cjs|esm)\/.*\.(js|d\.ts)$/.test(file));
      expect(others.sort()).to.deep.equal([
        "LICENSE",
        "dist/deployments/sepolia.json",
        "dist/esm/package.json",
        "package.json",
      ]);
    });

    it("have the committed address books of public chains, as they were committed, and none of local ones", () => {
      const books = [...sdk().files].filter(([file]) => file.startsWith("dist/deployments/"));
      expect(books).to.deep.equal([["dist/deployments/sepolia.json", COMMITTED]]);
    });

    it("have no bytecode", () => {
      const withCode = Array.from(sdk().files, ([file, text]) => ({ file, isCode: LONG_HEX.test(text), text }))
        .filter(({ isCode, text }) => isCode || /bytecode/i.test(text))
        .map(({ file }) => file);
      expect(withCode).to.deep.equal([]);
    });

    it("have the repository's licence", async () => {
      expect(sdk().files.get("LICENSE")).to.equal(await readFile(path.join(ROOT, "LICENSE"), "utf8"));
    });

    it("import what the manifest depends on, all of it, and builtin modules of Node in ./node alone", () => {
      const imported = Array.from(sdk().files, ([file, text]) => ({ file, packages: packagesOf(text) }));
      const names = new Set(imported.flatMap(({ packages }) => packages).filter((name) => !isBuiltin(name)));
      expect([...names].sort()).to.deep.equal(Object.keys(sdk().manifest.dependencies).sort());

      const withBuiltins = imported.filter(({ packages }) => packages.some(isBuiltin)).map(({ file }) => file);
      expect(withBuiltins).to.include("dist/esm/node/files.js");
      expect(withBuiltins.filter((file) => !/^dist\/(cjs|esm)\/node\//.test(file))).to.deep.equal([]);
    });

    it("are where the manifest says, in the format that it says", async () => {
      await runTool("publint/src/cli.js", ["run", sdk().installed, "--pack", "false", "--strict"], ROOT);
    });
  });

  describe("for a consumer", () => {
    for (const { kind, type, options } of CONSUMERS) {
      it(`has the right types, and runs, in ${kind}`, async () => {
        const manifest = JSON.stringify({ type });
        const folder = await sdk().consumer(kind, { "package.json": manifest, "main.ts": PROGRAM });
        await compile(folder, [...options, "--lib", "es2022"]);
        const { stdout } = await run(process.execPath, ["main.js"], { cwd: folder });
        expect(stdout.trim()).to.equal(`${RESULT} sepolia`);
      });
    }

    it("has the right types, and runs, in a page that Vite builds", async () => {
      const folder = await sdk().consumer("page", {
        "package.json": '{ "type": "module" }',
        "index.html": '<!doctype html><title>page</title><script type="module" src="/main.ts"></script>',
        "main.ts": `${PAGE}\ndocument.title = result;\n`,
      });
      const options = ["--module", "esnext", "--moduleResolution", "bundler", "--lib", "es2022,dom", "--noEmit"];
      await compile(folder, options);
      await runTool("vite/bin/vite.js", ["build", "--logLevel", "warn"], folder);

      const assets = await readdir(path.join(folder, "dist/assets"));
      expect(assets).to.have.length(1);
      // The page's module as a browser runs it, but for the document.
      const script = `globalThis.document = { createElement: () => ({ relList: { supports: () => true } }) };
        await import("./dist/assets/${assets[0]}");
        console.log(document.title);`;
      const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script], { cwd: folder });
      expect(stdout.trim()).to.equal(RESULT);
    });
  });

  describe("in a bundle for browsers", () => {
    for (const subpath of SUBPATHS) {
      it(`is bundled from ${subpath} without an error or a warning`, async () => {
        const { errors, warnings } = await sdk().bundle(`export * from "${subpath}"`);
        expect([...errors, ...warnings]).to.deep.equal([]);
      });
    }

    it("takes at most 20 kB, minified, for split and priceAt alone", async () => {
      const { outputFiles } = await sdk().bundle('export { priceAt, split } from "@turingfog/sdk"');
      expect(outputFiles[0].contents.length).to.be.within(1_000, MAX_BUNDLE);
    });

    it("leaves nothing if nothing of it is used", async () => {
      const { outputFiles } = await sdk().bundle(SUBPATHS.map((subpath) => `import "${subpath}";`).join("\n"));
      expect(outputFiles[0].text.trim()).to.equal("");
    });
  });

  describe("installed by npm", () => {
    it("brings neither forge nor Hardhat nor a compiler", async () => {
      const names = closureOf(await readLock(), "packages/sdk").map(nameOf);
      expect(names).to.include.members(["ethers", "@types/node", "ws"]);
      expect(names.filter((name) => /hardhat|nomicfoundation|foundry|forge|solc/.test(name))).to.deep.equal([]);
    });

    it("takes a download of at most 5 MB with all that it brings", async () => {
      const { size, tarballs } = await measureDownload("packages/sdk");
      expect(tarballs.map(({ name }) => name)).to.include.members(["@turingfog/sdk", "ethers", "@types/node"]);
      expect(size, tarballs.map((each) => `${each.size} ${each.name}`).join("\n")).to.be.at.most(MAX_DOWNLOAD);
    });
  });
});

describe("the build of the SDK", () => {
  it("refuses an address book of another chain than its name says", async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "turingfog-books-"));
    const books = path.join(directory, "books");
    await commitBooks(books, { "base.json": '{"chainId":31337}' });
    const copying = copyAddressBooks(books, path.join(directory, "copied"));
    const error = await copying.catch((thrown: Error) => thrown);
    await rm(directory, { recursive: true });
    expect(error)
      .to.be.an("error")
      .with.property("message")
      .that.matches(/base\.json is of chain 31337, expected 8453$/);
  });

  it("takes no address book outside a repository, nor leaves one there that an earlier build took", async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "turingfog-books-"));
    const [books, copied] = ["books", "copied"].map((name) => path.join(directory, name));
    for (const folder of [books, copied]) {
      await mkdir(folder);
      await writeFile(path.join(folder, "base.json"), '{"chainId":8453}');
    }
    await copyAddressBooks(books, copied);
    const left = await readdir(copied);
    await rm(directory, { recursive: true });
    expect(left).to.deep.equal([]);
  });

  it("removes compiled modules whose sources are gone", async () => {
    const directory = await mkdtemp(path.join(tmpdir(), "turingfog-outputs-"));
    const [sources, output] = ["src", "dist"].map((name) => path.join(directory, name));
    await mkdir(path.join(sources, "sub"), { recursive: true });
    await mkdir(path.join(output, "sub"), { recursive: true });
    await writeFile(path.join(sources, "sub/kept.ts"), "");
    for (const file of ["kept.js", "kept.d.ts", "gone.js", "gone.d.ts"])
      await writeFile(path.join(output, "sub", file), "");
    await writeFile(path.join(output, "package.json"), "{}");

    await removeOrphans(sources, output);
    const left = await readdir(output, { recursive: true });
    await rm(directory, { recursive: true });
    expect(left.sort()).to.deep.equal(["package.json", "sub", "sub/kept.d.ts", "sub/kept.js"]);
  });
});
