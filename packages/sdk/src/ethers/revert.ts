import {
  type Contract,
  ErrorFragment,
  Interface,
  isError,
  isHexString,
  type ErrorDescription,
  type Result,
} from "ethers";

import { TuringFogError } from "../errors.js";
import { formatInstant } from "../time.js";
import { CONTRACTS } from "./contracts.js";
import { isEndOfCallIn, nodeWords } from "./nodeWords.js";

/** Names under which errors carry a time in unix seconds. */
const TIMES = ["closableFrom", "deadline", "earliest", "endedAt", "from", "latest", "until", "validUntil"];

/** The last time of which there is a date, in unix seconds. */
const LAST_DATE = 8_640_000_000_000n;

function describeTime(time: bigint): string {
  return time > LAST_DATE ? String(time) : `${time} = ${formatInstant(time)}`;
}

/** Thrown when a contract refuses a transaction or a call. Carries the error that the contract declares. */
export class RevertError extends TuringFogError {
  /** Name of the contract's error, such as `Escrow_TooEarly`. */
  readonly error: string;
  readonly args: Result;

  constructor({ name, args, fragment }: ErrorDescription, cause: unknown) {
    // an argument of type bytes may be the error that a contract passes on, as Genesis does
    const texts = args.toArray().map((arg, i) => {
      const { name: what, baseType } = fragment.inputs[i];
      const passedOn = baseType === "bytes" ? decodeRevert(arg) : null;
      return passedOn?.message ?? (TIMES.includes(what) ? describeTime(arg as bigint) : String(arg));
    });
    super(`${name}(${texts.join(", ")})`, { cause });
    this.error = name;
    this.args = args;
  }
}

/**
 * Every error that the protocol's contracts and their bases declare; each once, even if several contracts declare it.
 */
let errors: Interface | undefined;

function declaredErrors(): Interface {
  if (errors !== undefined) return errors;
  const fragments = Object.values(CONTRACTS)
    .flatMap(({ factory }) => new Interface(factory.abi).fragments)
    .filter((fragment) => ErrorFragment.isFragment(fragment));
  errors = new Interface([...new Map(fragments.map((each) => [each.selector, each])).values()]);
  return errors;
}

/**
 * Returns the error with which a contract refused: a declared error with its arguments, `Error(reason)` or
 * `Panic(code)`.
 * @param thrown a value that a provider, a signer or ethers threw
 * @returns null if `thrown` carries no revert data that the protocol's contracts could have given
 */
export function decodeRevert(thrown: unknown): RevertError | null {
  const data = revertData(thrown);
  const description = data === null ? null : declaredErrors().parseError(data);
  return description === null ? null : new RevertError(description, thrown);
}

/**
 * Awaits a call or a transaction.
 * @throws RevertError instead of the error of ethers, if a contract refuses
 */
export async function withRevertDecoded<T>(result: Promise<T>): Promise<T> {
  try {
    return await result;
  } catch (error) {
    throw decodeRevert(error) ?? error;
  }
}

/** Errors of well-known tokens, which the protocol's contracts do not declare. */
const TOKEN_ERRORS = [
  "error AddressFrozen()",
  "error ContractPaused()",
  "error InsufficientAllowance()",
  "error InsufficientBalance()",
  "error InsufficientFunds()",
  "error InvalidPermit()",
  "error InvalidSignature()",
  "error PermitExpired()",
  "error ZeroAddress()",
];

/** Returns the words with which a contract refused: its reason, its error, or the data of an error that is not known. */
export function describeRefusal(thrown: unknown): string {
  const declared = decodeRevert(thrown);
  if (declared !== null) return declared.error === "Error" ? String(declared.args[0]) : declared.message;
  const data = revertData(thrown);
  if (data === null) return "no reason given";
  const known = new Interface(TOKEN_ERRORS).parseError(data);
  return known === null ? `an unknown error, ${data}` : known.signature;
}

/** Tells whether an error carries revert data: a contract that lacks the function called gives none. */
export function hasRevertData(thrown: unknown): boolean {
  return revertData(thrown) !== null;
}

/**
 * Tells a refusal from a failure on the way. A contract that reverts refuses, and so do one that lacks the function and
 * an account without code.
 */
export function isRefusal(error: unknown): boolean {
  if (isError(error, "CALL_EXCEPTION")) return hasRevertData(error) || isEndOfCallIn(nodeWords(error));
  if (isError(error, "BAD_DATA")) return true;
  if (!(error instanceof Error)) return false;
  if ("error" in error && isError(error.error, "BUFFER_OVERRUN")) return true; // how ethers puts off a value it cannot decode
  return "data" in error; // the form in which Hardhat's own chain throws a revert
}

/**
 * Returns the answer of a contract; undefined if it refuses, or answers in another form than was asked for.
 * @throws what fails on the way to the contract
 */
export async function answerOf<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isRefusal(error)) return undefined;
    throw error;
  }
}

/**
 * Asks a contract by the name of a view; undefined if it has none, or answers in another form.
 * @throws what fails on the way to the contract
 */
export function ask<T>(contract: Contract, view: string, ...args: unknown[]): Promise<T | undefined> {
  return answerOf(contract.getFunction(view).staticCall(...args) as Promise<T>);
}

/**
 * Returns the revert data of an error. Each layer between a contract and its caller wraps the error of the layer below,
 * under names of its own.
 */
function revertData(thrown: unknown): string | null {
  if (isHexString(thrown)) return thrown.length >= 10 ? thrown : null;
  if (typeof thrown !== "object" || thrown === null) return null;
  for (const key of ["data", "error", "info", "cause"] as const) {
    const data = key in thrown ? revertData((thrown as Record<string, unknown>)[key]) : null;
    if (data !== null) return data;
  }
  return null;
}
