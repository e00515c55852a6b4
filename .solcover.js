const { rm } = require("node:fs/promises");
const Module = require("node:module");
const path = require("node:path");

if (process.env.SOLIDITY_COVERAGE !== "true") {
  throw new Error("Use `npm run coverage`: it keeps instrumented contracts apart from what ships");
}

const OUTPUT = path.resolve("cache/coverage");

// The bindings carry bytecode, so what the tests import has to be the bindings of the instrumented contracts.
const resolveFilename = Module._resolveFilename;
Module._resolveFilename = (request, ...rest) =>
  resolveFilename(request.replace(/^(\.\.\/)+typechain-types/, path.join(OUTPUT, "typechain-types")), ...rest);

module.exports = {
  // All that ships is measured.
  skipFiles: ["interfaces", "mocks"],
  // The optimizer at its least: with all its steps it merges some of the marks, and a branch that was taken counts as
  // another. The price is a run that takes several times as long.
  irMinimum: true,
  istanbulReporter: ["html", "json", "lcovonly", "text"],
  // The instrumentation numbers its marks through all files, so what was compiled in an earlier run cannot be reused.
  onPreCompile: () => rm(OUTPUT, { recursive: true, force: true }),
};
