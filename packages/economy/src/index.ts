export * from "./curve.js";
export * from "./ledger.js";
export * from "./pool.js";
export * from "./random.js";
