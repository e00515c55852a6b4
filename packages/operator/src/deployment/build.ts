import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";

import { TuringFogError } from "@turingfog/sdk";
import { CONTRACTS } from "@turingfog/sdk/ethers";
import { writeAtomically } from "@turingfog/sdk/node";
import { getBytes, hexlify, Interface, type JsonFragment } from "ethers";

/** Place of an immutable in runtime code. */
export interface ImmutableReference {
  /** Name in its declaration. */
  name: string;
  start: number;
  length: number;
}

/** The compiler's standard JSON input. */
export interface CompilerInput {
  language: string;
  sources: Record<string, { content: string }>;
  settings: unknown;
}

/** A contract as the compiler made it. */
export interface CompiledContract {
  /** Fully qualified name, as `contracts/TFT.sol:TFT`. */
  fullyQualifiedName: string;
  abi: Interface;
  /** Creation code without constructor arguments. */
  creationCode: string;
  /** Runtime code with zeros for the immutables, and with the metadata's hash at its end. */
  runtimeCode: string;
  immutables: ImmutableReference[];
  /** Version of the compiler, as `0.8.37+commit.f401782d`. */
  compilerVersion: string;
  /** Compiler input with the sources of this contract alone, which give the same code. */
  input: CompilerInput;
}

/** The contracts that a deployment consists of, by their names in Solidity. */
export type Build = ReadonlyMap<string, CompiledContract>;

/** Thrown when a build lacks a contract. */
export class NotInBuildError extends TuringFogError {
  constructor(readonly contract: string) {
    super(`The build has no ${contract}: run \`npm run compile\``);
  }
}

/** Thrown when there is no packed build. */
export class NoBuildError extends TuringFogError {
  constructor(readonly file: string) {
    super(`There is no build at ${file}: run \`npm run compile\``);
  }
}

/** Thrown when a contract of a checkout was changed after its build was packed. */
export class StaleBuildError extends TuringFogError {
  constructor(readonly source: string) {
    super(`The packed build is not of ${source} as it stands: run \`npm run compile\``);
  }
}

/** Thrown when a build has an immutable without a known value, which could not be checked. */
export class UnknownImmutableError extends TuringFogError {
  constructor(
    readonly contract: string,
    readonly immutable: string,
  ) {
    super(`No value is known for the immutable ${immutable} of ${contract}: add it to expected.ts`);
  }
}

/**
 * Returns a contract of a build.
 * @throws NotInBuildError
 */
export function contractOf(build: Build, name: string): CompiledContract {
  const contract = build.get(name);
  if (contract === undefined) throw new NotInBuildError(name);
  return contract;
}

/** File of the build that this package carries. In a checkout, `npm run compile` writes it. */
const PACKED = path.join(__dirname, "../../artifacts/build.json");

/** Folder above this package: a checkout, or where npm has installed it. */
const CHECKOUT = path.join(__dirname, "../../../..");

type PackedContract = Omit<CompiledContract, "abi"> & { abi: JsonFragment[] };

/**
 * Reads the build that this package carries. In a checkout, it must be of the contracts that are there.
 * @throws NoBuildError, StaleBuildError
 */
export async function readBuild(file = PACKED, checkout = CHECKOUT): Promise<Build> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw error.code === "ENOENT" ? new NoBuildError(file) : error;
  });
  const contracts = JSON.parse(text) as Record<string, PackedContract>;
  if (existsSync(path.join(checkout, "contracts"))) await checkSources(contracts, checkout);
  return new Map(
    Object.entries(contracts).map(([name, contract]) => [name, { ...contract, abi: new Interface(contract.abi) }]),
  );
}

async function checkSources(contracts: Record<string, PackedContract>, checkout: string): Promise<void> {
  const sources = new Map(Object.values(contracts).flatMap(({ input }) => Object.entries(input.sources)));
  for (const [source, { content }] of sources) {
    if (!source.startsWith("contracts/")) continue;
    const file = path.join(checkout, source);
    if (!existsSync(file) || (await readFile(file, "utf8")) !== content) throw new StaleBuildError(source);
  }
}

