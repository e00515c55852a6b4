export * from "./age.js";
export * from "./bundle.js";
export * from "./grant.js";
