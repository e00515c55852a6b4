import { childrenOf, type Compilation, type Compiled, type Node } from "./compile";

/** Who may call a function that changes something. */
export interface Caller {
  /** As in the ABI: name and types. */
  signature: string;
  /** Whom the caller is compared with, as the source says it; undefined where anyone may call. */
  role?: string;
  /** The error with which everyone else is refused. */
  error?: string;
}

interface Guard {
  role: string;
  error: string;
}

/**
 * Who may call what, read from the source: a function is restricted when it, a modifier of it or a function that it calls
 * as a statement of its own begins a path with `if (msg.sender != role) revert Error(…)`, outside of any condition.
 */
export function callers({ definition }: Compiled, compilation: Compilation): Caller[] {
  const bases = (definition.linearizedBaseContracts as number[]).map((id) => compilation.byId.get(id) as Node);
  const seen = new Set<string>();

  return bases
    .flatMap(childrenOf)
    .filter((node) => node.nodeType === "FunctionDefinition" && isEntry(node))
    .flatMap((node) => {
      const signature = signatureOf(node, compilation);
      if (seen.has(signature) || node.body === undefined || node.body === null) return [];
      seen.add(signature);
      return [{ signature, ...guardOf(node, compilation, new Set()) }];
    })
    .sort((a, b) => (a.signature < b.signature ? -1 : 1));
}

const isEntry = (node: Node): boolean =>
  ["external", "public"].includes(node.visibility as string) &&
  ["nonpayable", "payable"].includes(node.stateMutability as string) &&
  node.kind !== "constructor";

function signatureOf(node: Node, { textOf }: Compilation): string {
  const parameters = childrenOf(node.parameters as Node).map(
    (parameter) => (parameter.typeName === undefined ? "" : textOf(parameter.typeName as Node)) || "",
  );
  return `${node.name || (node.kind as string)}(${parameters.join(",")})`;
}

function guardOf(definition: Node, compilation: Compilation, visited: Set<number>): Guard | undefined {
  if (visited.has(definition.id)) return undefined;
  visited.add(definition.id);

  const modifiers = ((definition.modifiers ?? []) as Node[]).map((node) => node.modifierName as Node);
  const body = definition.body as Node | undefined;
  const statements = body === undefined || body === null ? [] : ((body.statements ?? []) as Node[]);
  for (const statement of [...modifiers, ...statements]) {
    const found = guardIn(statement, compilation) ?? guardBehind(statement, compilation, visited);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `if (msg.sender != role) revert Error(…)`. */
function guardIn(statement: Node, { textOf }: Compilation): Guard | undefined {
  if (statement.nodeType !== "IfStatement") return undefined;
  const condition = statement.condition as Node;
  const body = statement.trueBody as Node;
  const revert = body.nodeType === "Block" ? (body.statements as Node[])[0] : body;
  if (condition.operator !== "!=" || revert?.nodeType !== "RevertStatement") return undefined;

  const sides = [condition.leftExpression as Node, condition.rightExpression as Node].map(textOf);
  const role = sides.find((side) => !isSender(side));
  if (role === undefined || !sides.some(isSender)) return undefined;
  return { role, error: textOf((revert.errorCall as Node).expression as Node) };
}

const isSender = (text: string): boolean => text === "msg.sender" || text === "_msgSender()";

/** The guard of the modifier or function that the statement is a use of. */
function guardBehind(statement: Node, compilation: Compilation, visited: Set<number>): Guard | undefined {
  const expression = statement.nodeType === "ExpressionStatement" ? (statement.expression as Node) : statement;
  const name = expression.nodeType === "FunctionCall" ? (expression.expression as Node) : expression;
  const target = compilation.byId.get(name.referencedDeclaration as number);
  return target?.nodeType === "FunctionDefinition" || target?.nodeType === "ModifierDefinition"
    ? guardOf(target, compilation, visited)
    : undefined;
}
