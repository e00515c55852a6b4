import { TuringFogError } from "../errors.js";
import type { LogMeasurement } from "./logVerdict.js";

/** One log: its measurements, or the reason why it counts for nothing. */
export interface SurveyedLog {
  file: string;
  measurements: LogMeasurement[];
  refusal: Refusal | undefined;
}

/** A reason why a log counts for nothing, and the kind of reason, to count by. */
export interface Refusal {
  fault: string;
  message: string;
}

/** The outcome of reading many logs. */
export interface Survey {
  logs: SurveyedLog[];
  read: number;
  refused: number;
  /** Numbers of logs by kind of reason, most frequent first. */
  faults: Map<string, number>;
}

/**
 * Reads many logs and counts what became of them, so that two versions of the reader can be compared.
 * @param read reads one log; what it throws on purpose is a refusal
 */
export async function survey(
  files: readonly string[],
  read: (file: string) => Promise<LogMeasurement[]>,
): Promise<Survey> {
  const logs: SurveyedLog[] = [];
  for (const file of files) {
    try {
      logs.push({ file, measurements: await read(file), refusal: undefined });
    } catch (error) {
      logs.push({ file, measurements: [], refusal: refusalOf(error) });
    }
  }

  const faults = new Map<string, number>();
  for (const { refusal } of logs)
    if (refusal !== undefined) faults.set(refusal.fault, (faults.get(refusal.fault) ?? 0) + 1);
  const refused = logs.filter(({ refusal }) => refusal !== undefined).length;
  const sorted = [...faults].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return { logs, read: logs.length - refused, refused, faults: new Map(sorted) };
}

/** Returns a survey to read and to compare: a line for each log, then the counts. */
export function formatSurvey({ logs, read, refused, faults }: Survey): string {
  return [
    ...logs.flatMap(({ file, measurements, refusal }) =>
      refusal === undefined
        ? measurements.map(({ network, gpu, imagesPerSecondE3 }) => `${file}: ${network} ${gpu} ${imagesPerSecondE3}`)
        : [`${refusal.message.startsWith(file) ? "" : `${file}: `}${refusal.message} (${refusal.fault})`],
    ),
    "",
    `${logs.length} logs: ${read} read, ${refused} refused`,
    ...Array.from(faults, ([fault, count]) => `${String(count).padStart(6)} ${fault}`),
  ].join("\n");
}

function refusalOf(error: unknown): Refusal {
  if (!(error instanceof TuringFogError)) throw error;
  const fault = "fault" in error ? String(error.fault) : error.name;
  return { fault, message: error.message };
}
