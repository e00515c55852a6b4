import { clearSigner, readConfig, signerConfig } from "@turingfog/network";
import { defineCommand, UsageError } from "../../lib/command.js";

const USAGE = `Lets a signer go on, after a person has looked into what stopped a part of it.

  turingfog signer clear --config FILE (--root DATAHASH | --node ID) [--json]

  --config FILE    configuration file of the signer, which may be running
  --root DATAHASH  file whose root was vetoed: its receipts may be signed again
  --node ID        node that signed two readings of one sequence: its readings are taken again
  --json           print JSON alone: cleared
  --help           print this

Ends with 1 if there is nothing to clear.`;

export const command = defineCommand({
  usage: USAGE,
  options: { config: { type: "string" }, root: { type: "string" }, node: { type: "string" } },
  required: ["config"],
  async run({ config, root, node }, output) {
    if ((root === undefined) === (node === undefined))
      throw new UsageError("Give one of --root and --node; see --help");
    if (root !== undefined && !/^0x[0-9a-f]{64}$/.test(root)) {
      throw new UsageError(`--root is ${root}, must be 0x and 64 lower-case hex digits`);
    }
    if (node !== undefined && !/^[1-9][0-9]{0,77}$/.test(node))
      throw new UsageError(`--node is ${node}, must be an id`);
    const what = root !== undefined ? { dataHash: root } : { nodeId: BigInt(node ?? "") };
    const cleared = await clearSigner(await readConfig(config, signerConfig), what);
    const shown = root ?? `node ${node}`;
    output.result({ cleared }, cleared ? `${shown} is cleared` : `${shown} is not stopped: nothing was changed`);
    return cleared ? 0 : 1;
  },
});
