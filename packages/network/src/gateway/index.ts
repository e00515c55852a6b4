export * from "./client.js";
export * from "./config.js";
export * from "./init.js";
export * from "./money.js";

export * from "./report.js";
export * from "./run.js";
export { paymentRefOf, SessionChangedError, Sessions } from "./sessions.js";
export { GATEWAY_MIGRATIONS, type GatewayTables, type SessionRow, type SessionState } from "./tables.js";
