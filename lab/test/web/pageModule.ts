import { createRequire } from "node:module";
import path from "node:path";
import { compileFunction } from "node:vm";

import { buildSync } from "esbuild";

const PAGE = path.join(__dirname, "../../../apps/web/src");

/** Loads a module of the page, which is built for browsers, by its place below the page's sources. */
export function pageModule<T>(name: string): T {
  const entryPoints = [path.join(PAGE, name)];
  const built = buildSync({
    ...{ entryPoints, bundle: true, write: false, format: "cjs", platform: "node", packages: "external" },
    logLevel: "error",
  });
  const module = { exports: {} };
  const run = compileFunction(built.outputFiles[0].text, ["require", "module", "exports"], {
    filename: entryPoints[0],
  });
  (run as (...given: unknown[]) => void)(createRequire(__filename), module, module.exports);
  return module.exports as T;
}
