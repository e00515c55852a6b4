import { getAddress } from "ethers";

/**
 * Reads many views in one call. The chain keeps a trace of each step that the machine does, and that is most of what a
 * call costs; so the code that reads is made anew for each list of views, without a loop, and is told how long each
 * result is foreseen to be. Its output has, for each view, a word (2 · length of what was returned, + 1 when it did not
 * revert) and then as many bytes as were foreseen.
 */

/** Where the code is put for the length of a call. */
export const BATCH_ADDRESS = getAddress(`0x${"ba7c".repeat(10)}`);

/** A view to call, and how many bytes it is foreseen to return. */
export interface BatchCall {
  to: string;
  data: string;
  length: number;
}

const WORD = 32;

/** What comes before a result, as hex. */
export function batchHead(isSuccess: boolean, length: number): string {
  return (2 * length + (isSuccess ? 1 : 0)).toString(16).padStart(2 * WORD, "0");
}

/** One call, with gaps of 0 for what differs. The stack's top is on the right. */
const CALL = assemble(
  "61 0000 62 000000 5f 39", // PUSH size, PUSH source, PUSH0, CODECOPY: the calldata to the start of memory
  "61 0000 62 000000 61 0000 5f 73 " + "00".repeat(WORD - 12), // PUSH length, PUSH target, PUSH size, PUSH0, PUSH address
  "5a fa 3d 80 01 17", // GAS, STATICCALL, RETURNDATASIZE, DUP1, ADD, OR
  "62 000000 52", // PUSH target of the head, MSTORE
);

/** PUSH size, PUSH start, RETURN */
const END = assemble("62 000000 62 000000 f3");

/** Code that reads these views, as hex with 0x. */
export function batchCode(calls: readonly BatchCall[]): string {
  const sizes = calls.map(({ data }) => (data.length - 2) / 2);
  const dataSize = sizes.reduce((total, size) => total + size, 0);
  const endsAt = calls.length * CALL.length;
  // in memory: the calldata of one call after the other at 0, then the results
  const start = WORD * Math.ceil(Math.max(0, ...sizes) / WORD);
  const code = Buffer.alloc(endsAt + END.length + dataSize);
  let source = endsAt + END.length;
  let target = start;
  calls.forEach(({ to, data, length }, i) => {
    const at = i * CALL.length;
    CALL.copy(code, at);
    code.writeUInt16BE(sizes[i], at + 1);
    code.writeUIntBE(source, at + 4, 3);
    code.writeUInt16BE(length, at + 10);
    code.writeUIntBE(target + WORD, at + 13, 3);
    code.writeUInt16BE(sizes[i], at + 17);
    code.write(to.slice(2), at + 21, "hex");
    code.writeUIntBE(target, at + 48, 3);
    code.write(data.slice(2), source, "hex");
    source += sizes[i];
    target += WORD + length;
  });
  END.copy(code, endsAt);
  code.writeUIntBE(target - start, endsAt + 1, 3);
  code.writeUIntBE(start, endsAt + 5, 3);
  return `0x${code.toString("hex")}`;
}

function assemble(...lines: string[]): Buffer {
  return Buffer.from(lines.join("").replaceAll(" ", ""), "hex");
}
