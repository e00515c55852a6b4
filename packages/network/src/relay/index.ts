export * from "./config.js";
export * from "./init.js";
export * from "./members.js";
export * from "./protocol.js";
export * from "./relayServer.js";
export * from "./run.js";
export * from "./tables.js";
export * from "./tunnels.js";
