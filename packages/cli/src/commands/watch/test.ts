import { readConfig, tryWebhooks, watchConfig } from "@turingfog/network";

import { ends, newCommand } from "../../lib/command.js";
import { configOption } from "../../lib/configOption.js";
import { type Output, outputOf, table } from "../../lib/output.js";

export const command = newCommand({
  description: `Posts an alarm named "test" to each webhook of a watch, once.

Ends with 0 if all took it, and with 1 if one did not or there is none. --json prints {webhooks}.`,
  examples: ["turingfog watch test --config watch/watch.json5"],
})
  .addOption(configOption("watch"))
  .action((values) => test(values, outputOf(values)));

async function test({ config }: { config: string }, output: Output): Promise<void> {
  const webhooks = await tryWebhooks(await readConfig(config, watchConfig));
  const rows = webhooks.map(({ host, reason = "took it" }) => [host, reason]);
  output.result(
    { webhooks },
    rows.length === 0 ? `${config} has no webhooks` : table([["webhook", "answer"], ...rows]),
  );
  ends(webhooks.length > 0 && webhooks.every(({ reason }) => reason === undefined) ? 0 : 1);
}
