import { Option } from "@commander-js/extra-typings";
import { clearSigner, readConfig, signerConfig } from "@turingfog/network";

import { ends, newCommand, UsageError } from "../../lib/command.js";
import { readNodeId } from "../../lib/nodeId.js";
import { type Output, outputOf } from "../../lib/output.js";
import { CONFIG } from "./run.js";

export const command = newCommand({
  description: `Lets a signer go on, after a person has looked into what stopped a part of it.

The signer may be running. Ends with 1 if there is nothing to clear.

--json prints {cleared}.`,
  examples: [
    "turingfog signer clear --config signer/signer.json5 --node 7",
    "turingfog signer clear --config signer/signer.json5 --root 0x5c…e1",
  ],
})
  .addOption(CONFIG)
  .addOption(
    new Option("--root <DATAHASH>", "file whose root was vetoed: its receipts may be signed again").conflicts("node"),
  )
  .option("--node <ID>", "node that signed two readings of one sequence: its readings are taken again")
  .action(async (values) => ends(await clear(values, outputOf(values))));

interface Values {
  config: string;
  root?: string;
  node?: string;
}

async function clear({ config, root, node }: Values, output: Output): Promise<number> {
  if (root === undefined && node === undefined) throw new UsageError("Give one of --root and --node; see --help");
  if (root !== undefined && !/^0x[0-9a-f]{64}$/.test(root)) {
    throw new UsageError(`--root is ${root}, must be 0x and 64 lower-case hex digits`);
  }
  const what = root !== undefined ? { dataHash: root } : { nodeId: readNodeId(node ?? "") };
  const cleared = await clearSigner(await readConfig(config, signerConfig), what);
  const shown = root ?? `node ${node}`;
  output.result({ cleared }, cleared ? `${shown} is cleared` : `${shown} is not stopped: nothing was changed`);
  return cleared ? 0 : 1;
}
