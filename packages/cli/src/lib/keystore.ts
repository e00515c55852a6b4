import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";

import { Option } from "@commander-js/extra-typings";
import { PASSPHRASE_VARIABLE } from "@turingfog/operator";
import { TuringFogError } from "@turingfog/sdk";
import type { Wallet } from "ethers";

import type { Output } from "./output.js";
import { askSecret } from "./prompt.js";

export const OUT = new Option(
  "--out <FILE>",
  "file to write; an existing file is never overwritten",
).makeOptionMandatory();

/** Text about what is asked and printed, for the help of the commands that write a keystore. */
export const KEYSTORE_NOTES = `Asks for the passphrase twice, without showing it, unless TURINGFOG_PASSPHRASE is set. Prints nothing but the address and
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

/** Encrypts a key with a new passphrase and writes it to a new file. */
export async function writeKeystore(
  { out }: { out: string },
  keyOf: () => Wallet | Promise<Wallet>,
  output: Output,
): Promise<void> {
  if (existsSync(out)) throw new FileExistsError(out);
  const wallet = await keyOf();
  const passphrase = await newPassphrase();

  output.doing("Encrypting, which takes some seconds by design");
  const keystore = await wallet.encrypt(passphrase);
  await writeFile(out, `${keystore}\n`, { mode: 0o600, flag: "wx" });
  output.result({ address: wallet.address, file: out }, `${out} has the encrypted key of ${wallet.address}`);
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
