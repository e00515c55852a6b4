import { child, children, isNode, list, spanOf, typeOf, walk, type AstNode, type Span } from "./ast";

/** One change to one function. */
export interface Mutation {
  operator: string;
  /** The expression or statement that is changed. */
  node: AstNode;
  /** What stands there instead; of a statement nothing, if it is dropped. */
  replacement: string;
}

/** What the operators see of a source besides the node at hand. */
export interface Context {
  /** The source, a character a byte. */
  text: string;
  /** Declarations of every source that was compiled with it, by id. */
  declarations: ReadonlyMap<number, AstNode>;
}

const SWAPPED: Record<string, string[]> = {
  "<": ["<="],
  "<=": ["<"],
  ">": [">="],
  ">=": [">"],
  "==": ["!="],
  "!=": ["=="],
  "+": ["-"],
  "-": ["+"],
  "*": ["/"],
  "/": ["*"],
  "%": ["*"],
  "**": ["*"],
  "<<": [">>"],
  ">>": ["<<"],
  "&": ["|"],
  "|": ["&"],
  "&&": ["||"],
  "||": ["&&"],
  "++": ["--"],
  "--": ["++"],
  "+=": ["-=", "="],
  "-=": ["+=", "="],
  "|=": ["&="],
};

/**
 * Library functions by what they are mistaken for: a call `a.ceilDiv(b)` becomes `(a / b)`. Maps, because a source may
 * call a function by a name that every object of JavaScript has, as toString.
 */
const SWAPPED_MEMBERS = new Map([
  ["min", "max"],
  ["max", "min"],
  ["Ceil", "Floor"],
  ["Floor", "Ceil"],
]);
const PLAIN_OPERATORS = new Map([
  ["ceilDiv", "/"],
  ["saturatingSub", "-"],
]);

const SWAPPED_YUL = new Map([
  ["add", "sub"],
  ["sub", "add"],
  ["mul", "add"],
  ["shl", "shr"],
  ["shr", "shl"],
  ["lt", "gt"],
  ["gt", "lt"],
]);

const VALUE_TYPE = /^(u?int\d*|address|bytes\d+|bool)$/;
const INTEGER = /^u?int\d+$/;

/** The mutations of a function's body, in the order of the source. Loops' steps stay: without them nothing ends. */
export function mutationsOf(body: AstNode, context: Context, returns: AstNode[]): Mutation[] {
  const source = new Source(context);
  const found: Mutation[] = [];
  const visit = (node: AstNode, parent: AstNode) => {
    found.push(...mutationsAt(node, parent, source));
    if (node.nodeType === "Return" && returns.length === 1) found.push(...returnMutations(node, returns[0]));
    if (node.nodeType === "InlineAssembly") return;
    for (const below of children(node)) {
      if (node.nodeType === "ForStatement" && below === node.loopExpression) continue;
      if (below.nodeType.endsWith("TypeName") || below.nodeType === "VariableDeclaration") continue;
      visit(below, node);
    }
  };
  visit(body, body);
  return found;
}

/** A source with what its names stand for. */
class Source {
  constructor(private readonly context: Context) {}

  of(node: AstNode): string {
    return this.between(spanOf(node));
  }

  between({ start, end }: Span): string {
    return this.context.text.slice(start, end);
  }

  /** The node's text with parts of it replaced. */
  with(node: AstNode, ...edits: (Span & { text: string })[]): string {
    const { start, end } = spanOf(node);
    let text = "";
    let at = start;
    for (const edit of edits.sort((a, b) => a.start - b.start)) {
      text += this.between({ start: at, end: edit.start }) + edit.text;
      at = edit.end;
    }
    return text + this.between({ start: at, end });
  }

  declarationOf(node: AstNode): AstNode | undefined {
    return this.context.declarations.get(Number(node.referencedDeclaration));
  }

  /** The text between two operands, with its operator exchanged. */
  withOperator(node: AstNode, left: AstNode, right: AstNode, operator: string): string {
    const gap = { start: spanOf(left).end, end: spanOf(right).start };
    const text = this.between(gap).replace(String(node.operator), operator);
    return this.with(node, { ...gap, text });
  }
}

function mutationsAt(node: AstNode, parent: AstNode, source: Source): Mutation[] {
  switch (node.nodeType) {
    case "BinaryOperation":
      return binaryMutations(node, source);
    case "UnaryOperation":
      return unaryMutations(node, parent, source);
    case "Conditional":
      return ["true", "false"].map((truth) => ({
        operator: `choose ${truth}`,
        node,
        replacement: source.with(node, { ...spanOf(child(node, "condition")), text: truth }),
      }));
    case "Literal":
      return literalMutations(node, parent, source);
    case "Identifier":
    case "MemberAccess":
      return nameMutations(node, parent, source);
    case "FunctionCall":
      return isExpressionCall(node, parent) ? callMutations(node, node, source) : [];
    case "IfStatement":
      return ifMutations(node);
    case "ExpressionStatement":
      return expressionStatementMutations(node, source);
    case "EmitStatement":
      return [drop(node), ...callMutations(node, child(node, "eventCall"), source)];
    case "RevertStatement":
      return callMutations(node, child(node, "errorCall"), source);
    case "InlineAssembly":
      return assemblyMutations(node, source);
    default:
      return [];
  }
}

