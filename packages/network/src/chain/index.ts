export * from "./chainFacts.js";
export * from "./connection.js";
export type { Attestation, NodeFacts, OrderFacts, RootFacts, RootState, SignerSet } from "./facts.js";
export { mayWorkOn } from "./facts.js";
