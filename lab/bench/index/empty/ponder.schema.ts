export * from "../naive/ponder.schema";
