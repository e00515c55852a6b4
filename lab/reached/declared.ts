import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { dataLength, Interface, type ErrorFragment, type EventFragment, type JsonFragment } from "ethers";

/** An error or an event that a contract can bring forth. */
export interface Outcome {
  contract: string;
  kind: "error" | "event";
  name: string;
  hasArguments: boolean;
  /** Declared by TuringFog itself, not by a library it inherits from. */
  isOwn: boolean;
}

const ROOT = path.join(__dirname, "../..");
const ARTIFACTS = path.join(ROOT, "artifacts");
const CONTRACTS = path.join(ROOT, "contracts");

interface HardhatArtifact {
  contractName: string;
  abi: JsonFragment[];
  deployedBytecode: string;
}

interface Artifact {
  contractName: string;
  abi: JsonFragment[];
  /** Bytes of runtime code. */
  size: number;
}

/** The contracts that are deployed: those of contracts/ that have code of their own, mocks and libraries aside. */
export function deployedContracts(): Artifact[] {
  return solidityFiles(CONTRACTS)
    .filter((file) => !/^(?:mocks|interfaces|libraries|types)\//.test(file))
    .flatMap((file) => {
      const directory = path.join(ARTIFACTS, "contracts", file);
      return readdirSync(directory)
        .filter((name) => name.endsWith(".json") && !name.endsWith(".dbg.json"))
        .map((name) => JSON.parse(readFileSync(path.join(directory, name), "utf8")) as HardhatArtifact);
    })
    .map(({ contractName, abi, deployedBytecode }) => ({ contractName, abi, size: dataLength(deployedBytecode) }))
    .filter(({ size }) => size > 0)
    .sort((a, b) => (a.contractName < b.contractName ? -1 : 1));
}

/** Every error and event of the deployed contracts. */
export function outcomes(): Outcome[] {
  const own = ownNames();
  return deployedContracts().flatMap(({ contractName, abi }) => {
    const fragments = Interface.from(abi).fragments.filter(
      (fragment): fragment is ErrorFragment | EventFragment => fragment.type === "error" || fragment.type === "event",
    );
    return fragments.map(({ type, name, inputs }): Outcome => ({
      contract: contractName,
      kind: type === "error" ? "error" : "event",
      name,
      hasArguments: inputs.length > 0,
      isOwn: own.has(name),
    }));
  });
}

/** Returns the declarations in the sources of contracts/. */
function ownNames(): Set<string> {
  const sources = solidityFiles(CONTRACTS)
    .filter((file) => !file.startsWith("mocks/"))
    .map((file) => readFileSync(path.join(CONTRACTS, file), "utf8"));
  return new Set(
    sources.flatMap((source) => [...source.matchAll(/^\s*(?:error|event) (\w+)\(/gm)].map(([, name]) => name)),
  );
}

const solidityFiles = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".sol"));
