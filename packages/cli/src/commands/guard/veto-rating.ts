import { gpuModelOf } from "@turingfog/sdk";

import { outputOf } from "../../lib/output.js";
import { guard } from "../../lib/guarding.js";
import { sendingCommand } from "../../lib/sender.js";

export const command = sendingCommand({
  description: "Takes a pending rating back. Tries it as the guardian before anything is sent.",
  examples: ['turingfog guard veto-rating --gpu "Tesla V100-SXM2-16GB" --network sepolia --keystore guardian.json'],
})
  .requiredOption("--gpu <MODEL>", "the GPU model, as it was attested")
  .action((values) => guard({ kind: "veto-rating", gpuModel: gpuModelOf(values.gpu) }, values, outputOf(values)));
