import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";

import { Wallet } from "ethers";

import { TuringFogError } from "@turingfog/sdk";
import { PASSPHRASE_VARIABLE, PRIVATE_KEY_VARIABLE, privateKeyOf } from "@turingfog/operator";
import { defineCommand } from "../lib/command.js";
import { askSecret } from "../lib/prompt.js";

const USAGE = `Writes an encrypted keystore (Web3 Secret Storage), which every command takes with --keystore.

  turingfog keystore --out FILE [--import] [--json]

  --out FILE  where to write it; a file that is there is never overwritten
  --import    encrypt a private key that you have: it is asked for, or taken from TURINGFOG_PRIVATE_KEY.
              Without it a new key is made
  --json      print JSON alone: address and file
  --help      print this

The passphrase is asked for twice, without being shown, or taken from TURINGFOG_PASSPHRASE. Nothing but the address is
printed; whoever has file and passphrase has the key, and whoever loses either has lost it.`;

const MIN_PASSPHRASE = 12;

/** A passphrase that guards nothing. */
class WeakPassphraseError extends TuringFogError {
  constructor() {
    super(`The passphrase is too short, must have at least ${MIN_PASSPHRASE} characters`);
  }
}

/** The passphrase was typed once so and once otherwise. */
class DifferentPassphrasesError extends TuringFogError {
  constructor() {
    super("The two passphrases differ; nothing was written");
  }
}

/** What is there might be the only copy of a key. */
class FileExistsError extends TuringFogError {
  constructor(file: string) {
    super(`${file} exists, and is not overwritten: choose another --out`);
  }
}

export const command = defineCommand({
  usage: USAGE,
  options: { out: { type: "string" }, import: { type: "boolean", default: false } },
  required: ["out"],
  async run({ out, import: isImport }, output) {
    if (existsSync(out)) throw new FileExistsError(out);
    const wallet = isImport === true ? await importedKey() : new Wallet(Wallet.createRandom().privateKey);
    const passphrase = await newPassphrase();

    output.say("Encrypting, which takes some seconds by design");
    const keystore = await wallet.encrypt(passphrase);
    await writeFile(out, `${keystore}\n`, { mode: 0o600, flag: "wx" });
    output.result({ address: wallet.address, file: out }, `${out} has the encrypted key of ${wallet.address}`);
  },
});

async function importedKey(): Promise<Wallet> {
  const key = process.env[PRIVATE_KEY_VARIABLE] ?? (await askSecret("Private key: ", PRIVATE_KEY_VARIABLE));
  return privateKeyOf(key);
}

async function newPassphrase(): Promise<string> {
  const given = process.env[PASSPHRASE_VARIABLE];
  const passphrase = given ?? (await askSecret("Passphrase: ", PASSPHRASE_VARIABLE));
  if (passphrase.length < MIN_PASSPHRASE) throw new WeakPassphraseError();
  if (given === undefined && (await askSecret("Once more: ", PASSPHRASE_VARIABLE)) !== passphrase) {
    throw new DifferentPassphrasesError();
  }
  return passphrase;
}
