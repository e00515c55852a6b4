import { readFileSync } from "node:fs";
import path from "node:path";

import solc from "solc";

import type { Edit, Suite } from "./suites";

const ROOT = path.join(__dirname, "../..");
const PROPERTIES = "test/formal/properties";
const STAND_INS = "test/formal/standins";

/**
 * `vacuous`: what a property requires can never be met, so that proving it proves nothing. `caught` and `missed`: of a
 * canary, a claim that is false. One missed means that the checker's word on its suite is worth nothing.
 */
export type Verdict = "proven" | "refuted" | "open" | "vacuous" | "caught" | "missed";

export interface Property {
  suite: string;
  name: string;
  /** The property in words. */
  statement: string;
  verdict: Verdict;
  /** The number of the checker's own questions that it took. If it is `proven`, so are all of them. */
  questions: number;
  /** The checker's words, unless proven. */
  reason?: string;
}

type Judgement = Pick<Property, "verdict" | "reason">;

interface Node {
  nodeType: string;
  name: string;
  kind: string;
  visibility: string;
  src: string;
  nodes: Node[];
  documentation?: { text: string };
}

interface Output {
  errors?: {
    severity: string;
    message: string;
    formattedMessage: string;
    sourceLocation?: { file: string; start: number };
  }[];
  sources: Record<string, { ast: Node }>;
}

/** The solver wants a thread for one of its strategies, which the compiler from npm cannot give it. */
class SolverFailure extends Error {}

const SOLVER_FAILURE = /thread constructor failed/;

interface Answer {
  answer: string;
  message: string;
  place: { file: string; start: number };
}

const compileJson = solc.compile as (
  input: string,
  callbacks: { import: (file: string) => { contents: string } },
) => string;

/** Matches the checker's answer to one of its questions: BMC: <question> [check is safe!|happens here.|might happen here.] */
const ANSWER = /^(?:BMC|CHC): .*(check is safe!|might happen|happens here|Error during interaction)/;

/** The shipped source with the edits, each of which must apply. */
function edited(file: string, source: string, edits: Edit[]): string {
  return edits
    .filter((edit) => edit.file === file)
    .reduce((text, { pattern, replacement }) => {
      const changed = text.replace(pattern, replacement);
      if (changed === text) throw new Error(`${file} has no ${pattern}: bring lab/formal/suites.ts up to date`);
      return changed;
    }, source);
}

const readShipped = (file: string): string =>
  readFileSync(path.join(ROOT, file.startsWith("@") ? path.join("node_modules", file) : file), "utf8");

function sourceOf(suite: Suite, file: string, shipped: (file: string) => string): string {
  return file in suite.standIns
    ? readFileSync(path.join(ROOT, STAND_INS, suite.standIns[file]), "utf8")
    : edited(file, shipped(file), suite.edits);
}

function compile(
  suite: Suite,
  file: string,
  content: string,
  engine: "bmc" | "none",
  shipped: (file: string) => string,
): Output {
  const targets = suite.checks === "assertions" ? ["assert"] : suite.checks;
  const input = {
    language: "Solidity",
    sources: { [file]: { content } },
    settings: {
      evmVersion: "cancun",
      outputSelection: { "*": { "": ["ast"] } },
      // What is checked has no loops and calls nothing outside, and there BMC, which inlines every call, is exact. CHC
      // stops at the first product or quotient of two unknowns that it would have to carry through a call.
      modelChecker: {
        engine,
        solvers: ["z3"],
        targets,
        contracts: { [file]: [suite.name] },
        showProvedSafe: true,
        showUnproved: true,
      },
    },
  };
  const read = (imported: string) => ({ contents: sourceOf(suite, imported, shipped) });
  const output = JSON.parse(compileJson(JSON.stringify(input), { import: read })) as Output;

  const failures = output.errors?.filter(({ severity }) => severity === "error") ?? [];
  if (failures.some(({ message }) => SOLVER_FAILURE.test(message))) throw new SolverFailure();
  if (failures.length > 0) throw new Error(failures.map(({ formattedMessage }) => formattedMessage).join("\n"));
  return output;
}

