import { Disagreement } from "./run";
import type { Stage } from "./starts";
import { NO_REUSE, type Action, type ModelStep } from "./steps";

/** A sequence at whose last step model and system part. */
export interface Failure {
  steps: ModelStep[];
  disagreement: Disagreement;
}

/**
 * Lives a sequence. Steps are picks from what there is, so that a sequence stays one when some of its steps are left out.
 * @returns where model and system part, without the steps after it; undefined when they agree
 */
export async function fail(stage: Stage, steps: readonly ModelStep[]): Promise<Failure | undefined> {
  try {
    await stage.live(steps);
    return undefined;
  } catch (error) {
    if (!(error instanceof Disagreement)) throw error;
    return { steps: steps.slice(0, error.index + 1), disagreement: error };
  }
}

/**
 * Makes a failing sequence smaller for as long as there is time: leaves out ever shorter stretches of it, and then makes
 * its steps simpler, until nothing can be left out.
 * @param until in milliseconds, as `Date.now()`
 */
export async function shrink(stage: Stage, failure: Failure, until: number): Promise<Failure> {
  let smallest = failure;
  for (let length = smallest.steps.length >> 1; length >= 1; length >>= 1) {
    for (let at = smallest.steps.length - length; at >= 0 && Date.now() < until; at -= length) {
      const { steps } = smallest;
      smallest = (await fail(stage, [...steps.slice(0, at), ...steps.slice(at + length)])) ?? smallest;
    }
  }
  for (let at = 0; at < smallest.steps.length; ++at) {
    for (const simpler of simplerThan(smallest.steps[at])) {
      if (Date.now() >= until) return smallest;
      smallest = (await fail(stage, replaceAt(smallest.steps, at, simpler))) ?? smallest;
    }
  }
  return smallest;
}

/** Steps that do less: at once, with one receipt, for one bucket. */
function simplerThan({ when, action }: ModelStep): ModelStep[] {
  const actions: Action[] = [];
  if (action.do === "submit") {
    actions.push(...action.receipts.map((receipt): Action => ({ ...action, receipts: [receipt], flaw: "none" })));
  }
  if (action.do === "claim" || action.do === "claimFor") {
    actions.push(...action.buckets.map((bucket): Action => ({ ...action, buckets: [bucket] })));
  }
  if (action.do === "openOrder") {
    const plain = { ...action, permit: "none", paymentRef: 0, refundTo: "zero" } as const;
    actions.push(plain, { ...plain, reuse: NO_REUSE });
  }
  return [{ when: { after: 1 }, action }, ...actions.map((simpler) => ({ when, action: simpler }))];
}

function replaceAt(steps: readonly ModelStep[], at: number, step: ModelStep): ModelStep[] {
  return steps.map((each, i) => (i === at ? step : each));
}
