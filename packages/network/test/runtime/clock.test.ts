import { ChainClock, ClockError, SystemClock } from "@turingfog/network";
import { expect } from "chai";

/** A system's clock and a monotonic one, in milliseconds. */
class Times {
  private at = 1_800_000_000_000;
  private since = 5_000;

  readonly source = { system: () => this.at, monotonic: () => this.since };

  /** Lets time pass. */
  pass(seconds: number): void {
    this.at += seconds * 1_000;
    this.since += seconds * 1_000;
  }

  /** Sets the system's clock. */
  set(seconds: number): void {
    this.at += seconds * 1_000;
  }
}

const CHAIN_TIME = 1_800_000_000n;

describe("SystemClock", () => {
  it("is not right before it was compared with a block", () => {
    expect(() => new SystemClock(new Times().source).check()).to.throw(ClockError, "wait for a block");
  });

  for (const [offset, isRight] of [
    [0n, true],
    [59n, true],
    [60n, false],
    [-59n, true],
    [-60n, false],
  ] as const) {
    it(`${isRight ? "is right" : "is wrong"} when a new block is dated ${offset} s from it`, () => {
      const clock = new SystemClock(new Times().source);
      clock.sees(CHAIN_TIME + offset);
      if (isRight) expect(() => clock.check()).not.to.throw();
      else expect(() => clock.check()).to.throw(ClockError, "60 s");
    });
  }

  it("stays right on a chain that stands still", () => {
    const times = new Times();
    const clock = new SystemClock(times.source);
    clock.sees(CHAIN_TIME);
    times.pass(3_600);
    clock.sees(CHAIN_TIME);
    expect(() => clock.check()).not.to.throw();
  });

  it("is wrong as soon as it is set by a minute, and right when it is set back", () => {
    const times = new Times();
    const clock = new SystemClock(times.source);
    clock.sees(CHAIN_TIME);
    times.set(-60);
    expect(() => clock.check()).to.throw(ClockError, "60 s behind");
    times.set(60);
    expect(() => clock.check()).not.to.throw();
    expect(clock.now()).to.equal(CHAIN_TIME);
  });
});

describe("ChainClock", () => {
  it("has the latest block's time, and never goes back", () => {
    const clock = new ChainClock();
    expect(() => clock.now()).to.throw(ClockError);
    clock.sees(10n);
    clock.sees(9n);
    expect(clock.now()).to.equal(10n);
  });
});
