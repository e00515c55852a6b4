export * from "./chart.js";
export * from "./means.js";
export * from "./measurements.js";
export * from "./rating.js";
export * from "./report.js";
export * from "./table.js";
