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

// All that ships is measured, by the compiler pipeline that it ships with (viaIR, optimizer on).
module.exports = {
  skipFiles: ["interfaces", "mocks"],
  istanbulReporter: ["html", "json", "lcovonly", "text"],
  // The instrumentation numbers its marks through all files, so what was compiled in an earlier run cannot be reused.
  onPreCompile: () => rm(OUTPUT, { recursive: true, force: true }),
};
