export * from "./outbox.js";
export * from "./submitting.js";
