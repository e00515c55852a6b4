export { Batch, BATCH_STEPS } from "./batch.js";
export { ReceiptFiles, ReceiptIndex } from "./files.js";
export { BatchMetrics } from "./metrics.js";
export type { BatchChain, BatchOptions } from "./options.js";
export { Outbox } from "./outbox.js";
export { addBatchRoutes } from "./publication.js";
export { Submitter } from "./submitter.js";
export { BATCH_MIGRATIONS, type BatchTables } from "./tables.js";
export { isIn, Vetoes } from "./vetoes.js";
