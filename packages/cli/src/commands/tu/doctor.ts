import { diagnose, formatDiagnosis, PROBED_PROGRAMS } from "@turingfog/sdk";

import { defineCommand } from "../../lib/command.js";
import { probeSince } from "../../lib/probe.js";

const USAGE = `Looks at this machine and says how to rate its cards: driver, CUDA, TensorFlow, and what to run.

  turingfog tu doctor [--json]

  --json   print JSON alone
  --help   print this

Asks ${PROBED_PROGRAMS.join(", ")}, each for 20 seconds at most, and changes nothing. Ends with 1 if something is in
the way.`;

export const command = defineCommand({
  usage: USAGE,
  options: {},
  required: [],
  async run(_values, output) {
    const diagnosis = diagnose(probeSince(Date.now()));
    output.result(diagnosis, formatDiagnosis(diagnosis));
    return [diagnosis, ...diagnosis.cards].every(({ problems }) => problems.length === 0) ? 0 : 1;
  },
});
