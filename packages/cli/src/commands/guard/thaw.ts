import { outputOf } from "../../lib/output.js";
import { guard } from "../../lib/guarding.js";
import { sendingCommand } from "../../lib/sender.js";

export const command = sendingCommand({
  description: "Ends a freeze. Tries it as the guardian before anything is sent.",
  examples: ["turingfog guard thaw --network sepolia --keystore guardian.json"],
}).action((values) => guard({ kind: "thaw" }, values, outputOf(values)));
