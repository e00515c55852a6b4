import { PRIVATE_KEY_VARIABLE, privateKeyOf } from "@turingfog/operator";
import type { Wallet } from "ethers";

import { newCommand } from "../../lib/command.js";
import { outputOf } from "../../lib/output.js";
import { KEYSTORE_NOTES, OUT, writeKeystore } from "../../lib/keystore.js";
import { askSecret } from "../../lib/prompt.js";

export const command = newCommand({
  description: `Encrypts an existing private key: asks for it unless TURINGFOG_PRIVATE_KEY is set.

${KEYSTORE_NOTES}`,
  examples: ["turingfog keystore import --out deployer.json"],
})
  .addOption(OUT)
  .action((values) => writeKeystore(values, importedKey, outputOf(values)));

async function importedKey(): Promise<Wallet> {
  const key = process.env[PRIVATE_KEY_VARIABLE] ?? (await askSecret("Private key: ", PRIVATE_KEY_VARIABLE));
  return privateKeyOf(key);
}
