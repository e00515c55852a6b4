export * from "./blobs.js";
export * from "./groupCommit.js";
export * from "./store.js";
