import type { Property } from "../formal/check";

/** A proof: a script of package.json, and how its result is said in a line. */
export interface AuditStep {
  name: string;
  /** As given to `npm run`. RESULT, here or in `env`, is the file that it writes its result to; otherwise it prints it. */
  command: string[];
  env?: Record<string, string>;
  /** Returns the findings of a result, as it was written or printed. */
  describe: (result: string) => string;
  /** The same one by one, as rows: what an auditor wants to read without opening a file. */
  list?: (result: string) => string[][];
}

/** Calls of the stateful campaign, and commands of the reference model: what ends within an hour on two cores, and all. */
const SHORT = { calls: 3_000_000, commands: 75_000 };
const FULL = { calls: 10_000_000, commands: 200_000 };

/** A requirement, with what became of its tests. */
interface Threat {
  id: string;
  requirement: string;
  tests: { file: string; title: string; state: string }[];
}

/** An adversary's attempt, and its outcome. */
type Game = Record<"adversary" | "scenario" | "paidIn" | "gotBack" | "bound", string>;

const count = (value: number | bigint): string => value.toLocaleString("en");

function parse<T>(result: string): T {
  return JSON.parse(result) as T;
}

// Each takes one core. The longest come first, so that the two that run beside each other end together.
const steps = ({ calls, commands }: typeof SHORT): readonly AuditStep[] => [
  {
    name: "mutation",
    command: ["mutate", "--", "--workers", "1", "--json"],
    describe: (result) => {
      const { total, score } = parse<{ total: { mutants: number; killed: number; equivalent: number }; score: number }>(
        result,
      );
      const { mutants, killed, equivalent } = total;
      return `${count(killed)} of ${count(mutants)} mutants killed, ${equivalent} argued equivalent: ${score} % of the rest`;
    },
  },
  {
    name: "model",
    command: ["test:model", "--", "--workers", "1", "--commands", String(commands), "--json"],
    describe: (result) => {
      const { commands, refused, compared, seed } =
        parse<Record<"commands" | "refused" | "compared" | "seed", number>>(result);
      return `${count(commands)} commands (${count(refused)} refused), ${count(compared)} values compared, seed ${seed}`;
    },
  },
  {
    name: "invariants",
    command: ["test:deep", "--", "--workers", "1", "--calls", String(calls), "--json"],
    describe: (result) => {
      const { calls, reverts, held } = parse<{ calls: number; reverts: number; held: boolean }>(result);
      return `${held ? "held" : "did not hold"} over ${count(calls)} calls, ${count(reverts)} reverted`;
    },
  },
  {
    name: "coverage",
    command: ["coverage"],
    describe: (result) => result.trim().split("\n").at(-1) ?? "",
  },
  {
    name: "threats",
    command: ["threats", "--", "--json"],
    describe: (result) => {
      const threats = parse<Threat[]>(result);
      const held = threats.filter(({ tests }) => tests.every(({ state }) => state === "passed")).length;
      const tests = threats.reduce((total, threat) => total + threat.tests.length, 0);
      return `${held} of ${threats.length} requirements held, by ${tests} tests`;
    },
    list: (result) =>
      parse<Threat[]>(result).flatMap(({ id, requirement, tests }) => [
        [id, requirement],
        ...tests.map(({ file, title, state }) => ["", `${state}: ${file}: ${title}`]),
      ]),
  },
  {
    name: "adversaries",
    command: ["adversaries"],
    env: { ADVERSARIES_JSON: "RESULT" },
    describe: (result) => {
      const games = parse<Game[]>(result);
      const adversaries = new Set(games.map(({ adversary }) => adversary)).size;
      return `${games.length} games of ${adversaries} adversaries, none beyond what the protocol grants`;
    },
    list: (result) => [
      ["", "", "paid in", "got back", "may get back at most"],
      ...parse<Game[]>(result).map((game) => [game.adversary, game.scenario, game.paidIn, game.gotBack, game.bound]),
    ],
  },
  {
    name: "formal",
    command: ["verify:formal", "--", "--json"],
    describe: (result) => {
      const { proven, open, refuted, vacuous, missed } =
        parse<Record<"proven" | "open" | "refuted" | "vacuous" | "missed", number>>(result);
      const failed = `${refuted + vacuous} refuted or vacuous, ${missed} canaries missed`;
      return `${proven} properties proven, ${open} open, ${failed}`;
    },
    list: (result) =>
      parse<{ properties: Property[] }>(result).properties.map(({ verdict, suite, name, statement, reason }) => [
        verdict,
        `${suite}.${name}`,
        reason === undefined ? statement : `${statement} (${reason.split("\n")[0]})`,
      ]),
  },
  {
    name: "reached",
    command: ["check:reached", "--", "--json"],
    describe: (result) => {
      const { missing, reached } = parse<Record<"missing" | "reached", { kind: string; isOwn: boolean }[]>>(result);
      const own = (kind: string) => reached.filter((each) => each.kind === kind && each.isOwn).length;
      return `${own("error")} errors reached, ${own("event")} events asserted, ${missing.length} missing`;
    },
  },
  {
    name: "snapshots",
    command: ["snapshots", "--", "--json"],
    describe: (result) => (/^\s*[[{]/.test(result) ? "storage, ABI, size and callers as committed" : result.trim()),
  },
];

/** Every proof; the two that draw at random within an hour, or in full. */
export const STEPS = { short: steps(SHORT), full: steps(FULL) };
