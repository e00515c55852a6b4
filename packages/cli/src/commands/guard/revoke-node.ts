import { Option } from "@commander-js/extra-typings";

import { outputOf } from "../../lib/output.js";
import { guard } from "../../lib/guarding.js";
import { readNodeId } from "../../lib/nodeId.js";
import { sendingCommand } from "../../lib/sender.js";

export const command = sendingCommand({
  description: "Ends a node's attestation, or undoes a pending one. Tries it as the guardian before anything is sent.",
  examples: ["turingfog guard revoke-node --node 7 --network sepolia --keystore guardian.json"],
})
  .addOption(new Option("--node <ID>", "the node").argParser(readNodeId).makeOptionMandatory())
  .action((values) => guard({ kind: "revoke-node", nodeId: values.node }, values, outputOf(values)));
