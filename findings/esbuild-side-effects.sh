#!/usr/bin/env bash
# A package that ships CommonJS and ES modules marks the folder of the latter by a manifest of its own, which says
# "type": "module" and no more. With that manifest, esbuild no longer sees `"sideEffects": false` of the package: it
# keeps modules of which nothing is used. Rollup, Rolldown and webpack read on upwards and drop them, as they and
# esbuild do when the folder has no manifest, or one that repeats "sideEffects".
#
# Versions: esbuild 0.28.2, rollup 4.68.8 with @rollup/plugin-node-resolve 16.0.3, rolldown 1.3.3, webpack 5.113.0.
# Seen on 2026-11-29:
#   no manifest           esbuild drops, rollup drops, rolldown drops, webpack drops
#   type                  esbuild keeps, rollup drops, rolldown drops, webpack drops
#   type and sideEffects  esbuild drops, rollup drops, rolldown drops, webpack drops
# Run with `bash findings/esbuild-side-effects.sh`; it needs npm, and fails if the behaviour changes.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

npm init --yes >/dev/null
npm install --no-audit --no-fund --silent \
  esbuild@0.28.2 rollup@4.68.8 @rollup/plugin-node-resolve@16.0.3 rolldown@1.3.3 webpack@5.113.0

mkdir -p node_modules/library/esm
echo '{ "name": "library", "version": "1.0.0", "sideEffects": false, "exports": { "import": "./esm/index.js" } }' \
  >node_modules/library/package.json
echo 'export const unused = 1; globalThis.isLoaded = true;' >node_modules/library/esm/index.js
echo 'import "library";' >entry.mjs

cat >bundle.mjs <<'EOF'
import { readFileSync } from "node:fs";
import { resolve as absolute } from "node:path";
import { promisify } from "node:util";

import resolve from "@rollup/plugin-node-resolve";
import { build } from "esbuild";
import { rolldown } from "rolldown";
import { rollup } from "rollup";
import webpack from "webpack";

const input = "./entry.mjs";
const quiet = () => undefined;

const esbuilt = await build({ entryPoints: [input], bundle: true, format: "esm", write: false, logLevel: "silent" });
const rolledUp = await (await rollup({ input, plugins: [resolve()], onLog: quiet })).generate({});
const rolledDown = await (await rolldown({ input, logLevel: "silent" })).generate({});
const output = { path: absolute("out"), filename: "webpack.js" };
await promisify(webpack)({ entry: input, mode: "production", output });

const bundles = {
  esbuild: esbuilt.outputFiles[0].text,
  rollup: rolledUp.output[0].code,
  rolldown: rolledDown.output[0].code,
  webpack: readFileSync("out/webpack.js", "utf8"),
};
const verdicts = Object.entries(bundles).map(([name, text]) => `${name} ${text.includes("isLoaded") ? "keeps" : "drops"}`);
console.log(verdicts.join(", "));
EOF

# Compares what the bundlers do under a manifest of the ES modules with what was seen.
check() {
  local title=$1 manifest=$2 expected=$3 seen
  rm -f node_modules/library/esm/package.json
  [ -z "$manifest" ] || echo "$manifest" >node_modules/library/esm/package.json
  seen=$(node bundle.mjs)
  printf '%-20s  %s\n' "$title" "$seen"
  [ "$seen" = "$expected" ] || { echo "expected: $expected" >&2; exit 1; }
}

all_drop="esbuild drops, rollup drops, rolldown drops, webpack drops"
check "no manifest" "" "$all_drop"
check "type" '{ "type": "module" }' "${all_drop/esbuild drops/esbuild keeps}"
check "type and sideEffects" '{ "type": "module", "sideEffects": false }' "$all_drop"
