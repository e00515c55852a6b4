import { claimTables, measureClaims, toMarkdown } from "@turingfog/economy";

import { newCommand } from "../../lib/command.js";
import { type Output, outputOf } from "../../lib/output.js";

export const command = newCommand({
  description: `Measures every claim of docs/mechanism.md in the simulated economy, with its worst case.

Runs on all cores, in about half a minute.`,
  examples: ["turingfog simulate claims", "turingfog simulate claims --json"],
}).action((values) => measure(outputOf(values)));

async function measure(output: Output): Promise<void> {
  const claims = await measureClaims((done, all) => output.doing(`Simulating: ${done} of ${all} runs`));
  output.result(claims, toMarkdown(claimTables(claims)));
}
