export * from "./challenges/index.js";
export * from "./draws.js";
export * from "./rules/index.js";
