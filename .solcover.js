// Everything that ships is measured as it ships: the same compiler pipeline (viaIR) with the optimizer on.
module.exports = {
  skipFiles: ["interfaces", "mocks"],
  istanbulReporter: ["html", "json", "lcovonly", "text"],
};
