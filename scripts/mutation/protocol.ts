/** What a worker is asked: to run tests, by file and title, with a mutant active, until one fails. */
export interface Question {
  /** A mutant's number, 0 for none, or to record which mutants each test comes by. */
  mutant: number | "record";
  /** Whether the chain starts anew, so that fixtures are set up with the mutant too. */
  fresh: boolean;
  tests: readonly string[];
}

/** What became of one test. */
export interface TestRun {
  /** What it failed with. */
  failure: string | null;
  isTimeout: boolean;
  ms: number;
  /** While recording: the mutants that its fixture came by, and all that it came by. */
  setup: number[];
  reached: number[];
}

export interface Answer {
  /** In the order of the tests; of the last one at the most the failure is not null. */
  runs: TestRun[];
}
