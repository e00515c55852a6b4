import { performance } from "node:perf_hooks";

import { reasonOf } from "./role.js";

/** Milliseconds until what failed is tried again: twice as long each time. */
const FIRST = 1_000;
const LONGEST = 600_000;

/** Keeps what fails from being tried at once, each by its key. */
export class Backoff<K> {
  private readonly waits = new Map<K, { until: number; length: number; error: unknown }>();

  /** @param longest milliseconds that anything waits */
  constructor(
    private readonly now: () => number = () => performance.now(),
    private readonly longest = LONGEST,
  ) {}

  isDue(key: K): boolean {
    return this.now() >= (this.waits.get(key)?.until ?? -Infinity);
  }

  /** @returns whether it failed for another reason than the last time */
  fails(key: K, error: unknown): boolean {
    const before = this.waits.get(key);
    const length = before === undefined ? FIRST : Math.min(2 * before.length, this.longest);
    this.waits.set(key, { until: this.now() + length, length, error });
    return before === undefined || reasonOf(before.error) !== reasonOf(error);
  }

  succeeds(key: K): void {
    this.waits.delete(key);
  }

  /**
   * Throws why something waits, if anything does.
   * @throws the error of what failed first
   */
  check(): void {
    for (const { error } of this.waits.values()) throw error;
  }
}
