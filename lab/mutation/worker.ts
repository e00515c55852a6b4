import path from "node:path";

import { clearSnapshots, loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { id as keccakOf, toQuantity } from "ethers";
import { network } from "hardhat";
import Mocha from "mocha";

import { deployProtocolFixture } from "../../test/helpers/fixture";
import type { Answer, Question, Readiness, TestRun } from "./protocol";

/** The address whose balance is the active mutant's number, and the number that records; see Mutant.sol. */
const ACTIVE = `0x${keccakOf("mutant").slice(-40)}`;
const RECORDING = 2n ** 64n - 1n;

/** Far more than any test takes by itself. */
const TIMEOUT_MS = 60_000;

/**
 * Tags of tests that compare values at length, and of those that hold for the shipped bytecode alone: in place of return
 * data comes that of the record of a mutant, and instrumented contracts take more gas.
 */
const SKIPPED = /\[(slow|random|shipped)\]/;

/** The mutants that the current test came by, while they are recorded. */
const reached = new Set<number>();

/** Those that the deployment came by. */
const deployment = new Set<number>();

const chain = {
  /** The number that is active, to be set again whenever the chain goes back to a snapshot. */
  active: 0n,
  /** Whether a mutant had a part in the deployment that is kept. */
  isMutated: false,
};

class TimeoutError extends Error {}

/** Loads the tests that can kill a mutant, by their file and number in it. */
async function loadTests(files: readonly string[]): Promise<Map<string, Mocha.Test>> {
  const mocha = new Mocha();
  for (const file of files) mocha.addFile(path.resolve(file));
  await mocha.loadFilesAsync();

  const counts = new Map<string, number>();
  const tests = new Map<string, Mocha.Test>();
  mocha.suite.eachTest((test: Mocha.Test) => {
    const file = path.relative(process.cwd(), test.file ?? "");
    const number = (counts.get(file) ?? 0) + 1;
    counts.set(file, number);
    if (test.fn !== undefined && !SKIPPED.test(test.fullTitle())) tests.set(`${file}#${number}`, test);
  });
  return tests;
}

async function activate(number: bigint): Promise<void> {
  chain.active = number;
  await network.provider.request({ method: "hardhat_setBalance", params: [ACTIVE, toQuantity(number)] });
}

/** Keeps the active number where it is when the deployment is loaded, and counts in what that came by. */
function watchSnapshots(): void {
  const request = network.provider.request.bind(network.provider);
  network.provider.request = async (call) => {
    const result = await request(call);
    if (call.method === "evm_revert") {
      for (const id of deployment) reached.add(id);
      await activate(chain.active);
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
    else reached.add(Number(id));
  };
}

async function run(test: Mocha.Test): Promise<TestRun> {
  reached.clear();
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
    const message = error instanceof Error ? error.message.split("\n")[0] : String(error);
    failure = `${test.fullTitle()}: ${message}`;
    isTimeout = error instanceof TimeoutError;
  } finally {
    clearTimeout(timer);
  }
  return {
    failure,
    isTimeout,
    ms: Date.now() - startedAt,
    reached: [...reached],
  };
}

/**
 * Puts the chain where a mutant can be switched on. One that the deployment comes by has a part in it too, so for that
 * the chain starts anew. For others the deployment is kept as it is without a mutant; what other fixtures were kept
 * since is forgotten, because one may have been set up with the mutant before.
 */
async function prepare(isInDeployment: boolean): Promise<void> {
  if (isInDeployment || chain.isMutated) {
    await clearSnapshots();
    await network.provider.request({ method: "hardhat_reset", params: [] });
    // the chain before is outside of the heap, so its collector does not know how much there is to collect
    globalThis.gc?.();
  }
  chain.isMutated = isInDeployment;
  if (isInDeployment) return;
  await activate(0n);
  await loadFixture(deployProtocolFixture);
}

/** Runs the tests one after the other until one fails. */
async function answer({ mutant, tests: names }: Question, tests: Map<string, Mocha.Test>): Promise<Answer> {
  await prepare(mutant !== "record" && deployment.has(mutant));
  await activate(mutant === "record" ? RECORDING : BigInt(mutant));

  const runs: TestRun[] = [];
  for (const name of names) {
    const test = tests.get(name);
    if (test === undefined) throw new Error(`There is no test "${name}"`);
    const result = await run(test);
    runs.push(result);
    if (result.failure !== null) break;
  }
  return { runs, memory: process.memoryUsage.rss() };
}

async function main(): Promise<void> {
  watchSnapshots();
  watchConsole();
  const tests = await loadTests(process.argv.slice(2));
  await activate(RECORDING);
  await loadFixture(deployProtocolFixture);
  for (const id of reached) deployment.add(id);

  const send = (message: Answer | Readiness) => process.send?.(message);
  // a transaction that a mutant has revert can be awaited twice, by the test and by an assertion that it does not come to
  process.on("unhandledRejection", () => undefined);
  process.on("message", (question: Question) => {
    answer(question, tests).then(send, (error: unknown) => {
      console.error(error);
      process.exit(1);
    });
  });
  send({ tests: [...tests.keys()], deployment: [...deployment] });
}

void main();
