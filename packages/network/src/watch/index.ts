export * from "./config.js";
export * from "./init.js";
export * from "./pending.js";
export * from "./run.js";
export * from "./tryWebhooks.js";
export { NoGuardianError } from "./vetoes.js";
export type { Look, Looked } from "./watch.js";
