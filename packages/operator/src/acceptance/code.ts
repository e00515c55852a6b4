import { getBytes, hexlify, keccak256, type Provider } from "ethers";

import { Section, type Check } from "./checks.js";
import type { ImmutableReference } from "../deployment/build.js";
import type { ExpectedCode, ExpectedContract } from "../deployment/expected.js";

/**
 * Compares the runtime code of every contract with the code that the local build and the parameters give: each
 * immutable by its name, then everything around them byte by byte, the metadata's hash included.
 */
export async function checkCode(provider: Provider, expected: (ExpectedCode | ExpectedContract)[]): Promise<Check[]> {
  const codes = await Promise.all(expected.map(({ address }) => provider.getCode(address)));
  return expected.flatMap((each, i) => compareCode(each, codes[i]));
}

/** Compares the runtime code of one contract, as {@link checkCode} does. */
export function compareCode(expected: ExpectedCode | ExpectedContract, actual: string): Check[] {
  const { name, address, runtimeCode } = expected;
  const compiled = "compiled" in expected ? expected.compiled : undefined;
  const rest = getBytes(actual);
  const must = getBytes(runtimeCode);

  const immutables = new Section("Immutables");
  // code of another length has its immutables elsewhere
  const references = rest.length === must.length ? (compiled?.immutables ?? []) : [];
  for (const [immutable, places] of byName(references)) {
    const valuesIn = (code: Uint8Array) =>
      places.map(({ start, length }) => hexlify(code.subarray(start, start + length)));
    const [value] = valuesIn(must);
    immutables.equal(`${name}.${immutable}`, valuesIn(rest).find((each) => each !== value) ?? value, value);
    for (const { start, length } of places) rest.set(must.subarray(start, start + length), start);
  }

  // the code of a signer list consists of values alone
  const code = new Section(compiled === undefined ? "Immutables" : "Code");
  const metadata = compiled === undefined ? must.length : metadataStart(must);
  const described = describe(must, must, metadata);
  const isSame = Buffer.compare(rest, must) === 0;
  code.equal(`${name} at ${address}`, isSame ? described : describe(rest, must, metadata), described);
  return [...immutables.checks, ...code.checks];
}

function byName(immutables: ImmutableReference[]): Map<string, ImmutableReference[]> {
  const places = new Map<string, ImmutableReference[]>();
  for (const each of immutables) places.set(each.name, [...(places.get(each.name) ?? []), each]);
  return places;
}

/** Describes a code: its length, its hash, and the first byte that differs from the expected one. */
function describe(code: Uint8Array, must: Uint8Array, metadata: number): string {
  if (code.length === 0) return "no code";
  const summary = `${code.length} bytes, ${keccak256(code)}`;
  const first = must.findIndex((byte, i) => byte !== code[i]);
  if (first === -1 || first >= code.length) return summary;
  const [is, was] = [code, must].map((bytes) => hexlify(bytes.subarray(first, first + 1)));
  return `${summary}; first at byte ${first}${first >= metadata ? " (metadata)" : ""}: ${is} instead of ${was}`;
}

/** Returns the offset of the CBOR metadata that the compiler appends. The last two bytes of the code are its length. */
function metadataStart(code: Uint8Array): number {
  const length = (code[code.length - 2] << 8) | code[code.length - 1];
  return code.length - 2 - length;
}
