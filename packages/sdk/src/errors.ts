/** Base class of every error that this library throws on purpose. `name` is the name of the class. */
export abstract class TuringFogError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Thrown when a number is outside the range that its type or a rule allows. */
export class OutOfRangeError extends TuringFogError {
  constructor(
    readonly what: string,
    readonly value: bigint,
    readonly minimum: bigint,
    readonly maximum: bigint,
  ) {
    super(`${what} is ${value}, must be from ${minimum} to ${maximum}`);
  }
}

/** Thrown when a value is missing, or is not the kind of integer that it must be. */
export class NotIntegerError extends TuringFogError {
  constructor(
    readonly what: string,
    readonly value: unknown,
    expected: "a bigint" | "a whole number",
  ) {
    super(`${what} is ${String(value)}, must be ${expected}`);
  }
}

/**
 * Checks that a number is whole and that minimum ≤ value ≤ maximum.
 * @param what name of the value, for the error
 * @throws NotIntegerError, OutOfRangeError
 */
export function checkCount(what: string, value: number, minimum: number, maximum = Number.MAX_SAFE_INTEGER): void {
  if (!Number.isSafeInteger(value)) throw new NotIntegerError(what, value, "a whole number");
  checkRange(what, BigInt(value), BigInt(minimum), BigInt(maximum));
}

/**
 * Checks that minimum ≤ value ≤ maximum.
 * @param what name of the value, for the error
 * @throws NotIntegerError, OutOfRangeError
 */
export function checkRange(what: string, value: bigint, minimum: bigint, maximum: bigint): void {
  if (typeof value !== "bigint") throw new NotIntegerError(what, value, "a bigint");
  if (value < minimum || value > maximum) throw new OutOfRangeError(what, value, minimum, maximum);
}
