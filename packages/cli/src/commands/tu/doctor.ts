import { diagnose, formatDiagnosis, PROBED_PROGRAMS } from "@turingfog/sdk";

import { ends, newCommand } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";
import { probeSince } from "../../lib/probe.js";

export const command = newCommand({
  description: `Looks at this machine and says how to rate its cards: driver, CUDA, TensorFlow, and what to run.

Asks ${PROBED_PROGRAMS.join(", ")}, each for 20 seconds at most, and changes nothing. Ends with 1 if something is in the way.`,
  examples: ["turingfog tu doctor"],
}).action((values) => ends(doctor(outputOf(values))));

function doctor(output: Output): number {
  const diagnosis = diagnose(probeSince(Date.now()));
  output.result(diagnosis, formatDiagnosis(diagnosis));
  return [diagnosis, ...diagnosis.cards].every(({ problems }) => problems.length === 0) ? 0 : 1;
}
