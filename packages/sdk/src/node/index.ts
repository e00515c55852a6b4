export * from "./addresses.js";
export * from "./attestation.js";
export * from "./files.js";
export * from "./log.js";
export * from "./measurements.js";
export * from "./secrets.js";
export * from "./surveyFolder.js";
