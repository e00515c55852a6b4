const { rm } = require("node:fs/promises");
const Module = require("node:module");
const path = require("node:path");

const DataCollector = require("solidity-coverage/lib/collector");

if (process.env.SOLIDITY_COVERAGE !== "true") {
  throw new Error("Use `npm run coverage`: it keeps instrumented contracts apart from what ships");
}

const OUTPUT = path.resolve("cache/coverage");

// Marks of eight bytes come from the trace as numbers, with viaIR some of them shifted to the upper end of a word; the
// collector restores at most one leading zero of those, so that one mark in 256 is never seen, other ones in each folder
// (https://github.com/sc-forks/solidity-coverage/pull/854).
DataCollector.prototype._normalizeHash = (number) => {
  const digits = number.slice(2);
  return `0x${digits.length > 16 ? digits.padStart(64, "0").slice(0, 16) : digits.padStart(16, "0")}`;
};

// The bindings carry bytecode, so what the tests import has to be the bindings of the instrumented contracts.
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = (request, ...rest) =>
  resolveFilename(request.replace(/^(\.\.\/)+typechain-types/, path.join(OUTPUT, "typechain-types")), ...rest);

module.exports = {
  // All that ships is measured.
  skipFiles: ["interfaces", "mocks"],
  istanbulReporter: ["html", "json", "lcovonly", "text"],
  // The instrumentation numbers its marks through all files, so what was compiled in an earlier run cannot be reused.
  onPreCompile: () => rm(OUTPUT, { recursive: true, force: true }),
};
