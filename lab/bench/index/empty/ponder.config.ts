export { default } from "../naive/ponder.config";
