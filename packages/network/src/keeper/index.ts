export * from "./config.js";
export * from "./init.js";
export * from "./keeper.js";
export * from "./outbox.js";
export * from "./run.js";
export * from "./settling.js";
export * from "./turns.js";
