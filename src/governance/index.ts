export * from "./actions";
export * from "./changes";
export * from "./contracts";
export * from "./guardian";
export * from "./timelock";
