import { createHash } from "node:crypto";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

import { readContracts, WORKSPACE } from "./build";
import { type Kill, order, type Reach } from "./order";
import { keyOf, type Mutant } from "./schemata";
import type { Worker } from "./workers";

const ROOT = path.join(__dirname, "../..");
const STATE = path.join(WORKSPACE, "results.json");

/** All that a test's result can depend on besides its own file. */
const COMMON = [
  "contracts",
  "packages/sdk/src",
  "packages/operator/src",
  "deploy",
  "test/helpers",
  "lab/mutation",
  "hardhat.config.ts",
  "package-lock.json",
];

/** What is only said of mutants: no result depends on it. */
const LISTS = /^lab\/mutation\/.*\.json$/;

/** The tests that contracts are held to; the others are of what is around them, or go through all of it at length. */
const TESTS = /^(unit|integration)\/[^/]+\.test\.ts$/;

/** So much of a run is lost at the most when it is broken off. */
const SAVED_EVERY_MS = 5_000;

export type Outcome = "killed" | "timeout" | "survived" | "unreached";

/** What became of a mutant, and what that depends on. */
export interface Result {
  outcome: Outcome;
  /** The test that failed, as `FILE#NUMBER`, with what, and how long it took. */
  killer?: string;
  failure?: string;
  ms?: number;
  hash: string;
}

/** What a test came by while no mutant was active. */
interface Baseline extends Reach {
  hash: string;
}

interface State {
  baselines: Record<string, Baseline>;
  results: Record<string, Result>;
}

/** A run of mutants against tests, which goes on where an earlier one ended. */
export class Campaign {
  private savedAt = Date.now();

  /** By the function: where mutants were killed, and by which test. */
  private readonly kills = new Map<string, Kill[]>();

  private constructor(
    private readonly state: State,
    private readonly hashOf: ReadonlyMap<string, string>,
    private readonly usersOf: ReadonlyMap<string, readonly string[]>,
  ) {}

  /** Reads what earlier runs found; what no longer holds of it only says which test to begin with. */
  static async open(): Promise<Campaign> {
    const state = await readFile(STATE, "utf8").then(
      (text) => JSON.parse(text) as State,
      () => ({ baselines: {}, results: {} }),
    );
    return new Campaign(state, await hashes(), await readUsers());
  }

  get files(): string[] {
    return [...this.hashOf.keys()];
  }

  /** The result of a mutant if it is still true: of one killed, as long as the test that did it is as it was. */
  resultOf(mutant: Mutant): Result | undefined {
    const result = this.state.results[keyOf(mutant)];
    return result !== undefined && result.hash === this.hashFor(result.killer) ? result : undefined;
  }

  /** Returns the test that killed a mutant in an earlier run. */
  private killerOf(mutant: Mutant): string | undefined {
    return this.state.results[keyOf(mutant)]?.killer;
  }

  /**
   * Runs the test that killed a mutant before, for which nothing has to be measured.
   *
   * @returns whether it does so again; false also when none is known or it is gone
   */
  async retry(worker: Worker, mutant: Mutant, tests: ReadonlySet<string>): Promise<boolean> {
    const killer = this.killerOf(mutant);
    if (killer === undefined || !tests.has(killer)) return false;
    const result = await this.judge(worker, mutant, [killer]);
    if (result.killer !== undefined) this.keep(mutant, result);
    return result.killer !== undefined;
  }

  /**
   * Runs every test without a mutant, those that are not known yet, and notes which mutants it comes by.
   *
   * @throws if one fails
   */
  async measure(
    workers: readonly Worker[],
    tests: ReadonlySet<string>,
    progress: (line: string) => void,
  ): Promise<void> {
    const known = Object.entries(this.state.baselines).filter(
      ([name, { hash }]) => tests.has(name) && hash === this.hashFor(name),
    );
    this.state.baselines = Object.fromEntries(known);
    const missing = [...tests].filter((name) => !(name in this.state.baselines));

    await takeTurns(workers, missing, async (worker, name, done) => {
      const run = (await worker.ask({ mutant: "record", tests: [name] }))?.runs[0];
      if (run === undefined || run.failure !== null) {
        throw new Error(`Without a mutant a test fails, so it can kill none:\n  ${name}\n  ${run?.failure ?? "hung"}`);
      }
      this.state.baselines[name] = { hash: this.hashFor(name), ms: run.ms, reached: run.reached };
      this.saveNowAndThen();
      progress(`tests without a mutant: ${done} of ${missing.length}`);
    });
  }

