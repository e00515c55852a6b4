/**
 * The tables of the index. docs/indexing.md says how to read them.
 *
 * Amounts are base units: 18 decimals for TFT and TU, those of the asset for everything else. A unit price is base units
 * of the asset per whole TU, a reference price is TFT (18 decimals) per whole unit of the asset. Times are unix seconds.
 * Addresses and hashes are in lower case. The id of a row that one event makes is the event's place in the chain, so that
 * ids sort as the events do.
 */
export * from "./schema/buyback";
export * from "./schema/events";
export * from "./schema/governance";
export * from "./schema/nodes";
export * from "./schema/oracle";
export * from "./schema/orders";
export * from "./schema/tft";
export * from "./schema/views";
