export * from "./chain/index.js";
export * from "./http/index.js";
export * from "./job/index.js";
export * from "./runner/index.js";
export * from "./runtime/index.js";
export * from "./signer/index.js";
export * from "./store/index.js";
