import { formatAmount } from "@turingfog/sdk";
import { IncompleteLogsError, type OnProgress } from "@turingfog/sdk/ethers";

import type { CheckedDeployment } from "../deployment/expected.js";

/** A deployment to check, and who hears how far the reading of its logs is. */
export interface Subject extends CheckedDeployment {
  onProgress?: OnProgress;
}

/** Returns the error of a node that has not given a log which, by the contracts' own state, there must be. */
export async function incompleteLogs(
  { provider, since }: Subject,
  address: string,
  event: string,
): Promise<IncompleteLogsError> {
  return new IncompleteLogsError(address, event, since, await provider.getBlockNumber());
}

/** A comparison of an actual value with an expected one. */
export interface Check {
  /** Heading of the check in a report. */
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

  /** Compares two values as text. */
  equal(what: string, actual: unknown, expected: unknown): void {
    const [is, must] = [String(actual), String(expected)];
    this.checks.push({ section: this.section, what, expected: must, actual: is, passed: is === must });
  }

  /** Checks that an amount of TFT (18 decimals) is at least a minimum. Anyone may have added to it. */
  amountAtLeast(what: string, actual: bigint, minimum: bigint): void {
    const [is, must] = [formatAmount(actual), `at least ${formatAmount(minimum)}`];
    this.checks.push({ section: this.section, what, expected: must, actual: is, passed: actual >= minimum });
  }
}
