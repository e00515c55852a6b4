export * from "./lib/actions.js";
export * from "./lib/command.js";
export * from "./lib/deployed.js";
export * from "./lib/probe.js";
export * from "./turingfog.js";
