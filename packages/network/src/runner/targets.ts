import { ContainerTarget } from "./containerTarget.js";
import { ProcessTarget } from "./processTarget.js";
import type { RunPlan } from "./runFiles.js";
import type { Target } from "./target.js";

/** @param folder the run's */
export function targetOf(plan: RunPlan, folder: string): Target {
  return plan.kind === "process" ? new ProcessTarget(plan, folder) : new ContainerTarget(plan);
}
