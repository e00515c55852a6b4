export * from "./acknowledging.js";
export * from "./nodeClient.js";
export * from "./nodeDocument.js";
export * from "./offering.js";
export * from "./rental.js";
export * from "./results.js";
export * from "./signerClient.js";
export * from "./signerGrants.js";
