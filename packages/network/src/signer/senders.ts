import type { FastifyRequest } from "fastify";

import { type Allowance, Budget, RefusedError, senderOf } from "../http/index.js";

/** What senders may send that is refused: a request or a reading costs 1, and each KiB of what is no message. */
const PER_SENDER: Allowance = { burst: 1_024, perSecond: 16 };

/** The addresses that requests come from, and how much of what came from each was refused. */
export class Senders {
  private readonly budget: Budget;

  constructor(allowance = PER_SENDER) {
    this.budget = new Budget(allowance);
  }

  /**
   * Checks that a sender may go on, before the body of its request is read.
   * @throws RefusedError
   */
  check({ ip }: FastifyRequest): void {
    if (this.budget.has(senderOf(ip))) return;
    throw new RefusedError(
      429,
      "too-many-refused",
      "Too much of what came from this address was refused: try again later",
    );
  }

  /** @param sender as `senderOf` names it: a request whose body was cut off no longer knows */
  charge(sender: string, cost: number): void {
    this.budget.take(sender, cost);
  }
}
