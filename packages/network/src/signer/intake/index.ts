export * from "./intake.js";
export * from "./meterVerifier.js";
export * from "./nodeDocuments.js";
export * from "./readingLog.js";
export * from "./routes.js";
export * from "./tables.js";
