import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";

import { Wallet } from "ethers";

import { TuringFogError } from "@turingfog/sdk";
import { PASSPHRASE_VARIABLE, PRIVATE_KEY_VARIABLE, privateKeyOf } from "@turingfog/operator";
import { defineCommand } from "../lib/command.js";
import { askSecret } from "../lib/prompt.js";

const USAGE = `Writes an encrypted keystore (Web3 Secret Storage) for the --keystore option of other commands.

  turingfog keystore --out FILE [--import] [--json]

  --out FILE  file to write; an existing file is never overwritten
  --import    encrypt an existing private key: asks for it unless TURINGFOG_PRIVATE_KEY is set. Without this option a
              new key is generated
  --json      print JSON alone: address and file
  --help      print this

Asks for the passphrase twice, without showing it, unless TURINGFOG_PASSPHRASE is set. Prints nothing but the address and
the file. Anyone with the file and the passphrase has the key; if either is lost, the key is lost.`;

const MIN_PASSPHRASE = 12;

/** Thrown when a passphrase is too short to protect a key. */
class WeakPassphraseError extends TuringFogError {
  constructor() {
    super(`The passphrase is too short: expected at least ${MIN_PASSPHRASE} characters`);
  }
}

/** Thrown when the passphrase was typed differently the second time. */
class DifferentPassphrasesError extends TuringFogError {
  constructor() {
    super("The two passphrases differ; nothing was written");
  }
}

/** Thrown when the file exists, since it might be the only copy of a key. */
class FileExistsError extends TuringFogError {
  constructor(file: string) {
    super(`${file} exists and is not overwritten: choose another --out`);
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

    output.say("Encrypting; this takes some seconds by design");
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
