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

/**
 * Checks that minimum ≤ value ≤ maximum.
 * @param what name of the value, for the error
 * @throws OutOfRangeError
 */
export function checkRange(what: string, value: bigint, minimum: bigint, maximum: bigint): void {
  if (value < minimum || value > maximum) throw new OutOfRangeError(what, value, minimum, maximum);
}
