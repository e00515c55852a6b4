export * from "./acknowledgement.js";
export * from "./oracle.js";
export * from "../receipts/index.js";
