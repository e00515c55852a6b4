export { useOf } from "./cgroup.js";
export * from "./containerRunner.js";
export * from "./processRunner.js";
export * from "./runner.js";
export { checkSlots, SlotRefusedError } from "./slots.js";
export { StuckRunError, UnpreparedRunError } from "./supervisedRunner.js";
export * from "./trainingRunner.js";
