import path from "node:path";

import { clearSnapshots } from "@nomicfoundation/hardhat-network-helpers";
import { id as keccakOf, toQuantity } from "ethers";
import { network } from "hardhat";
import Mocha from "mocha";

import type { Answer, Question, TestRun } from "./protocol";

/** The address whose balance is the active mutant's number, and the number that records; see Mutant.sol. */
const ACTIVE = `0x${keccakOf("mutant").slice(-40)}`;
const RECORDING = 2n ** 64n - 1n;

/** Far more than any test takes by itself. */
const TIMEOUT_MS = 60_000;

/** The mutants that the current test came by: to set up what it took a snapshot of, and in all. */
const reached = { setup: new Set<number>(), all: new Set<number>() };

/** What each snapshot's setup came by. */
const setupOf = new Map<unknown, ReadonlySet<number>>();

/** The number that is active, to be set again whenever the chain goes back to a snapshot. */
const active = { number: 0n };

/** Whether a mutant had a part in the fixtures that are kept. */
const chain = { isMutated: false };

class TimeoutError extends Error {}

async function loadTests(files: readonly string[]): Promise<Map<string, Mocha.Test>> {
  const mocha = new Mocha();
  for (const file of files) mocha.addFile(path.resolve(file));
  await mocha.loadFilesAsync();

  const tests = new Map<string, Mocha.Test>();
  mocha.suite.eachTest((test: Mocha.Test) => {
    tests.set(`${path.relative(process.cwd(), test.file ?? "")}: ${test.fullTitle()}`, test);
  });
  return tests;
}

function addAll(to: Set<number>, from: Iterable<number>): void {
  for (const id of from) to.add(id);
}

async function activate(number: bigint): Promise<void> {
  active.number = number;
  await network.provider.request({ method: "hardhat_setBalance", params: [ACTIVE, toQuantity(number)] });
}

/** Keeps the active number where it is when a fixture is loaded, and sees what is run before one is kept. */
function watchSnapshots(): void {
  const request = network.provider.request.bind(network.provider);
  network.provider.request = async (call) => {
    const result = await request(call);
    if (call.method === "evm_snapshot") {
      addAll(reached.setup, reached.all);
      setupOf.set(result, new Set(reached.all));
    }
    if (call.method === "evm_revert") {
      const setup = setupOf.get((call.params as unknown[])[0]) ?? [];
      addAll(reached.setup, setup);
      addAll(reached.all, setup);
      await request({ method: "hardhat_setBalance", params: [ACTIVE, toQuantity(active.number)] });
    }
    return result;
  };
}

/** Takes the mutants' numbers out of what Hardhat prints for the contracts. */
function watchConsole(): void {
  const log = console.log.bind(console);
  console.log = (...data: unknown[]) => {
    const [, id] = new RegExp(`^\\s*${RECORDING} (\\d+)$`).exec(String(data[0])) ?? [];
    if (id === undefined) log(...data);
    else reached.all.add(Number(id));
  };
}

async function run(test: Mocha.Test): Promise<TestRun> {
  reached.all.clear();
  reached.setup.clear();
  const startedAt = Date.now();
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new TimeoutError(`took more than ${TIMEOUT_MS / 1_000} s`)), TIMEOUT_MS);
  });
  let failure: string | null = null;
  let isTimeout = false;
  try {
    await Promise.race([(test.fn as () => Promise<void>)(), timeout]);
  } catch (error) {
    failure = error instanceof Error ? error.message.split("\n")[0] : String(error);
    isTimeout = error instanceof TimeoutError;
  } finally {
    clearTimeout(timer);
  }
  return {
    failure,
    isTimeout,
    ms: Date.now() - startedAt,
    setup: [...reached.setup],
    reached: [...reached.all],
  };
}

/** Runs the tests one after the other until one fails. */
async function answer({ mutant, fresh, tests: names }: Question, tests: Map<string, Mocha.Test>): Promise<Answer> {
  if (fresh || chain.isMutated) {
    await clearSnapshots();
    await network.provider.request({ method: "hardhat_reset", params: [] });
  }
  chain.isMutated = fresh;
  await activate(mutant === "record" ? RECORDING : BigInt(mutant));

  const runs: TestRun[] = [];
  for (const name of names) {
    const test = tests.get(name);
    if (test === undefined) throw new Error(`There is no test "${name}"`);
    const result = await run(test);
    runs.push(result);
    if (result.failure !== null) break;
  }
  return { runs };
}

async function main(): Promise<void> {
  watchSnapshots();
  watchConsole();
  const tests = await loadTests(process.argv.slice(2));
  const send = (message: unknown) => process.send?.(message);
  process.on("message", (question: Question) => {
    answer(question, tests).then(send, (error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  });
  send([...tests.keys()]);
}

void main();
