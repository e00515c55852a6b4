import { readFileSync } from "node:fs";
import { relative } from "node:path";

const REPORT = "coverage/coverage-final.json";

interface Place {
  start: { line: number };
}

/** Istanbul's report of one file: where its statements, branches and functions are, and how often each was run. */
interface FileCoverage {
  path: string;
  statementMap: Record<string, Place>;
  branchMap: Record<string, { locations: Place[] }>;
  fnMap: Record<string, { name: string; line: number }>;
  s: Record<string, number>;
  b: Record<string, number[]>;
  f: Record<string, number>;
  l: Record<string, number>;
}

/** What of a file was never run, as `file:line what`. */
function uncovered(file: FileCoverage): string[] {
  const never = (runs: Record<string, number>) => Object.keys(runs).filter((id) => runs[id] === 0);

  const places: [line: number, what: string][] = [
    ...never(file.l).map((line): [number, string] => [Number(line), "line"]),
    ...never(file.s).map((id): [number, string] => [file.statementMap[id].start.line, "statement"]),
    ...never(file.f).map((id): [number, string] => [file.fnMap[id].line, `function ${file.fnMap[id].name}`]),
    ...Object.entries(file.b).flatMap(([id, runs]) =>
      runs.flatMap((count, i): [number, string][] =>
        count === 0 ? [[file.branchMap[id].locations[i].start.line, `branch ${i + 1} of ${runs.length}`]] : [],
      ),
    ),
  ];
  return places
    .sort(([a], [b]) => a - b)
    .map(([line, what]) => `  ${relative(process.cwd(), file.path)}:${line} ${what}`);
}

const files = Object.values(JSON.parse(readFileSync(REPORT, "utf8")) as Record<string, FileCoverage>);
const missing = files.flatMap(uncovered);

if (files.length === 0 || missing.length > 0) {
  console.error(`${missing.length} places in ${files.length} contract files are never run:\n${missing.join("\n")}`);
  process.exitCode = 1;
} else {
  console.log(`All statements, branches, functions and lines of ${files.length} contract files are run`);
}
