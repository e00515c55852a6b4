export { step } from "./runtime/step.js";
