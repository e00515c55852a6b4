import { ends, main, newCommand, type Output, outputOf } from "@turingfog/cli";
import { measureAll } from "./network/measure";
import { judge, tables } from "./network/report";

async function run({ check }: { check: boolean }, output: Output): Promise<number> {
  const measured = await measureAll((line) => output.note(line));
  const bars = judge(measured);
  output.result({ ...measured, bars }, tables(measured, bars));
  return check && bars.some(({ kept }) => !kept) ? 1 : 0;
}

main(
  newCommand({
    description: `Measures what a signer takes in: readings a CPU second on SQLite and PostgreSQL, beside the same with ethers' hashing
and verification, catching up, and what a million readings take.

Signers and client are processes of their own; CPU time is the signers' own, of all threads, and PostgreSQL's is not in it.
Posts come over 240 connections that are kept open, from one node each. Ends with 1 if the check fails, and with 2 if it is
called wrongly.

--json prints {rows: [{engine, method, processes, postSize, readings, perCpuSecond, perSecond}], catchUp: {readings, lost,
cpuSeconds}, million: {diskMB, memoryMB, readings}, bars: [{name, measured, bar, kept}]}.`,
    examples: ["npm run bench:network", "npm run bench:network -- --check"],
  })
    .name("npm run bench:network --")
    .option("--check", "fail if a bar is not kept, naming each", false)
    .action(async (values) => ends(await run(values, outputOf(values)))),
);
