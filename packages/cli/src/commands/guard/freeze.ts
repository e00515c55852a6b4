import { outputOf } from "../../lib/output.js";
import { guard } from "../../lib/guarding.js";
import { sendingCommand } from "../../lib/sender.js";

export const command = sendingCommand({
  description:
    "Stops receipts, attestations and orders for 7 days at most. Tries it as the guardian before anything is sent.",
  examples: [
    "turingfog guard freeze --network sepolia --keystore guardian.json",
    "turingfog guard freeze --network ethereum --safe freeze.json",
  ],
}).action((values) => guard({ kind: "freeze" }, values, outputOf(values)));
