import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";

import { expect } from "chai";

const ROOT = path.join(__dirname, "../../..");

/** The most JavaScript, compressed, that the first page may load, in bytes. */
const MOST = 200_000;

/** A file of the build, and the files that it needs before it runs. */
interface Chunk {
  file: string;
  imports?: string[];
  dynamicImports?: string[];
}

type Manifest = Record<string, Chunk>;

function buildPage(): { folder: string; manifest: Manifest } {
  const folder = mkdtempSync(path.join(tmpdir(), "turingfog-size-"));
  const config = path.join(folder, "config.json");
  writeFileSync(config, JSON.stringify({ networks: [] }));
  const { status, stderr } = spawnSync(process.execPath, ["node_modules/vite/bin/vite.js", "build", "apps/web"], {
    cwd: ROOT,
    env: { ...process.env, WEB_CONFIG: config, WEB_OUT: path.join(folder, "page") },
  });
  if (status !== 0) throw new Error(`vite ended with ${status}: ${String(stderr)}`);
  const manifest = JSON.parse(readFileSync(path.join(folder, "page/.vite/manifest.json"), "utf8")) as Manifest;
  return { folder, manifest };
}

/** Returns the chunks that load with one, itself among them. */
function withImports(manifest: Manifest, name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  for (const each of manifest[name].imports ?? []) withImports(manifest, each, found);
  return found;
}

describe("the page's scripts", () => {
  it("are at most 200 kB for the first page, and load wallets and receipts when they are used", () => {
    const { folder, manifest } = buildPage();
    try {
      const first = withImports(manifest, "index.html");
      const sizes = Array.from(first, (name) => {
        return gzipSync(readFileSync(path.join(folder, "page", manifest[name].file))).length;
      });
      expect(sizes.reduce((sum, size) => sum + size, 0)).to.be.below(MOST);
      for (const later of [
        "src/chain/fog.ts",
        "src/wallet/sender.ts",
        "src/wallet/safe.ts",
        "src/receipts.ts",
        "src/export.ts",
        "src/result.ts",
      ]) {
        expect(manifest, later).to.have.property(later);
        expect(first.has(later), later).to.equal(false);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
