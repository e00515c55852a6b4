import { readFile, stat } from "node:fs/promises";

import { TuringFogError } from "@turingfog/sdk";
import { loadWallet, privateKeyOf } from "@turingfog/operator";
import { isKeystoreJson, type Provider, type Wallet } from "ethers";

/** Permissions of anybody but a file's owner. */
const OTHERS = 0o077;

/** Thrown when a file with a secret is not there, or not the owner's alone. */
export class KeyFileError extends TuringFogError {
  constructor(
    readonly file: string,
    reason: string,
  ) {
    super(`The key file ${file} ${reason}`);
  }
}

/**
 * Reads a file that only its owner may read.
 * @throws KeyFileError
 */
export async function readSecret(file: string): Promise<string> {
  const { mode } = await stat(file).catch((error: NodeJS.ErrnoException) => {
    throw new KeyFileError(file, error.code === "ENOENT" ? "is not there" : `cannot be read: ${error.code}`);
  });
  if ((mode & OTHERS) !== 0) {
    const shown = (mode & 0o777).toString(8).padStart(3, "0");
    throw new KeyFileError(file, `has mode ${shown}, so that others can use it: run chmod 600 ${file}`);
  }
  return (await readFile(file, "utf8")).trim();
}

/**
 * Reads a private key from a file: 0x and 64 hex digits, or an encrypted keystore whose passphrase is in
 * TURINGFOG_PASSPHRASE.
 * @throws KeyFileError, MalformedKeyError, KeystoreError
 */
export async function readKey(file: string, provider: Provider | null = null): Promise<Wallet> {
  const text = await readSecret(file);
  if (isKeystoreJson(text)) return loadWallet({ keystore: file, isLocal: false }, provider);
  return privateKeyOf(text).connect(provider);
}
