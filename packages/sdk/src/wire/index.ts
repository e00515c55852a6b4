export * from "./oracle.js";
export * from "../receipts.js";
