import { ErrorFragment, Interface, isHexString, type ErrorDescription, type Result } from "ethers";

import { TuringFogError } from "../errors.js";
import { CONTRACTS } from "./contracts.js";

/** Thrown when a contract refuses a transaction or a call. Carries the error that the contract declares. */
export class RevertError extends TuringFogError {
  /** Name of the contract's error, such as `Escrow_TooEarly`. */
  readonly error: string;
  readonly args: Result;

  constructor({ name, args, fragment }: ErrorDescription, cause: unknown) {
    // an argument of type bytes may be the error that a contract passes on, as Genesis does
    const texts = args.toArray().map((arg, i) => {
      const passedOn = fragment.inputs[i].baseType === "bytes" ? decodeRevert(arg) : null;
      return passedOn?.message ?? String(arg);
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