  /** Runs the tests that come by a mutant until one fails, the likeliest to fail soon first. */
  async run(worker: Worker, mutant: Mutant): Promise<void> {
    const outlived = this.killerOf(mutant);
    const others = new Map(Object.entries(this.state.baselines).filter(([name]) => name !== outlived));
    const near = [mutant.contract, ...(this.usersOf.get(mutant.contract) ?? [])];
    const tests = order(mutant, others, near, this.kills.get(functionOf(mutant)) ?? []);
    this.keep(mutant, tests.length === 0 ? this.unreached() : await this.judge(worker, mutant, tests));
  }

  /** At once, so that two workers cannot write into each other and whatever ends the run leaves a whole file. */
  save(): void {
    mkdirSync(WORKSPACE, { recursive: true });
    writeFileSync(`${STATE}.new`, JSON.stringify(this.state));
    renameSync(`${STATE}.new`, STATE);
    this.savedAt = Date.now();
  }

  private unreached(): Result {
    return { outcome: "unreached", hash: this.hashFor(undefined) };
  }

  private async judge(worker: Worker, mutant: Mutant, tests: string[]): Promise<Result> {
    const answer = await worker.ask({ mutant: mutant.id, tests });
    // which test it was that hung is not known; the first one has it
    if (answer === null) return { outcome: "timeout", killer: tests[0], hash: this.hashFor(tests[0]) };
    const last = answer.runs.at(-1);
    if (last === undefined || last.failure === null) return { outcome: "survived", hash: this.hashFor(undefined) };

    const killer = tests[answer.runs.length - 1];
    if (last.isTimeout) worker.stop();
    return {
      outcome: last.isTimeout ? "timeout" : "killed",
      killer,
      failure: last.failure,
      ms: last.ms,
      hash: this.hashFor(killer),
    };
  }

  /** The hash of a test's file and all that it depends on; without a test, of all tests. */
  private hashFor(test: string | undefined): string {
    if (test !== undefined) return this.hashOf.get(test.split("#")[0]) ?? "";
    return digest([...this.hashOf.values()]);
  }

  private keep(mutant: Mutant, result: Result): void {
    this.state.results[keyOf(mutant)] = result;
    this.note(mutant, result);
    this.saveNowAndThen();
  }

  /** Remembers a kill, so that the mutants beside it are tried by the same test first. */
  private note(mutant: Mutant, { killer }: Result): void {
    if (killer === undefined) return;
    const known = this.kills.get(functionOf(mutant)) ?? [];
    this.kills.set(functionOf(mutant), [{ line: mutant.line, killer }, ...known]);
  }

  private saveNowAndThen(): void {
    if (Date.now() > this.savedAt + SAVED_EVERY_MS) this.save();
  }
}

/** Has each worker take the next item whenever it is done with one, and counts them. */
export async function takeTurns<T>(
  workers: readonly Worker[],
  items: readonly T[],
  take: (worker: Worker, item: T, done: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries();
  const work = async (worker: Worker) => {
    for (const [i, item] of queue) await take(worker, item, i + 1);
  };
  await Promise.all(workers.map(work));
}

/** The contracts that import each source: the tests of a library are theirs. */
async function readUsers(): Promise<Map<string, string[]>> {
  const users = new Map<string, string[]>();
  for (const [file, text] of await readContracts()) {
    for (const [, imported] of text.matchAll(/from "\.[^"]*?(\w+)\.sol"/g)) {
      users.set(imported, [...(users.get(imported) ?? []), path.basename(file, ".sol")]);
    }
  }
  return users;
}

function functionOf({ contract, function: name }: Mutant): string {
  return `${contract}.${name}`;
}

function digest(parts: readonly string[]): string {
  return createHash("sha256").update(parts.join("\n")).digest("hex");
}

/** Each test file's hash, with that of all that it depends on. */
async function hashes(): Promise<Map<string, string>> {
  const common = digest(await Promise.all((await Promise.all(COMMON.map(filesBelow))).flat().map(readText)));
  const tests = (await filesBelow("test")).filter((file) => TESTS.test(file.slice("test/".length)));
  return new Map(await Promise.all(tests.map(async (file) => [file, digest([common, await readText(file)])] as const)));
}

async function readText(file: string): Promise<string> {
  return readFile(path.join(ROOT, file), "utf8");
}

async function filesBelow(name: string): Promise<string[]> {
  if (path.extname(name) !== "") return [name];
  const entries = await readdir(path.join(ROOT, name), { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  const names = files.map((file) => path.relative(ROOT, file)).filter((file) => !LISTS.test(file));
  return names.sort();
}
