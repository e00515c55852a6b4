import { concat, dataLength, keccak256, toBeHex } from "ethers";

/** An answer to one call, with exactly these data. */
export interface Answer {
  call: string;
  /** Data to return. */
  returns?: string;
  /** Data to revert with, in place of returning: "0x" reverts without a word. */
  reverts?: string;
}

const ENTRY_LENGTH = 39;
const BODY_LENGTH = 14;
const PROLOGUE = "0x365f5f37365f20"; // copies the calldata and hashes it

/**
 * Returns the code of a contract that gives set answers to set calls. Every other call goes to the implementation's code
 * on the contract's own storage, or reverts without a word if there is none.
 */
export function overlay(answers: readonly Answer[], implementation?: string): string {
  const isOthers = dataLength(PROLOGUE) + ENTRY_LENGTH * answers.length;
  const others = implementation === undefined ? "0x5f5ffd" : delegation(implementation, isOthers);
  const bodies = isOthers + dataLength(others);
  const word = (value: number) => toBeHex(value, 2);

  const entries = answers.map(({ call }, i) =>
    concat(["0x807f", keccak256(call), "0x1461", word(bodies + BODY_LENGTH * i), "0x57"]),
  );
  const data = answers.map(({ returns, reverts }) => reverts ?? returns ?? "0x");
  let offset = bodies + BODY_LENGTH * answers.length;
  const answering = answers.map(({ reverts }, i) => {
    const length = word(dataLength(data[i]));
    const end = reverts === undefined ? "0x5ff3" : "0x5ffd";
    const body = concat(["0x5b61", length, "0x61", word(offset), "0x5f3961", length, end]);
    offset += dataLength(data[i]);
    return body;
  });
  return concat([PROLOGUE, ...entries, others, ...answering, ...data]);
}

/** Passes a call on by DELEGATECALL, and its answer back. */
function delegation(implementation: string, at: number): string {
  const call = concat(["0x5f5f365f73", implementation, "0x5af43d5f5f3e"]);
  const success = at + dataLength(call) + 7;
  return concat([call, "0x61", toBeHex(success, 2), "0x573d5ffd5b3d5ff3"]);
}
