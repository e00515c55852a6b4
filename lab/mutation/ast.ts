/** A node of the tree that solc returns for a source. Nodes of inline assembly have no id. */
export interface AstNode {
  id?: number;
  nodeType: string;
  /** "start:length:file", in bytes. */
  src: string;
  [field: string]: unknown;
}

/** Where a node stands: the bytes from `start` to before `end`. */
export interface Span {
  start: number;
  end: number;
}

export function isNode(value: unknown): value is AstNode {
  return typeof value === "object" && value !== null && "nodeType" in value && "src" in value;
}

/** A child that the grammar requires. */
export function child(node: AstNode, field: string): AstNode {
  const value = node[field];
  if (!isNode(value)) throw new Error(`A ${node.nodeType} at ${node.src} has no ${field}; is this solc's own tree?`);
  return value;
}

/** The nodes in a field that holds a list, or one node, or none. */
export function list(node: AstNode, field: string): AstNode[] {
  const value = node[field];
  return (Array.isArray(value) ? (value as unknown[]) : [value]).filter(isNode);
}

/** All direct children, in the order of the source. */
export function children(node: AstNode): AstNode[] {
  const found = Object.keys(node).flatMap((field) => list(node, field));
  return found.sort((a, b) => spanOf(a).start - spanOf(b).start);
}

/** The node and everything below it, parents first. */
export function* walk(node: AstNode): Generator<AstNode> {
  yield node;
  for (const below of children(node)) yield* walk(below);
}

export function spanOf(node: AstNode): Span {
  const [start, length] = node.src.split(":").map(Number);
  return { start, end: start + length };
}

/** An expression's type as solc writes it, as "uint256" or "int_const 10"; empty where it has none. */
export function typeOf(node: AstNode, field = "typeDescriptions"): string {
  return (node[field] as { typeString?: string } | undefined)?.typeString ?? "";
}