function drop(node: AstNode): Mutation {
  return { operator: "drop statement", node, replacement: "" };
}

function binaryMutations(node: AstNode, source: Source): Mutation[] {
  if (typeOf(node).startsWith("int_const")) return [];
  const [left, right] = [child(node, "leftExpression"), child(node, "rightExpression")];
  const operator = String(node.operator);
  const swapped = SWAPPED[operator].map((other) => ({
    operator: `${operator} to ${other}`,
    node,
    replacement: source.withOperator(node, left, right, other),
  }));
  if (operator !== "&&" && operator !== "||") return swapped;

  const neutral = operator === "&&" ? "true" : "false";
  const operands = [left, right].filter((operand) => operand.operator !== operator);
  return [
    ...swapped,
    ...operands.map((operand) => ({ operator: "drop condition", node: operand, replacement: neutral })),
  ];
}

function unaryMutations(node: AstNode, parent: AstNode, source: Source): Mutation[] {
  const operator = String(node.operator);
  const operand = source.of(child(node, "subExpression"));
  if (operator === "!" || operator === "-") return [{ operator: `drop ${operator}`, node, replacement: operand }];
  if (!(operator in SWAPPED) || parent.nodeType === "ExpressionStatement") return [];

  const [other] = SWAPPED[operator];
  const replacement = node.prefix === true ? `${other}${operand}` : `${operand}${other}`;
  return [{ operator: `${operator} to ${other}`, node, replacement }];
}

function literalMutations(node: AstNode, parent: AstNode, source: Source): Mutation[] {
  if (node.kind === "bool") {
    return [{ operator: "flip", node, replacement: node.value === "true" ? "false" : "true" }];
  }
  const isConverted = parent.nodeType === "FunctionCall" && parent.kind === "typeConversion";
  if (node.kind !== "number" || isConverted || String(node.value).startsWith("0x")) return [];

  const type = literalType(node, parent);
  if (type === undefined) return [];
  const value = source.of(node);
  const changed = value === "0" ? ["1"] : neighbours(value, parent, source);
  return changed.map((other) => ({
    operator: "constant",
    node,
    replacement: type === "" ? other : `${type}(${other})`,
  }));
}

/**
 * What a literal has to be converted to: two literals in a conditional expression have a type of their own, which need
 * not be that of the calculation around them. Empty where it does not matter, undefined where no number is meant.
 */
function literalType(node: AstNode, parent: AstNode): string | undefined {
  if (parent.nodeType === "BinaryOperation") {
    const type = typeOf(parent, "commonType");
    return type.startsWith("uint") ? type : undefined;
  }
  if (parent.nodeType !== "FunctionCall" || parent.kind !== "functionCall") return "";

  const [, parameters = ""] = /^function \(([^()]*)\)/.exec(typeOf(child(parent, "expression"))) ?? [];
  const expected = parameters.split(",")[list(parent, "arguments").indexOf(node)];
  return expected === undefined || !INTEGER.test(expected) ? undefined : "";
}

/** A constant's value one up and one down; one up alone where an error only reports it. */
function neighbours(value: string, parent: AstNode, source: Source): string[] {
  const isReported =
    parent.nodeType === "FunctionCall" &&
    source.declarationOf(child(parent, "expression"))?.nodeType === "ErrorDefinition";
  return isReported ? [`${value} + 1`] : [`${value} + 1`, `${value} - 1`];
}

function nameMutations(node: AstNode, parent: AstNode, source: Source): Mutation[] {
  const declaration = source.declarationOf(node);
  if (declaration?.nodeType === "EnumValue") return enumMutations(node, declaration, source);
  const isConstant = declaration?.nodeType === "VariableDeclaration" && declaration.mutability === "constant";
  if (!isConstant || !INTEGER.test(typeOf(node)) || parent.nodeType === "MemberAccess") return [];

  return neighbours(source.of(node), parent, source).map((value) => ({
    operator: "constant",
    node,
    replacement: `(${value})`,
  }));
}

/** Another member of the same enum: of roundings the opposite, else the next one. */
function enumMutations(node: AstNode, value: AstNode, source: Source): Mutation[] {
  const members = [...(source.declarationOf(child(node, "expression"))?.members as AstNode[])].map(({ name }) =>
    String(name),
  );
  const name = String(value.name);
  const other = SWAPPED_MEMBERS.get(name) ?? members[(members.indexOf(name) + 1) % members.length];
  const replacement = `${source.of(child(node, "expression"))}.${other}`;
  return [{ operator: "other member", node, replacement }];
}

