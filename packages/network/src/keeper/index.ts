export * from "./config.js";
export * from "./init.js";
export * from "./keeper.js";
export * from "./run.js";
export * from "./settling.js";
export * from "./tables.js";
export * from "./turns.js";
