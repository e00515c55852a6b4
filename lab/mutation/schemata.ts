import path from "node:path";

import { child, children, list, spanOf, walk, type AstNode } from "./ast";
import { mutationsOf, type Mutation } from "./operators";

/** A mutant: one mutation, by the number that makes it active. */
export interface Mutant {
  /** From 1. */
  id: number;
  contract: string;
  function: string;
  operator: string;
  /** What was there and what is there instead, on one line. */
  source: string;
  replacement: string;
  /** Which of several alike in the function, from 1. */
  occurrence: number;
  line: number;
}

/** A source with every mutant of it inside. */
export interface Schemata {
  text: string;
  mutants: Mutant[];
}

/** The name that the instrumented sources call their switch by. */
export const SWITCH = "Mutant";

/** OpenZeppelin's modifier, but for a mutant that goes without it. */
const GUARD = `modifier nonReentrantUnless(uint256 mutant) {
    bool isGuarded = !${SWITCH}.on(mutant);
    if (isGuarded) ${SWITCH}.enter(_reentrancyGuardStorageSlot());
    _;
    if (isGuarded) ${SWITCH}.leave(_reentrancyGuardStorageSlot());
}`;

/** What a mutant is known by when lines move. */
export function keyOf({ contract, function: name, operator, source, replacement, occurrence }: MutantKey): string {
  return [contract, name, operator, source, replacement, occurrence].join(" | ");
}

export type MutantKey = Omit<Mutant, "id" | "line">;

/** The declarations in a set of trees, by id. */
export function declarationsOf(trees: readonly AstNode[]): Map<number, AstNode> {
  const found = new Map<number, AstNode>();
  for (const tree of trees) {
    for (const node of walk(tree)) {
      if (/Definition$|^VariableDeclaration$|^EnumValue$/.test(node.nodeType)) found.set(Number(node.id), node);
    }
  }
  return found;
}

/**
 * Puts every mutant of a source into one: each expression becomes a choice and each statement a branch by the number of
 * the active mutant; with none active the source does what it did.
 *
 * @param source The source, as UTF-8.
 * @param tree Its tree as solc returns it.
 * @param declarations Those of all sources compiled with it.
 * @param firstId The first mutant's number.
 * @param importPath Where the source finds the switch.
 */
export function instrument(
  source: string,
  tree: AstNode,
  declarations: ReadonlyMap<number, AstNode>,
  firstId: number,
  importPath: string,
): Schemata {
  // solc counts bytes
  const text = Buffer.from(source, "utf8").toString("latin1");
  const mutants: Mutant[] = [];
  const sites = new Map<AstNode, Placed[]>();
  const guards: Insertion[] = [];

  const add = (contract: string, name: string, mutation: Mutation) => {
    const id = firstId + mutants.length;
    const { start, end } = spanOf(mutation.node);
    const key = {
      contract,
      function: name,
      operator: mutation.operator,
      source: oneLine(text.slice(start, end)),
      replacement: oneLine(mutation.replacement),
    };
    const alike = mutants.filter((other) => keyOf({ ...other, occurrence: 1 }) === keyOf({ ...key, occurrence: 1 }));
    mutants.push({ id, ...key, occurrence: alike.length + 1, line: text.slice(0, start).split("\n").length });
    sites.set(mutation.node, [...(sites.get(mutation.node) ?? []), { id, mutation }]);
  };

  for (const [owner, container] of containersOf(tree)) {
    for (const definition of list(container, "nodes").filter(({ nodeType }) => nodeType === "FunctionDefinition")) {
      const name = String(definition.name) || String(definition.kind);
      for (const modifier of list(definition, "modifiers")) {
        if (text.slice(spanOf(modifier).start, spanOf(modifier).end) !== "nonReentrant") continue;
        if (guards.every(({ at }) => at < spanOf(container).start)) {
          guards.push({ at: text.indexOf("{", spanOf(container).start) + 1, text: `\n${GUARD}` });
        }
        add(owner, name, { operator: "drop modifier", node: modifier, replacement: "" });
      }
      if (list(definition, "body").length === 0) continue;
      const returns = list(child(definition, "returnParameters"), "parameters");
      const found = mutationsOf(child(definition, "body"), { text, declarations }, returns);
      for (const mutation of found) add(owner, name, mutation);
    }
  }

  const pragmaEnd = text.indexOf(";", text.indexOf("pragma solidity")) + 1;
  const insertions = [
    { at: pragmaEnd, text: `\nimport { ${SWITCH} } from "${importPath}";` },
    ...guards,
    ...surroundings(tree, sites, text),
  ].sort((a, b) => a.at - b.at);
  const instrumented = insert(text, insertions);
  return { text: Buffer.from(instrumented, "latin1").toString("utf8"), mutants: mutants.map(toUtf8) };
}