/** The properties of a suite, and the checker's answers about each. */
function answers(suite: Suite, file: string, output: Output): { property: Node; answers: Answer[] }[] {
  const contract = output.sources[file].ast.nodes.find(({ nodeType }) => nodeType === "ContractDefinition");
  const all = (output.errors ?? []).flatMap(({ message, sourceLocation }) => {
    const answer = ANSWER.exec(message)?.[1];
    return answer === undefined || sourceLocation === undefined ? [] : [{ answer, message, place: sourceLocation }];
  });

  const properties = (contract?.nodes ?? []).filter((node) => isProperty(node, suite));
  const canaries = properties.filter(isCanary);
  const isOf = (property: Node, { place }: Answer): boolean =>
    suite.checks === "assertions" || isCanary(property)
      ? isWithin(property, place, file)
      : canaries.every((canary) => !isWithin(canary, place, file));
  return properties.map((property) => ({ property, answers: all.filter((answer) => isOf(property, answer)) }));
}

/** Whether a claim is false, so that the checker has to refute it. */
const isCanary = ({ name }: Node): boolean => name.startsWith("canary");

const isProperty = ({ nodeType, visibility, kind }: Node, suite: Suite): boolean =>
  nodeType === "FunctionDefinition" &&
  (kind === "constructor" ? suite.checks === "assertions" : visibility !== "internal");

function isWithin({ src }: Node, place: { file: string; start: number }, file: string): boolean {
  const [start, length] = src.split(":").map(Number);
  return place.file === file && place.start >= start && place.start < start + length;
}

function verdictOf(found: Answer[]): Judgement {
  const refuted = found.find(({ answer }) => answer === "happens here");
  if (refuted !== undefined) return { verdict: "refuted", reason: refuted.message };
  const unproven = found.find(({ answer }) => answer !== "check is safe!");
  if (unproven !== undefined) return { verdict: "open", reason: unproven.message };
  return found.length > 0 ? { verdict: "proven" } : { verdict: "open", reason: "the checker was asked nothing" };
}

/** The suite with claims that are false wherever they are reached, after all that was claimed has been computed. */
const absurd = (content: string, suite: Suite): string =>
  suite.checks === "assertions"
    ? content.replace(/\bassert\(([^;]*)\);/g, "{ bool claimed = $1; assert(false); }")
    : content.replace(/(\n {4}function \w+\([^{]*\{[^}]*)\}/, "$1assert(false); }");

/**
 * Checks a suite against the shipped sources. Two things keep a proof from being one of nothing:
 *
 * - the suite's canaries, which are false on some way through the code, have to be refuted;
 * - each property is checked a second time with an absurd claim in its place: one that is "proven" too requires what can
 *   never be met.
 *
 * @param shipped The source at an import path, the tree's unless given.
 * @throws Error when a source does not compile, an edit no longer applies, or the suite has no canary.
 */
export function check(suite: Suite, shipped: (file: string) => string = readShipped): Property[] {
  const file = `${PROPERTIES}/${suite.name}.sol`;
  const content = readFileSync(path.join(ROOT, file), "utf8");

  const claimed = asked(suite, file, content, shipped);
  if (!claimed.some(({ property }) => isCanary(property))) {
    throw new Error(`${file} has no canary: add a function canary… with a false claim that has to be refuted`);
  }
  const absurdities = asked({ ...suite, checks: "assertions" }, file, absurd(content, suite), shipped);
  const vacuous = new Set(
    absurdities.filter(({ verdict }) => verdict.verdict === "proven").map(({ property }) => property.name),
  );

  return claimed.map(({ property, verdict, questions }) => ({
    suite: suite.name,
    name: property.name || "constructor",
    statement: (property.documentation?.text ?? "").replace("@notice ", "").replace(/\s+/g, " "),
    questions,
    ...(isCanary(property) ? judgeCanary(verdict) : judge(verdict, vacuous.has(property.name))),
  }));
}

const judge = (found: Judgement, isVacuous: boolean): Judgement =>
  found.verdict === "proven" && isVacuous ? { verdict: "vacuous", reason: "what it requires can never be met" } : found;

const judgeCanary = ({ verdict }: Judgement): Judgement =>
  verdict === "refuted"
    ? { verdict: "caught" }
    : { verdict: "missed", reason: `it is false, but the answer is ${verdict}` };

interface Asked {
  property: Node;
  questions: number;
  verdict: Judgement;
}

function asked(suite: Suite, file: string, content: string, shipped: (file: string) => string): Asked[] {
  try {
    return answers(suite, file, compile(suite, file, content, "bmc", shipped)).map(({ property, answers: found }) => ({
      property,
      questions: found.length,
      verdict: verdictOf(found),
    }));
  } catch (error) {
    if (!(error instanceof SolverFailure)) throw error;
    const unasked = answers(suite, file, compile(suite, file, content, "none", shipped));
    return unasked.map(({ property }) => ({
      property,
      questions: 0,
      verdict: { verdict: "open", reason: "the solver wants a thread, which the compiler from npm cannot give it" },
    }));
  }
}
