const { rm } = require("node:fs/promises");

if (process.env.SOLIDITY_COVERAGE !== "true") {
  throw new Error("Use `npm run coverage`: it keeps instrumented contracts apart from what ships");
}

// All that ships is measured, by the compiler pipeline that it ships with (viaIR, optimizer on).
module.exports = {
  skipFiles: ["interfaces", "mocks"],
  istanbulReporter: ["html", "json", "lcovonly", "text"],
  // The instrumentation numbers its marks through all files, so what was compiled in an earlier run cannot be reused.
  onPreCompile: () => rm("cache/coverage", { recursive: true, force: true }),
};
