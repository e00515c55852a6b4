import { ACCEPTANCE } from "@turingfog/operator";

import { check, checkingCommand } from "../../lib/checking.js";
import { ends } from "../../lib/command.js";
import { outputOf } from "../../lib/output.js";

export const command = checkingCommand({
  description: `Compares a whole deployment with its parameters, in one report. Sends nothing and needs no key.

Checks the code and immutables of every contract against the local build, and every role and delay, the deployer, every
reference, time and setting, the supply, the reserve, the allocations and the vesting against the parameters. Ends with 1 if a
check fails.`,
  examples: [
    "turingfog deploy accept --network localhost --parameters deploy/parameters/local.json5",
    "turingfog deploy accept --network sepolia --parameters sepolia.json5 --report acceptance-sepolia",
  ],
}).action(async (values) => ends(await check("Acceptance of TuringFog", ACCEPTANCE, values, outputOf(values))));
