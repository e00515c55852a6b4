export * from "./auditor.js";
export * from "./claims.js";
export * from "./jobs.js";
export * from "./limits.js";
export * from "./open.js";
export * from "./routes.js";
export * from "./source.js";
export * from "./tables.js";
