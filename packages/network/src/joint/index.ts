export * from "./job.js";
export * from "./jointRun.js";
export * from "./runBook.js";
export * from "./trainerThread.js";
export * from "./workers.js";
export * from "./claimPoster.js";
export * from "./routes.js";
