export * from "./processRunner.js";
export * from "./runner.js";
