export * from "./clock.js";
export * from "./config.js";
export * from "./disk.js";
export * from "./health.js";
export * from "./keys.js";
export * from "./monitor.js";
export * from "./role.js";
export * from "./step.js";
