import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import solc from "solc";
import type { JsonFragment } from "ethers";

const ROOT = path.join(__dirname, "../..");

/** A node of solc's syntax tree, as far as it is read here. */
export interface Node {
  id: number;
  nodeType: string;
  name?: string;
  src: string;
  [field: string]: unknown;
}

export interface StorageLayout {
  storage: { label: string; slot: string; offset: number; type: string }[];
  types: Record<
    string,
    { label: string; numberOfBytes: string; members?: { label: string; slot: string; offset: number; type: string }[] }
  > | null;
}

/** The part of solc's output that describes a deployed contract. */
export interface Compiled {
  name: string;
  /** From the root of the tree. */
  file: string;
  abi: JsonFragment[];
  layout: StorageLayout;
  definition: Node;
}

/** All that was compiled: the deployed contracts, and every function, modifier and base by its id in the tree. */
export interface Compilation {
  contracts: Compiled[];
  byId: Map<number, Node>;
  /** The source that a node stands for. */
  textOf: (node: Node) => string;
}

interface Output {
  errors?: { severity: string; formattedMessage: string }[];
  contracts: Record<string, Record<string, { abi: JsonFragment[]; storageLayout: StorageLayout }>>;
  sources: Record<string, { id: number; ast: Node }>;
}

const compileJson = solc.compile as (
  input: string,
  callbacks: { import: (file: string) => { contents: string } },
) => string;

const readSource = (file: string): string =>
  readFileSync(path.join(ROOT, file.startsWith("@") ? path.join("node_modules", file) : file), "utf8");

/**
 * Has solc read contracts/, without making code of it, which is what takes long.
 * @param read the source at an import path, the tree's unless given
 */
export function compile(read: (file: string) => string = readSource): Compilation {
  const files = readdirSync(path.join(ROOT, "contracts"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".sol") && !/^(?:mocks|interfaces|libraries|types)\//.test(file))
    .map((file) => `contracts/${file}`)
    .sort();
  const input = {
    language: "Solidity",
    sources: Object.fromEntries(files.map((file) => [file, { content: read(file) }])),
    settings: { evmVersion: "cancun", outputSelection: { "*": { "*": ["abi", "storageLayout"], "": ["ast"] } } },
  };
  const importing = { import: (file: string) => ({ contents: read(file) }) };
  const output = JSON.parse(compileJson(JSON.stringify(input), importing)) as Output;
  const failures = output.errors?.filter(({ severity }) => severity === "error") ?? [];
  if (failures.length > 0) throw new Error(failures.map(({ formattedMessage }) => formattedMessage).join("\n"));

  return compilation(files, output, read);
}

function compilation(files: string[], output: Output, read: (file: string) => string): Compilation {
  const sourceNames = new Map(Object.entries(output.sources).map(([file, { id }]) => [id, file]));
  const byId = new Map<number, Node>();
  for (const { ast } of Object.values(output.sources)) index(ast, byId);

  const contracts = files.flatMap((file) =>
    childrenOf(output.sources[file].ast)
      .filter((node) => node.nodeType === "ContractDefinition" && node.contractKind === "contract" && !node.abstract)
      .map((definition): Compiled => {
        const name = definition.name ?? "";
        const { abi, storageLayout } = output.contracts[file][name];
        return { name, file, abi, layout: storageLayout, definition };
      }),
  );
  const textOf = ({ src }: Node) => {
    const [start, length, source] = src.split(":").map(Number);
    const bytes = Buffer.from(read(sourceNames.get(source) ?? ""), "utf8");
    return bytes.subarray(start, start + length).toString("utf8");
  };
  return { contracts, byId, textOf };
}

/** Returns the nodes directly below a node, of all its fields. */
export function childrenOf(node: Node): Node[] {
  return Object.values(node).flatMap((field) => (Array.isArray(field) ? (field as unknown[]) : [field]).filter(isNode));
}

const isNode = (value: unknown): value is Node => typeof value === "object" && value !== null && "nodeType" in value;

function index(node: Node, byId: Map<number, Node>): void {
  byId.set(node.id, node);
  for (const child of childrenOf(node)) index(child, byId);
}
