import { recompute, referenceEngine, TrainingRun, type Choice, type Finding, type Problem } from "@turingfog/training";

import { ends, newCommand, UsageError } from "../../lib/command.js";
import { readNodeId } from "../../lib/nodeId.js";
import { type Output, outputOf } from "../../lib/output.js";
import { roundOf } from "../../lib/training.js";

export const command = newCommand({
  description: `Recomputes rounds of a run from its files: what each worker claims, the mean of all, and what was measured. Names
the first byte that differs.

Ends with 1 if something differs. --json prints {checked, findings: [{round, nodeId, problems}]}, the findings that differ.`,
  examples: ["turingfog train verify run", "turingfog train verify run --round 3 --node 2"],
})
  .argument("<RUN>", "folder of the run")
  .option("--round <N>", "this round alone")
  .option("--node <ID>", "this worker alone")
  .option("--reference", "by the reference in TypeScript, which takes 30 times as long", false)
  .action(async (folder, values) => ends(await verify(folder, values, outputOf(values))));

interface Values {
  round?: string;
  node?: string;
  reference: boolean;
}

async function verify(folder: string, values: Values, output: Output): Promise<number> {
  const run = await TrainingRun.open(folder);
  const round = roundOf(values.round);
  if (round === undefined && run.records.length === 0) throw new UsageError(`${folder} has no round yet`);
  const choice: Choice = {
    ...(round === undefined ? {} : { round: BigInt(round) }),
    ...(values.node === undefined ? {} : { nodeId: readNodeId(values.node) }),
  };
  let checked = 0;
  const findings: Finding[] = [];
  for await (const finding of recompute(run, choice, values.reference ? referenceEngine : undefined)) {
    checked++;
    output.doing("Recomputing", `round ${finding.round} of ${run.records.length}`);
    if (finding.problems.length > 0) findings.push(finding);
  }
  const lines = findings.flatMap((finding) => finding.problems.map((problem) => describe(finding, problem)));
  const verdict = `${checked} statements recomputed, ${findings.length} false.`;
  output.result({ checked, findings }, [...lines, verdict].join("\n"));
  return findings.length === 0 ? 0 : 1;
}

function describe({ round, nodeId }: Finding, { what, expected, claimed, difference }: Problem): string {
  const who = nodeId === undefined ? "all" : `node ${nodeId}`;
  const line = `round ${round}, ${who}: ${what} is ${claimed}, expected ${expected}`;
  if (difference === undefined) return line;
  const { byte, weight } = difference;
  return `${line}; byte ${byte} (${weight}) is ${difference.claimed}, expected ${difference.expected}`;
}
