/** A line as the program printed it. */
export interface PrintedLine {
  text: string;
  /** The process, container or pod that a prefix names; empty when none does. */
  source: string;
}

/**
 * Prefixes that docker, kubectl, compose, mpirun, kubeflow and others put before a line. A group in parentheses names the
 * source. An unknown prefix is not cut off, as it could be a part of the line.
 */
const PREFIXES: readonly RegExp[] = [
  // docker logs --timestamps, kubectl logs --timestamps, GitHub Actions, ts; and containerd's files: time stream F(ull)
  /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?[ \t](?:std(?:out|err) F )?/,
  // Jenkins and others: [2022-04-21T03:44:00.123Z]
  /^\[\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^\]]*\] ?/,
  // mpirun --tag-output, of Open MPI 4 and 5
  /^\[(?:[\w.-]+@)?(\d+,\d+)\]<std(?:out|err)>: ?/,
  // mpiexec -l of Hydra, srun -l
  /^\[(\d+)\] /,
  /^(\d+): /,
  // kubectl logs --prefix
  /^\[(pod\/[^\]\s]+)\] /,
  // kubeflow's launcher.py
  /^[A-Z]+\|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\|[^|\s]+\|\d+\| ?/,
  // docker compose logs
  /^([\w.-]+) +\| ?/,
  // syslog and journalctl: Apr 21 03:44:21 host program[123]:
  /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d (\S+ [^\s[:]+(?:\[\d+\])?): /,
];

/** Most prefixes that are put before a line at once: a launcher's, compose's and a time. */
const MAX_PREFIXES = 4;

const ESCAPE = "\u001b";
const BELL = "\u0007";
const STRING_END = `${ESCAPE}\\\\`;

/** Colours, sets of characters and other codes for a terminal. */
const TERMINAL_CODES = new RegExp(
  `${ESCAPE}(?:\\[[0-?]*[ -/]*[@-~]|[()][0-9A-Za-z]|\\][^${BELL}${ESCAPE}]*(?:${BELL}|${STRING_END}))`,
  "g",
);

/** Takes off what a terminal or a launcher has put around a line, and the blanks at its ends. */
export function printedLineOf(line: string): PrintedLine {
  let text = line.includes(ESCAPE) ? line.replace(TERMINAL_CODES, "") : line;
  text = loggedByDocker(text) ?? text;
  let source = "";
  for (let i = 0; i < MAX_PREFIXES; i++) {
    const match = firstPrefixOf(text);
    if (match === undefined) break;
    text = text.slice(match[0].length);
    if (match[1] !== undefined) source += `[${match[1]}]`;
  }
  return { text: text.trim(), source };
}

function firstPrefixOf(text: string): RegExpExecArray | undefined {
  for (const pattern of PREFIXES) {
    const match = pattern.exec(text);
    if (match !== null) return match;
  }
  return undefined;
}

/** Returns the line within an entry of docker's json-file driver; an entry of a part of a line has no newline. */
function loggedByDocker(text: string): string | undefined {
  if (!text.startsWith('{"log":"')) return undefined;
  try {
    const { log } = JSON.parse(text) as { log: string };
    return log.endsWith("\n") ? log : undefined;
  } catch {
    return undefined;
  }
}
