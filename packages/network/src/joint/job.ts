import type { Job } from "@turingfog/sdk/wire";
import { MAX_WORKERS_OF_ROUND } from "@turingfog/sdk/wire";
import { MAX_WORKERS, shapesOf, TRAINING_PLAN, type TrainingPlan } from "@turingfog/training";

import { SlotRefusedError } from "../runner/slots.js";

/** A job of the built-in trainer. */
export interface TrainingJob {
  plan: TrainingPlan;
  /** Parts of the data, of which a worker trains on one in each round. */
  shards: number;
  /** The fewest workers whose claims close a round. */
  least: number;
}

/**
 * Reads what a job asks of the built-in trainer.
 * @throws SlotRefusedError, InvalidMessageError, ModelError
 */
export function trainingOf({ runner, slots, imagesPerTU }: Job): TrainingJob {
  const plan = TRAINING_PLAN.decode(slots.PLAN);
  shapesOf(plan.model);
  const number = (slot: string, most: number) => {
    const value = Number(slots[slot]);
    if (value >= 1 && value <= most) return value;
    throw new SlotRefusedError(runner, slot, `is ${slots[slot]}, expected 1 to ${most}`);
  };
  if (plan.transfer !== "float32") {
    throw new SlotRefusedError(
      runner,
      "PLAN",
      `its transfer is ${plan.transfer}, between nodes weights travel as float32`,
    );
  }
  if (imagesPerTU === 0n) throw new SlotRefusedError(runner, "PLAN", "is metered by images, and imagesPerTU is 0");
  return { plan, shards: number("SHARDS", MAX_WORKERS), least: number("LEAST", MAX_WORKERS_OF_ROUND) };
}

/** Returns the images of one round of one worker. */
export function imagesOfRound({ plan: { steps, batch } }: TrainingJob): bigint {
  return BigInt(steps * batch);
}
