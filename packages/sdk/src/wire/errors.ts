import { TuringFogError } from "../errors.js";

/** Thrown when a message is not what its format would have written. */
export class InvalidMessageError extends TuringFogError {
  constructor(
    /** Name of the format, such as `turingfog-readings-v1`. */
    readonly format: string,
    /** Path of the value, such as `readings[3].sequence`. */
    readonly at: string,
    readonly reason: string,
  ) {
    super(`${format}, ${at}: ${reason}`);
  }
}

/** Thrown when a message is longer than its format allows; it is not read then. */
export class MessageTooLargeError extends TuringFogError {
  constructor(
    readonly format: string,
    /** Bytes. */
    readonly size: number,
    readonly maxBytes: number,
  ) {
    super(`${format}: has ${size} bytes, must have at most ${maxBytes}`);
  }
}
