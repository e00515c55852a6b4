import { dataSlice, getBytes, hexlify, keccak256, type Provider } from "ethers";

import { Section, type Check } from "./checks";
import type { ImmutableReference } from "./build";
import type { ExpectedCode, ExpectedContract } from "./expected";

/**
 * Compares the runtime code of every contract with what the local build makes of the parameters: each immutable by its
 * name, then everything around them byte by byte, the metadata's hash included.
 */
export async function checkCode(provider: Provider, expected: (ExpectedCode | ExpectedContract)[]): Promise<Check[]> {
  const codes = await Promise.all(expected.map(({ address }) => provider.getCode(address)));
  return expected.flatMap((each, i) => compareCode(each, codes[i]));
}

/** {@link checkCode} for one contract. */
export function compareCode(expected: ExpectedCode | ExpectedContract, actual: string): Check[] {
  const section = new Section("Code");
  const { name, address, runtimeCode } = expected;
  const immutables = "compiled" in expected ? expected.compiled.immutables : [];
  const rest = getBytes(actual);
  const must = getBytes(runtimeCode);

  // A code that is too short has no immutables to speak of
  const comparable = rest.length === must.length ? immutables : [];
  for (const [immutable, places] of byName(comparable)) {
    const value = dataSlice(runtimeCode, places[0].start, places[0].start + places[0].length);
    const values = places.map(({ start, length }) => dataSlice(actual, start, start + length));
    section.equal(`${name}.${immutable}`, values.find((each) => each !== value) ?? value, value);
    for (const { start, length } of places) rest.set(must.subarray(start, start + length), start);
  }
  section.equal(`${name} at ${address}`, describe(rest, must), describe(must, must));
  return section.checks;
}

function byName(immutables: ImmutableReference[]): Map<string, ImmutableReference[]> {
  const places = new Map<string, ImmutableReference[]>();
  for (const each of immutables) places.set(each.name, [...(places.get(each.name) ?? []), each]);
  return places;
}

/** Length and hash of a code, and the first byte that differs from what it must be. */
function describe(code: Uint8Array, must: Uint8Array): string {
  if (code.length === 0) return "no code";
  const summary = `${code.length} bytes, ${keccak256(code)}`;
  const first = must.findIndex((byte, i) => byte !== code[i]);
  if (first === -1 || first >= code.length) return summary;
  const [is, was] = [code, must].map((bytes) => hexlify(bytes.subarray(first, first + 1)));
  return `${summary}; first at byte ${first}${first >= metadataStart(must) ? " (metadata)" : ""}: ${is} instead of ${was}`;
}

/** Where the CBOR metadata begins that the compiler appends; its last two bytes are its length. */
function metadataStart(code: Uint8Array): number {
  const length = (code[code.length - 2] << 8) | code[code.length - 1];
  return code.length - 2 - length;
}
