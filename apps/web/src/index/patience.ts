/** Milliseconds until an answer must be there. */
const WAIT = 20_000;

/** Returns a signal that ends a request which is not answered in time, or which nobody waits for any more. */
export function inTime(signal?: AbortSignal): AbortSignal {
  const late = AbortSignal.timeout(WAIT);
  return signal === undefined ? late : AbortSignal.any([signal, late]);
}

/** Why a request has failed, in words. */
export function failureOf(error: unknown): string {
  return error instanceof DOMException && error.name === "TimeoutError"
    ? `nothing in ${WAIT / 1_000} seconds`
    : "no connection";
}
