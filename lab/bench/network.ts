import { main, type Output } from "@turingfog/cli";
import { measureAll } from "./network/measure";
import { judge, tables } from "./network/report";

const USAGE = `Measures what a signer takes in: readings a CPU second on SQLite and PostgreSQL, beside the same with ethers' hashing
and verification, catching up, and what a million readings take.

  npm run bench:network -- [--check] [--json]

  --check  fail when a bar is not kept, naming each
  --json   print JSON alone: {rows: [{engine, method, processes, postSize, readings, perCpuSecond, perSecond}],
           catchUp: {readings, lost, cpuSeconds}, million: {diskMB, memoryMB, readings}, bars: [{name, measured, bar, kept}]}
  --help   print this

Signers and client are processes of their own; CPU time is the signers' own, of all threads, and PostgreSQL's is not in it.
Posts come over 240 connections that are kept open, from one node each. Ends with 1 when the check fails, and with 2 when it is
called wrongly.`;

async function run({ check }: { check: boolean }, output: Output): Promise<number> {
  const measured = await measureAll((line) => console.error(line));
  const bars = judge(measured);
  output.result({ ...measured, bars }, tables(measured, bars));
  return check && bars.some(({ kept }) => !kept) ? 1 : 0;
}

main({
  usage: USAGE,
  options: { check: { type: "boolean", default: false } },
  required: [],
  run,
});
