/** What a worker says once it can be asked. */
export interface Readiness {
  /** The tests that there are, as `FILE#NUMBER`, in the order of their files. */
  tests: string[];
  /** The mutants that the deployment comes by, from which most tests start. */
  deployment: number[];
}

/** What a worker is asked: to run tests, by file and number in it, with a mutant active, until one fails. */
export interface Question {
  /** A mutant's number, or to record which mutants each test comes by. */
  mutant: number | "record";
  tests: readonly string[];
}

/** What became of one test. */
export interface TestRun {
  /** Its title, and what it failed with. */
  failure: string | null;
  isTimeout: boolean;
  ms: number;
  /** While recording: the mutants that it came by, those of its fixtures with them. */
  reached: number[];
}

export interface Answer {
  /** In the order of the tests; of the last one at the most the failure is not null. */
  runs: TestRun[];
  /** The memory that the worker takes by now, in bytes. */
  memory: number;
}
