import { performance } from "node:perf_hooks";

import { TuringFogError } from "@turingfog/sdk";

/** The least number of seconds between a clock and the chain's at which the clock is wrong. */
export const MAX_CLOCK_OFFSET = 60;

/** Thrown when the present is not known well enough to sign anything. */
export class ClockError extends TuringFogError {}

/** The present, in unix seconds. */
export interface Clock {
  now(): bigint;
  /**
   * Checks that the clock is right.
   * @throws ClockError
   */
  check(): void;
  /** Tells of the chain's latest block, as soon as it is seen. */
  sees(blockTime: bigint): void;
}

/** Milliseconds since 1970 and since some instant; the latter cannot be set by anybody. */
export interface TimeSource {
  system(): number;
  monotonic(): number;
}

const SOURCE: TimeSource = { system: Date.now, monotonic: () => performance.now() };

/**
 * The system's clock, held against the chain's whenever a new block is seen. In between, a clock that is set shows by the
 * monotonic one. A chain may stand still for long, so the age of the latest block says nothing.
 */
export class SystemClock implements Clock {
  private latest?: bigint;
  /** Milliseconds from the chain's time to the system's, and the monotonic time, when the latest block was first seen. */
  private seen?: { offset: number; since: number };

  constructor(private readonly source: TimeSource = SOURCE) {}

  now(): bigint {
    return BigInt(Math.floor(this.source.system() / 1_000));
  }

  sees(blockTime: bigint): void {
    if (this.latest !== undefined && blockTime <= this.latest) return;
    this.latest = blockTime;
    const system = this.source.system();
    this.seen = { offset: system - Number(blockTime) * 1_000, since: system - this.source.monotonic() };
  }

  check(): void {
    if (this.seen === undefined)
      throw new ClockError("The clock was not compared with the chain's yet: wait for a block");
    const wasSet = this.source.system() - this.source.monotonic() - this.seen.since;
    const offset = Math.trunc((this.seen.offset + wasSet) / 1_000);
    if (Math.abs(offset) < MAX_CLOCK_OFFSET) return;
    throw new ClockError(
      `The clock is ${Math.abs(offset)} s ${offset > 0 ? "ahead of" : "behind"} the chain's latest block, must be less than ` +
        `${MAX_CLOCK_OFFSET} s off: set it, or check that the node of the chain has caught up`,
    );
  }
}

/** The latest block's time as the present, for test networks whose time is moved. */
export class ChainClock implements Clock {
  private latest?: bigint;

  now(): bigint {
    this.check();
    return this.latest as bigint;
  }

  sees(blockTime: bigint): void {
    if (this.latest === undefined || blockTime > this.latest) this.latest = blockTime;
  }

  check(): void {
    if (this.latest === undefined) throw new ClockError("The chain's time is not known yet: wait for a block");
  }
}
