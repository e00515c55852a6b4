import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { buildSync } from "esbuild";

const SOURCE = path.join(__dirname, "../../../apps/web/src");

/** Loads a module of the page, which is built for browsers. */
export async function load<T>(source: string): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), "turingfog-built-"));
  try {
    const outfile = path.join(folder, "built.cjs");
    const entryPoints = [path.join(SOURCE, source)];
    buildSync({ entryPoints, outfile, bundle: true, format: "cjs", platform: "node", logLevel: "error" });
    return (await import(outfile)) as T;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
