export * from "./budget.js";
export * from "./client.js";
export * from "./errors.js";
export * from "./link.js";
export * from "./nonces.js";
export * from "./server.js";
export * from "./stranger.js";