/** Whether a call can stand in a conditional expression: it has one value, which is not a place in storage. */
function isExpressionCall(node: AstNode, parent: AstNode): boolean {
  const isStatement = ["ExpressionStatement", "EmitStatement", "RevertStatement", "TryStatement"];
  return !isStatement.includes(parent.nodeType) && !/^tuple|storage|calldata/.test(typeOf(node));
}

/** Changes to a call, made to `place`: the call itself or the statement around it. */
function callMutations(place: AstNode, call: AstNode, source: Source): Mutation[] {
  if (call.kind === "typeConversion") return [];
  const callee = child(call, "expression");
  const member = callee.nodeType === "MemberAccess" ? String(callee.memberName) : "";
  const args = list(call, "arguments");
  const found: Mutation[] = [];

  const opposite = SWAPPED_MEMBERS.get(member);
  if (opposite !== undefined) {
    const { end } = spanOf(callee);
    const name = { start: end - member.length, end, text: opposite };
    found.push({ operator: `${member} to ${name.text}`, node: place, replacement: source.with(place, name) });
  }
  const plain = PLAIN_OPERATORS.get(member);
  if (plain !== undefined && args.length === 1) {
    const receiver = source.of(child(callee, "expression"));
    const replacement = `((${receiver}) ${plain} (${source.of(args[0])}))`;
    found.push({ operator: `${member} to ${plain}`, node: place, replacement });
  }
  const isCommutative = member === "min" || member === "max";
  for (let i = 1; i < args.length && !isCommutative; ++i) {
    const [a, b] = [args[i - 1], args[i]];
    const isSame = typeOf(a) === typeOf(b) && source.of(a) !== source.of(b);
    if (!isSame || typeOf(a).startsWith("int_const")) continue;
    const swapped = [
      { ...spanOf(a), text: source.of(b) },
      { ...spanOf(b), text: source.of(a) },
    ];
    found.push({ operator: "swap arguments", node: place, replacement: source.with(place, ...swapped) });
  }
  return found;
}

function ifMutations(node: AstNode): Mutation[] {
  const condition = child(node, "condition");
  const body = child(node, "trueBody");
  const [first = body] = list(body, "statements");
  const truths = first.nodeType === "RevertStatement" ? ["false"] : ["false", "true"];
  return truths.map((truth) => ({ operator: `if ${truth}`, node: condition, replacement: truth }));
}

function expressionStatementMutations(node: AstNode, source: Source): Mutation[] {
  const expression = child(node, "expression");
  if (expression.nodeType === "FunctionCall") return [drop(node), ...callMutations(node, expression, source)];
  if (expression.nodeType !== "Assignment") return [drop(node)];

  const [left, right] = [child(expression, "leftHandSide"), child(expression, "rightHandSide")];
  // a local name for a place in storage must be given one
  if (left.nodeType === "Identifier" && typeOf(left).includes("storage pointer")) return [];
  const swapped = SWAPPED[String(expression.operator)] ?? [];
  return [
    drop(node),
    ...swapped.map((other) => ({
      operator: `${String(expression.operator)} to ${other}`,
      node,
      replacement: source.withOperator(expression, left, right, other),
    })),
  ];
}

/** Returning what a variable holds that was never set. */
function returnMutations(node: AstNode, parameter: AstNode): Mutation[] {
  const { expression } = node;
  if (!isNode(expression) || expression.nodeType === "Literal") return [];
  const type = typeOf(parameter);
  if (!VALUE_TYPE.test(type)) return [];
  const zero = type === "bool" ? "false" : `${type}(0)`;
  return [{ operator: "return zero", node: expression, replacement: zero }];
}

/** Whole blocks, because a block of assembly cannot ask which mutant is active without changing what it measures. */
function assemblyMutations(node: AstNode, source: Source): Mutation[] {
  const found: Mutation[] = [];
  const change = (operator: string, part: AstNode, text: string) =>
    found.push({ operator, node, replacement: source.with(node, { ...spanOf(part), text }) });

  for (const part of walk(child(node, "AST"))) {
    if (part.nodeType === "YulForLoop") continue;
    if (part.nodeType === "YulExpressionStatement" || part.nodeType === "YulAssignment")
      change("drop statement", part, "{}");
    if (part.nodeType === "YulFunctionCall") {
      const name = child(part, "functionName");
      const other = SWAPPED_YUL.get(source.of(name));
      if (other !== undefined) change(`${source.of(name)} to ${other}`, name, other);
    }
    if (part.nodeType === "YulLiteral") change("constant", part, `add(${source.of(part)}, 0x20)`);
  }
  return found;
}
