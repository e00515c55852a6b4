/** Base of every error that this library throws on purpose; `name` is that of the class. */
export abstract class TuringFogError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** A number outside the range that its type or its rule allows. */
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

/** @throws OutOfRangeError unless minimum ≤ value ≤ maximum. */
export function checkRange(what: string, value: bigint, minimum: bigint, maximum: bigint): void {
  if (value < minimum || value > maximum) throw new OutOfRangeError(what, value, minimum, maximum);
}
