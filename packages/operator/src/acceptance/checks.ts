import { formatAmount } from "@turingfog/sdk";

/** One thing that was compared with what it must be. */
export interface Check {
  /** Under which heading a report has it. */
  section: string;
  what: string;
  expected: string;
  actual: string;
  passed: boolean;
}

/** Collects the checks of one section. */
export class Section {
  readonly checks: Check[] = [];

  constructor(private readonly section: string) {}

  /** Compares by what is written. */
  equal(what: string, actual: unknown, expected: unknown): void {
    const [is, must] = [String(actual), String(expected)];
    this.checks.push({ section: this.section, what, expected: must, actual: is, passed: is === must });
  }

  /** Compares amounts of TFT; anyone may have added to what must be there. */
  amountAtLeast(what: string, actual: bigint, minimum: bigint): void {
    const [is, must] = [formatAmount(actual), `at least ${formatAmount(minimum)}`];
    this.checks.push({ section: this.section, what, expected: must, actual: is, passed: actual >= minimum });
  }
}
