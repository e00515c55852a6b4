import { Option } from "@commander-js/extra-typings";
import { isHexString } from "ethers";

import { UsageError } from "../../lib/command.js";
import { outputOf } from "../../lib/output.js";
import { guard } from "../../lib/guarding.js";
import { sendingCommand } from "../../lib/sender.js";

function readRoot(text: string): string {
  if (isHexString(text, 32)) return text;
  throw new UsageError(`--root is ${text}, must be 32 bytes, as 0x and 64 hexadecimal digits`);
}

export const command = sendingCommand({
  description: "Refuses a pending root of receipts permanently. Tries it as the guardian before anything is sent.",
  examples: [
    "turingfog guard veto --root 0x5c…e1 --network sepolia --keystore guardian.json",
    "turingfog guard veto --root 0x5c…e1 --network ethereum --safe veto.json",
  ],
})
  .addOption(
    new Option("--root <ROOT>", "the receipts' Merkle root, 32 bytes").argParser(readRoot).makeOptionMandatory(),
  )
  .action((values) => guard({ kind: "veto", receiptsRoot: values.root }, values, outputOf(values)));
