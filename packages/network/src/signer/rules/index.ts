export { keysInForce } from "./chain.js";
export { evaluate, type Objection, objectionTo, receiptOf } from "./evaluate.js";
export type * from "./facts.js";
export { compareRanks } from "./rate.js";
