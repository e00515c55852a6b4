import { readFile } from "node:fs/promises";
import path from "node:path";

import { getBytes, hexlify, Interface } from "ethers";
import type { Artifacts, BuildInfo, CompilerInput } from "hardhat/types";

import { TuringFogError } from "../errors";

/** Where an immutable stands in the runtime code. */
export interface ImmutableReference {
  /** As it is declared. */
  name: string;
  start: number;
  length: number;
}

/** A contract as the local build has it. */
export interface CompiledContract {
  /** As `contracts/TFT.sol:TFT`. */
  fullyQualifiedName: string;
  abi: Interface;
  /** Without constructor arguments. */
  creationCode: string;
  /** With zeros for the immutables, and the metadata's hash at its end. */
  runtimeCode: string;
  immutables: ImmutableReference[];
  /** As `0.8.37+commit.f401782d`. */
  compilerVersion: string;
  /** The compiler's standard JSON input with the sources of this contract alone, which make the same code. */
  input: CompilerInput;
}

/** An immutable of the build that nothing is known of, so that it could not be checked. */
export class UnknownImmutableError extends TuringFogError {
  constructor(
    readonly contract: string,
    readonly immutable: string,
  ) {
    super(`No value is known for the immutable ${immutable} of ${contract}; say in expected.ts what it must be`);
  }
}

interface Metadata {
  compiler: { version: string };
  sources: Record<string, unknown>;
}

/** Reads a contract from the local build. */
export async function compiledContract(artifacts: Artifacts, name: string): Promise<CompiledContract> {
  const { sourceName, contractName, abi, bytecode, deployedBytecode } = await artifacts.readArtifact(name);
  const fullyQualifiedName = `${sourceName}:${contractName}`;
  const { input, output } = await buildInfoOf(artifacts, fullyQualifiedName);
  const compiled = output.contracts[sourceName][contractName] as (typeof output.contracts)[string][string] & {
    metadata: string;
  };
  const metadata = JSON.parse(compiled.metadata) as Metadata;
  const names = immutableNames(Object.values(output.sources).map(({ ast }) => ast as unknown));
  const references = Object.entries(compiled.evm.deployedBytecode.immutableReferences ?? {});

  return {
    fullyQualifiedName,
    abi: new Interface(abi),
    creationCode: bytecode,
    runtimeCode: deployedBytecode,
    immutables: references.flatMap(([id, places]) =>
      places.map((place) => ({ name: names.get(Number(id)) ?? id, ...place })),
    ),
    compilerVersion: metadata.compiler.version,
    input: { ...input, sources: pick(input.sources, Object.keys(metadata.sources)) },
  };
}

/** By its path: most contracts share one, of some ten megabytes. */
const buildInfos = new Map<string, Promise<BuildInfo>>();

async function buildInfoOf(artifacts: Artifacts, contract: string): Promise<BuildInfo> {
  const debugFile = artifacts.formArtifactPathFromFullyQualifiedName(contract).replace(/\.json$/, ".dbg.json");
  const { buildInfo } = await readJson<{ buildInfo: string }>(debugFile);
  const file = path.resolve(path.dirname(debugFile), buildInfo);
  const read = buildInfos.get(file) ?? readJson<BuildInfo>(file);
  buildInfos.set(file, read);
  return read;
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, "utf8")) as T;
}

/** The names of all immutables of a build, by the id that the compiler refers to them with. */
function immutableNames(sources: unknown[]): Map<number, string> {
  const names = new Map<number, string>();
  for (const node of sources.flatMap(children).flatMap(children)) {
    if (isImmutable(node)) names.set(node.id, node.name);
  }
  return names;
}

function children(node: unknown): unknown[] {
  return (node as { nodes?: unknown[] } | undefined)?.nodes ?? [];
}

function isImmutable(node: unknown): node is { id: number; name: string } {
  return (node as { mutability?: string }).mutability === "immutable";
}

function pick<T>(record: Record<string, T>, keys: string[]): Record<string, T> {
  return Object.fromEntries(keys.map((key) => [key, record[key]]));
}

/**
 * The runtime code of a contract whose immutables have these values.
 * @param values 32 bytes each, by the immutable's name
 * @throws UnknownImmutableError when one has none
 */
export function withImmutables(contract: CompiledContract, values: Record<string, string>): string {
  const code = getBytes(contract.runtimeCode);
  for (const { name, start } of contract.immutables) {
    if (!Object.hasOwn(values, name)) throw new UnknownImmutableError(contract.fullyQualifiedName, name);
    code.set(getBytes(values[name]), start);
  }
  return hexlify(code);
}
