export * from "./blobs.js";
export * from "./bulkInsert.js";
export * from "./groupCommit.js";
export * from "./store.js";
