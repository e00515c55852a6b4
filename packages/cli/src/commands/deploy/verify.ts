import { VERIFICATION } from "@turingfog/operator";

import { check, checkingCommand } from "../../lib/checking.js";
import { ends } from "../../lib/command.js";
import { outputOf } from "../../lib/output.js";

export const command = checkingCommand({
  description: `Compares the code of every contract with the local build, and every role with the parameters. Sends nothing and needs no
key. These are the first checks of turingfog deploy accept.

Names each immutable that differs from build and parameters, the first byte that differs around the immutables (the
metadata's hash included), and each role that has a holder too many or too few. Ends with 1 if a check fails.`,
  examples: [
    "turingfog deploy verify --network sepolia --parameters sepolia.json5",
    "turingfog deploy verify --network sepolia --parameters sepolia.json5 --explorer",
  ],
}).action(async (values) => ends(await check("Verification of TuringFog", VERIFICATION, values, outputOf(values))));
