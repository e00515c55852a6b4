export * from "./actions.js";
export * from "./changes.js";
export * from "./guardian.js";
export * from "./roles.js";
export * from "./timelock.js";
