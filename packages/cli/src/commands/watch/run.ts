import {
  type Look,
  type Looked,
  NoGuardianError,
  readConfig,
  runRole,
  watchConfig,
  watchOnce,
  watchRole,
} from "@turingfog/network";
import { formatInstant } from "@turingfog/sdk";

import { ends, newCommand } from "../../lib/command.js";
import { configOption } from "../../lib/configOption.js";
import { type Output, outputOf } from "../../lib/output.js";

export const command = newCommand({
  description: `Runs a watch, until SIGTERM or SIGINT.

It recomputes every pending root of receipts from its published file, and posts an alarm to each webhook when the file is not to
be had, or says what the chain contradicts. Logs lines of JSON to stdout. Ends with 0 if it was told to end, and with 1 if it
could not start. It may be killed at any time, and goes on where it was. See docs/operators/watch.md.

With --once it looks once, and ends with 0 if all pending roots are right, with 1 if something is wrong with one, and with 2 if
nothing could be checked. --json then prints {roots, unchecked}.`,
  examples: [
    "turingfog watch run --config watch/watch.json5",
    "turingfog watch run --config watch/watch.json5 --veto",
    "turingfog watch run --config watch/watch.json5 --once --json",
  ],
})
  .addOption(configOption("watch"))
  .option("--veto", "veto as the guardian of the configuration", false)
  .option("--once", "look once", false)
  .action((values) => run(values, outputOf(values)));

interface Values {
  config: string;
  veto: boolean;
  once: boolean;
}

async function run({ config: file, veto: vetoes, once }: Values, output: Output): Promise<void> {
  const config = await readConfig(file, watchConfig);
  if (vetoes && config.guardian === undefined) throw new NoGuardianError();
  if (!once) return ends(await runRole(watchRole(config, { vetoes })));
  const look = await watchOnce(config, { vetoes });
  output.result(look, textOf(look));
  ends(exitCodeOf(look));
}

function exitCodeOf({ roots, unchecked }: Look): number {
  if (roots.some(({ findings = [] }) => findings.length > 0)) return 1;
  if (unchecked !== undefined) return 2;
  return roots.some(({ root, missing }) => root.state === "final" || missing !== undefined) ? 1 : 0;
}

function textOf({ roots, unchecked }: Look): string {
  const lines = roots.flatMap((looked) => [lineOf(looked), ...detailsOf(looked).map((each) => `  ${each}`)]);
  if (unchecked !== undefined) return [...lines, `Nothing could be checked: ${unchecked}`].join("\n");
  return lines.length === 0 ? "No root is pending." : lines.join("\n");
}

function lineOf({ root: { receiptsRoot, state, finalAt }, outcome }: Looked): string {
  const until = finalAt === undefined ? "" : ` at ${formatInstant(finalAt)}`;
  return `${receiptsRoot}: ${outcome ?? "not checked"}, ${state === "final" ? "final since" : "final"}${until}`;
}

function detailsOf({ findings = [], missing = [] }: Looked): string[] {
  return [...findings.map(({ name, count, example }) => `${name}, ${count} times: ${example}`), ...missing];
}
