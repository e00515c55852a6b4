import { execFile, type ExecFileException, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";

const ROOT = path.join(__dirname, "../..");

/** Where reports of campaigns are left; forge may write nowhere else. */
const REPORTS = path.join(ROOT, "cache/forge");

/** How long one history is, in calls of the protocol. Shorter ones seldom come through a whole phase. */
export const DEPTH = 4_000;

/**
 * TFT burned before the histories of a campaign begin, nearly: none, or all of a phase. By the campaign's seed, so that
 * campaigns of seeds in a row come through every phase.
 */
const BURNED_BEFORE = [0n, 437_500_000n, 900_000_000n];

/** How many campaigns of seeds in a row begin differently. */
export const BEGINNINGS = BURNED_BEFORE.length;

/** As `Handler.ACTIONS_A_CALL`: how many of them are one call to forge. */
const ACTIONS_A_CALL = 16;

/** How often an action was done, refused as it must be, or found nothing to be done with. */
export interface Tally {
  done: number;
  refused: number;
  idle: number;
}

/** What campaigns have come to. */
export interface Summary {
  /** Of every forge process, so that each can be run again by itself. */
  seeds: number[];
  runs: number;
  calls: number;
  /** Calls of handlers that reverted; a single one fails the campaign. */
  reverts: number;
  actions: Record<string, Tally>;
  /** How often each situation was met. */
  sights: Record<string, number>;
  /** Whether every statement held after every call. */
  held: boolean;
  /** What forge printed of campaigns that failed. */
  failures: string[];
}

/** Far more than a run of forge takes in the suite. */
const TIMEOUT = 600_000;

/** Declares a test by forge: one that is pending, with the reason, where forge is missing or would be run for nothing. */
export function itByForge(title: string, test: (forge: string) => Promise<void>): void {
  if (process.env.SOLIDITY_COVERAGE === "true") {
    it(`${title}: not run, the coverage plugin cannot see what forge runs`);
    return;
  }
  const forge = findForge();
  if (forge === undefined) {
    it(`${title}: not run, no forge for this platform came with npm, and none is on the PATH`);
    return;
  }
  it(title, async () => {
    await build(forge);
    await test(forge);
  }).timeout(TIMEOUT);
}

/** The forge that npm brought, or else one on the PATH; undefined where there is none. */
export function findForge(): string | undefined {
  const installed = path.join(ROOT, "node_modules/.bin/forge");
  return [installed, "forge"].find((forge) => spawnSync(forge, ["--version"]).status === 0);
}

/** Compiles the handlers where they have changed. Throws with the compiler's output where they do not compile. */
export async function build(forge: string): Promise<void> {
  if (!existsSync(path.join(ROOT, "artifacts/contracts/Genesis.sol/Genesis.json"))) {
    throw new Error("The campaign runs what Hardhat has built, and nothing is: run `npm run compile` first");
  }
  const { code, output } = await run(forge, ["build"]);
  if (code !== 0) throw new Error(`forge could not compile the handlers:\n${output}`);
}

/**
 * Runs one forge process over random histories of {@link DEPTH} calls.
 *
 * @param runs How many histories.
 * @param seed The same seed gives the same histories.
 */
export async function campaign(forge: string, runs: number, seed: number): Promise<Summary> {
  const report = path.join(REPORTS, `report-${seed}.jsonl`);
  mkdirSync(REPORTS, { recursive: true });
  rmSync(report, { force: true });

  const { code, output } = await run(forge, ["test", "--match-contract", "ProtocolTest", "--fuzz-seed", String(seed)], {
    INVARIANT_REPORT: report,
    INVARIANT_SEED: String(seed),
    INVARIANT_BURNED: String(BURNED_BEFORE[seed % BEGINNINGS] * 10n ** 18n),
    FOUNDRY_INVARIANT_RUNS: String(runs),
    FOUNDRY_INVARIANT_DEPTH: String(DEPTH / ACTIONS_A_CALL),
  });
  const counts = /\(runs: (\d+), calls: (\d+), reverts: (\d+)\)/.exec(output);
  if (counts === null) throw new Error(`forge ran no campaign:\n${output}`);

  const [completed, calls, reverts] = counts.slice(1).map(Number);
  const held = code === 0;
  return {
    seeds: [seed],
    runs: completed,
    calls: calls * ACTIONS_A_CALL,
    reverts,
    ...readReport(report, completed),
    held,
    failures: held ? [] : [output],
  };
}

/** More than any number of calls takes, which are one transaction to forge. */
const GAS_LIMIT = 2n ** 60n;

/**
 * Makes random calls of ERC-721 to the escrow and to OpenZeppelin's own, and resolves to how often each situation was met.
 *
 * @param seed The same seed gives the same calls.
 * @throws Error with what forge printed, when the two part
 */
export async function compareTransfers(forge: string, calls: number, seed: number): Promise<Record<string, number>> {
  const report = path.join(REPORTS, `transfers-${seed}.txt`);
  mkdirSync(REPORTS, { recursive: true });
  rmSync(report, { force: true });

  const { code, output } = await run(forge, ["test", "--match-contract", "TransfersTest"], {
    TRANSFERS_REPORT: report,
    TRANSFERS_CALLS: String(calls),
    TRANSFERS_SEED: String(seed),
    FOUNDRY_GAS_LIMIT: String(GAS_LIMIT),
  });
  if (code !== 0) throw new Error(`The escrow and OpenZeppelin's ERC721 part under seed ${seed}:\n${output}`);
  const lines = readFileSync(report, "utf8").trim().split("\n");
  return Object.fromEntries(
    lines.map((line) => {
      const end = line.indexOf(" ");
      return [line.slice(end + 1), Number(line.slice(0, end))];
    }),
  );
}

/** Walks the price of a lot through its first three days, second by second. Throws with what forge printed if it rises. */
export async function walkPrices(forge: string): Promise<void> {
  const { code, output } = await run(forge, ["test", "--match-contract", "PricesTest"], {
    FOUNDRY_GAS_LIMIT: String(GAS_LIMIT),
  });
  if (code !== 0 || !output.includes("[PASS] test_neverRise()")) throw new Error(`The price does not fall:\n${output}`);
}

/** Slots of a contract that are not zero, after a tenth of all orders and after all. */
export interface Growth {
  early: number;
  late: number;
}

/** Opens, delivers and closes orders in each other's places, and counts slots. Throws if forge fails. */
export async function measureGrowth(forge: string): Promise<Record<"escrow" | "pool", Growth>> {
  const report = path.join(REPORTS, "growth.txt");
  mkdirSync(REPORTS, { recursive: true });
  rmSync(report, { force: true });

  const { code, output } = await run(forge, ["test", "--match-contract", "GrowthTest"], { GROWTH_REPORT: report });
  if (code !== 0) throw new Error(`The slots could not be counted:\n${output}`);
  const lines = readFileSync(report, "utf8").trim().split("\n");
  const counts = lines.map((line): [string, Growth] => {
    const [name, early, late] = line.split(" ");
    return [name, { early: Number(early), late: Number(late) }];
  });
  return Object.fromEntries(counts) as Record<"escrow" | "pool", Growth>;
}

/** Adds up campaigns. */
export function merge(summaries: readonly Summary[]): Summary {
  const total: Summary = {
    seeds: [],
    runs: 0,
    calls: 0,
    reverts: 0,
    actions: {},
    sights: {},
    held: true,
    failures: [],
  };
  for (const summary of summaries) {
    total.seeds.push(...summary.seeds);
    total.runs += summary.runs;
    total.calls += summary.calls;
    total.reverts += summary.reverts;
    total.held &&= summary.held;
    total.failures.push(...summary.failures);
    for (const [name, tally] of Object.entries(summary.actions)) addTally(total.actions, name, tally);
    for (const [name, count] of Object.entries(summary.sights)) {
      total.sights[name] = (total.sights[name] ?? 0) + count;
    }
  }
  return total;
}

/** The summary as lines to print: calls and their outcome in all and per action, then the situations met. */
export function describeSummary(summary: Summary): string[] {
  const actions = Object.entries(summary.actions).sort(([a], [b]) => a.localeCompare(b));
  const sum = (part: keyof Tally) => actions.reduce((total, [, tally]) => total + tally[part], 0);
  const all = sum("done") + sum("refused") + sum("idle");
  const percent = (count: number) => `${((100 * count) / Math.max(all, 1)).toFixed(1)} %`;
  return [
    `seeds ${summary.seeds.join(", ")}: ${summary.calls} calls in ${summary.runs} histories`,
    `${percent(sum("done"))} done, ${percent(sum("refused"))} refused as they must be, ${percent(sum("idle"))} idle`,
    `${"action".padEnd(36)}${"done".padStart(10)}${"refused".padStart(10)}${"idle".padStart(10)}`,
    ...actions.map(
      ([name, { done, refused, idle }]) =>
        name.padEnd(36) + [done, refused, idle].map((count) => String(count).padStart(10)).join(""),
    ),
    ...Object.entries(summary.sights)
      .sort(([a], [b]) => a.localeCompare(b))
      .map(([name, count]) => name.padEnd(36) + String(count).padStart(10)),
  ];
}

function addTally(actions: Record<string, Tally>, name: string, { done, refused, idle }: Tally): void {
  const tally = (actions[name] ??= { done: 0, refused: 0, idle: 0 });
  tally.done += done;
  tally.refused += refused;
  tally.idle += idle;
}

/** Forge ends with a replay of the last history, whose line stands after those of all runs. */
function readReport(report: string, runs: number): Pick<Summary, "actions" | "sights"> {
  const actions: Record<string, Tally> = {};
  const sights: Record<string, number> = {};
  if (!existsSync(report)) return { actions, sights };

  for (const line of readFileSync(report, "utf8").trim().split("\n").slice(0, runs)) {
    const history = JSON.parse(line) as {
      actions: Record<string, [number, number, number]>;
      sights: Record<string, number>;
    };
    for (const [name, [done, refused, idle]] of Object.entries(history.actions)) {
      addTally(actions, name, { done, refused, idle });
    }
    for (const [name, count] of Object.entries(history.sights)) sights[name] = (sights[name] ?? 0) + count;
  }
  return { actions, sights };
}

function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; output: string }> {
  const options = { cwd: ROOT, env: { ...process.env, ...env }, maxBuffer: 2 ** 28 };
  return new Promise((resolve) => {
    execFile(command, args, options, (error: ExecFileException | null, stdout, stderr) => {
      resolve({ code: error === null ? 0 : 1, output: stdout + stderr });
    });
  });
}
