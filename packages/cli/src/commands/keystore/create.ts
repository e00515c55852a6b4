import { Wallet } from "ethers";

import { newCommand } from "../../lib/command.js";
import { outputOf } from "../../lib/output.js";
import { KEYSTORE_NOTES, OUT, writeKeystore } from "../../lib/keystore.js";

export const command = newCommand({
  description: `Writes a new key, encrypted (Web3 Secret Storage), for the --keystore option of other commands.

${KEYSTORE_NOTES}`,
  examples: ["turingfog keystore create --out deployer.json"],
})
  .addOption(OUT)
  .action((values) => writeKeystore(values, () => new Wallet(Wallet.createRandom().privateKey), outputOf(values)));