/** Writes a build for {@link readBuild}. */
export async function writeBuild(build: Build, file = PACKED): Promise<void> {
  const contracts = Array.from(build, ([name, contract]) => [
    name,
    { ...contract, abi: JSON.parse(contract.abi.formatJson()) as JsonFragment[] },
  ]);
  await writeAtomically(file, JSON.stringify(Object.fromEntries(contracts)));
}

/**
 * Reads the build out of Hardhat's artifacts.
 * @param artifacts Hardhat's folder of artifacts
 * @throws NotInBuildError
 */
export async function readHardhatBuild(artifacts: string): Promise<Build> {
  const files = await readdir(artifacts, { recursive: true });
  const names = new Set(Object.values(CONTRACTS).map(({ name }) => name));
  const contracts = Array.from(names, async (name): Promise<[string, CompiledContract]> => {
    const file = files.find((each) => path.basename(each) === `${name}.json`);
    if (file === undefined) throw new NotInBuildError(name);
    return [name, await compiledContract(path.join(artifacts, file))];
  });
  return new Map(await Promise.all(contracts));
}

/** Fields of Hardhat's artifacts and build infos that are read here. */
interface Artifact {
  sourceName: string;
  contractName: string;
  abi: JsonFragment[];
  bytecode: string;
  deployedBytecode: string;
}

interface BuildInfo {
  input: CompilerInput;
  output: {
    contracts: Record<
      string,
      Record<
        string,
        {
          metadata: string;
          evm: { deployedBytecode: { immutableReferences?: Record<string, { start: number; length: number }[]> } };
        }
      >
    >;
    sources: Record<string, { ast: unknown }>;
  };
}

interface Metadata {
  compiler: { version: string };
  sources: Record<string, unknown>;
}

async function compiledContract(file: string): Promise<CompiledContract> {
  const { sourceName, contractName, abi, bytecode, deployedBytecode } = await readJson<Artifact>(file);
  const { input, output } = await buildInfoOf(file);
  const compiled = output.contracts[sourceName][contractName];
  const metadata = JSON.parse(compiled.metadata) as Metadata;
  const names = immutableNames(Object.values(output.sources).map(({ ast }) => ast));
  const references = Object.entries(compiled.evm.deployedBytecode.immutableReferences ?? {});

  return {
    fullyQualifiedName: `${sourceName}:${contractName}`,
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

/** Build infos by path, read once: most contracts share one of some ten megabytes. */
const buildInfos = new Map<string, Promise<BuildInfo>>();

async function buildInfoOf(artifact: string): Promise<BuildInfo> {
  const { buildInfo } = await readJson<{ buildInfo: string }>(artifact.replace(/\.json$/, ".dbg.json"));
  const file = path.resolve(path.dirname(artifact), buildInfo);
  const read = buildInfos.get(file) ?? readJson<BuildInfo>(file);
  buildInfos.set(file, read);
  return read;
}

async function readJson<T>(file: string): Promise<T> {
  return JSON.parse(await readFile(file, "utf8")) as T;
}

/** Returns the names of all immutables of a build, by the ids with which the compiler refers to them. */
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
 * Returns the runtime code of a contract whose immutables have the given values.
 * @param values 32 bytes each, by the immutable's name
 * @throws UnknownImmutableError if an immutable has none
 */
export function withImmutables(contract: CompiledContract, values: Record<string, string>): string {
  const code = getBytes(contract.runtimeCode);
  for (const { name, start } of contract.immutables) {
    if (!Object.hasOwn(values, name)) throw new UnknownImmutableError(contract.fullyQualifiedName, name);
    code.set(getBytes(values[name]), start);
  }
  return hexlify(code);
}
