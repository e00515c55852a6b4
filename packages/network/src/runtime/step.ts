import { channel } from "node:diagnostics_channel";

const steps = channel("turingfog:step");

/**
 * Names the instant at which a role stands, right before or after a durable write or a send, for those who want to stop
 * it exactly there. Does nothing unless somebody listens.
 */
export function step(name: string): void {
  if (steps.hasSubscribers) steps.publish(name);
}