/** Returns what functions stand in, by name: contracts and libraries, and the source itself, named by its file. */
function containersOf(tree: AstNode): [string, AstNode][] {
  const contracts = list(tree, "nodes").filter(({ nodeType }) => nodeType === "ContractDefinition");
  const file = path.basename(String(tree.absolutePath), ".sol");
  return [...contracts.map((contract): [string, AstNode] => [String(contract.name), contract]), [file, tree]];
}

function oneLine(text: string): string {
  return text
    .replace(/\/\/.*$/gm, "")
    .replace(/\s+/g, " ")
    .trim();
}

function toUtf8(mutant: Mutant): Mutant {
  const decode = (text: string) => Buffer.from(text, "latin1").toString("utf8");
  return { ...mutant, source: decode(mutant.source), replacement: decode(mutant.replacement) };
}

/** A mutation with its number. */
interface Placed {
  id: number;
  mutation: Mutation;
}

/** What is put in around every mutated node: at one place the outer node's before the inner's, and after it behind. */
function surroundings(node: AstNode, sites: ReadonlyMap<AstNode, Placed[]>, text: string): Insertion[] {
  const inner = children(node).flatMap((below) => surroundings(below, sites, text));
  const mutants = sites.get(node);
  if (mutants === undefined) return inner;
  const [before, after] = insertionsAt(node, mutants, text);
  return [before, ...inner, after];
}

/** Text to put in at a byte of the source. */
interface Insertion {
  at: number;
  text: string;
}

/** What surrounds a mutated node, so that the active mutant's replacement takes its place. */
function insertionsAt(node: AstNode, mutants: readonly Placed[], text: string): [before: Insertion, after: Insertion] {
  const { start, end } = spanOf(node);
  if (node.nodeType === "ModifierInvocation") {
    return [
      { at: start, text: "" },
      { at: end, text: `Unless(${mutants[0].id})` },
    ];
  }
  if (!/Statement$|^InlineAssembly$/.test(node.nodeType)) {
    const choices = mutants.map(({ id, mutation }) => `${SWITCH}.on(${id}) ? ${mutation.replacement} : `);
    return [
      { at: start, text: `(${choices.join("")}` },
      { at: end, text: ")" },
    ];
  }
  // the semicolon is not part of solc's statement
  const semicolon = node.nodeType === "InlineAssembly" ? "" : ";";
  const branches = mutants.map(({ id, mutation: { replacement } }) => {
    const body = replacement === "" ? "" : ` ${replacement}${semicolon} `;
    return `if (${SWITCH}.on(${id})) {${body}} else `;
  });
  return [
    { at: start, text: `{ ${branches.join("")}{ ` },
    { at: semicolon ? text.indexOf(semicolon, end) + 1 : end, text: " } }" },
  ];
}

function insert(text: string, insertions: readonly Insertion[]): string {
  let result = "";
  let from = 0;
  for (const insertion of insertions) {
    result += text.slice(from, insertion.at) + insertion.text;
    from = insertion.at;
  }
  return result + text.slice(from);
}
