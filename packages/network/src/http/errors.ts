import { TuringFogError } from "@turingfog/sdk";

/** Thrown by a handler to answer a request with an error: `{ "error": name, "message": sentence }`. */
export class RefusedError extends TuringFogError {
  constructor(
    readonly status: number,
    /** In kebab-case; programs compare it, so it never changes. */
    readonly error: string,
    message: string,
  ) {
    super(message);
  }
}

/** Thrown when another server gives no answer, or not what it was asked for. */
export class HttpError extends TuringFogError {
  constructor(
    /** Host of the server. */
    readonly host: string,
    /** 0 if there is no answer. One that breaks off has its status if it is streamed, and else 0. */
    readonly status: number,
    /** Name of the error as the server gave it, or of what went wrong on the way: `unreachable`, `timeout`, `too-large`. */
    readonly error: string,
    reason: string,
  ) {
    super(`${host} ${status === 0 ? "gives no answer" : `answers ${status}`} (${error}): ${reason}`);
  }
}
