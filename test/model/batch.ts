import { getAddress, toBeHex } from "ethers";

/**
 * Reads many views in one call. The chain's own cost is per request, and a general multicall spends most of its time
 * copying memory, so this is the shortest code that does it: for each call it copies the calldata behind the results so
 * far, calls, and puts a result in their place.
 *
 * Input, per call: address (20 bytes), length (2), calldata. Output, per call: success (1), length (2), return data.
 */
const OPCODES: Record<string, number> = {
  ADD: 0x01,
  LT: 0x10,
  AND: 0x16,
  OR: 0x17,
  SHL: 0x1b,
  SHR: 0x1c,
  CALLDATALOAD: 0x35,
  CALLDATASIZE: 0x36,
  CALLDATACOPY: 0x37,
  RETURNDATASIZE: 0x3d,
  RETURNDATACOPY: 0x3e,
  POP: 0x50,
  MSTORE: 0x52,
  JUMP: 0x56,
  JUMPI: 0x57,
  GAS: 0x5a,
  JUMPDEST: 0x5b,
  PUSH0: 0x5f,
  DUP1: 0x80,
  DUP2: 0x81,
  DUP4: 0x83,
  DUP5: 0x84,
  DUP6: 0x85,
  DUP7: 0x86,
  SWAP1: 0x90,
  RETURN: 0xf3,
  STATICCALL: 0xfa,
};

// the stack at the start of each line, its top to the right; 0x… is pushed
const SOURCE = `
  PUSH0 PUSH0                                               : the end of the results, the next call's place in the input
  JUMPDEST CALLDATASIZE DUP2 LT 0x0c JUMPI                  : end, place
  POP PUSH0 RETURN                                          : end, place
  JUMPDEST DUP1 CALLDATALOAD                                : end, place
  DUP1 0x50 SHR 0xffff AND SWAP1 0x60 SHR                   : end, place, head
  DUP2 DUP4 0x16 ADD DUP6 CALLDATACOPY                      : end, place, length, target
  PUSH0 PUSH0 DUP4 DUP7 DUP5 GAS STATICCALL                 : end, place, length, target
  SWAP1 POP 0xf8 SHL RETURNDATASIZE 0xe8 SHL OR DUP4 MSTORE : end, place, length, target, success
  RETURNDATASIZE PUSH0 DUP5 0x03 ADD RETURNDATACOPY         : end, place, length
  ADD 0x16 ADD SWAP1                                        : end, place, length
  RETURNDATASIZE ADD 0x03 ADD SWAP1 0x02 JUMP               : next place, end
`;

export const BATCH_ADDRESS = getAddress(`0x${"ba7c".repeat(10)}`);

export const BATCH_CODE = assemble(SOURCE);

export interface BatchCall {
  to: string;
  data: string;
}

export interface BatchResult {
  success: boolean;
  /** Hex, with 0x. */
  data: string;
}

export function encodeBatch(calls: readonly BatchCall[]): string {
  const parts = calls.map(({ to, data }) => to.slice(2) + toBeHex((data.length - 2) / 2, 2).slice(2) + data.slice(2));
  return `0x${parts.join("")}`;
}

export function decodeBatch(output: string): BatchResult[] {
  const results: BatchResult[] = [];
  for (let at = 2; at < output.length;) {
    const length = 2 * parseInt(output.slice(at + 2, at + 6), 16);
    results.push({ success: output.slice(at, at + 2) === "01", data: `0x${output.slice(at + 6, at + 6 + length)}` });
    at += 6 + length;
  }
  return results;
}

function assemble(source: string): string {
  const tokens = source
    .split("\n")
    .flatMap((line) => line.split(":")[0].split(" "))
    .filter((token) => token !== "");
  const bytes = tokens.map((token) => {
    if (!token.startsWith("0x")) return toBeHex(OPCODES[token], 1).slice(2);
    const pushed = token.slice(2);
    return toBeHex(OPCODES.PUSH0 + pushed.length / 2, 1).slice(2) + pushed;
  });
  return `0x${bytes.join("")}`;
}
