export * from "./config.js";
export * from "./document.js";
export * from "./run.js";
export * from "./uploads.js";
