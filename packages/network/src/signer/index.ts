export * from "./batch/index.js";
export * from "./catchUp.js";
export * from "./challenges/index.js";
export * from "./draws.js";
export * from "./intake/index.js";
export * from "./rules/index.js";
export * from "./signerDocuments.js";
