export * from "./client.js";
export * from "./config.js";
export * from "./init.js";
export * from "./money.js";

export * from "./report.js";
export * from "./run.js";
export { paymentRefOf } from "./sessions.js";
export type { SessionRow, SessionState } from "./tables.js";
