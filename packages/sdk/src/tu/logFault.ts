import { TuringFogError } from "../errors.js";

/** The kind of reason for which a log is refused. */
export type LogFault =
  | "not text"
  | "no run"
  | "cut off"
  | "failed"
  | "mixed runs"
  | "not understood"
  | "not training"
  | "real data"
  | "other network"
  | "other precision"
  | "not one GPU"
  | "part of a GPU"
  | "unknown GPU"
  | "ambiguous GPU"
  | "implausible";

/** A log that nothing can be rated by. */
export class RefusedLogError extends TuringFogError {
  constructor(
    readonly file: string,
    readonly fault: LogFault,
    detail: string,
  ) {
    super(`${file}: ${detail}`);
  }
}

/** Returns a text in quotation marks, cut to fit in a message. */
export function shown(text: string): string {
  return `"${text.length > 60 ? `${text.slice(0, 60)}…` : text}"`;
}
