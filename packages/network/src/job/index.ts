export * from "./age.js";
export * from "./bundle.js";
export * from "./domains.js";
export * from "./grant.js";
export * from "./secretFile.js";
