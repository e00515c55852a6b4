import { readFile } from "node:fs/promises";

import { HDNodeWallet, Wallet, getAddress, isKeystoreJson, type Provider } from "ethers";

import { TuringFogError } from "@turingfog/sdk";
import { hide } from "@turingfog/sdk/node";

/** Sources of the sender's key: a keystore file first, then the environment. */
export interface KeySource {
  /** File of an encrypted JSON keystore (Web3 Secret Storage); TURINGFOG_KEYSTORE if left out. */
  keystore?: string;
  /** Whether the first account of every Hardhat node is used if there is no other key. */
  isLocal: boolean;
  /** Asks for a passphrase if TURINGFOG_PASSPHRASE is not set. */
  ask?: (question: string) => Promise<string>;
  env?: NodeJS.ProcessEnv;
}

export const KEYSTORE_VARIABLE = "TURINGFOG_KEYSTORE";
export const PASSPHRASE_VARIABLE = "TURINGFOG_PASSPHRASE";
export const PRIVATE_KEY_VARIABLE = "TURINGFOG_PRIVATE_KEY";

// The public mnemonic of Hardhat and anvil. Anyone can take what its accounts hold on a real network.
const TEST_MNEMONIC = "test test test test test test test test test test test junk";

/** Thrown when there is no key to sign with. */
export class NoKeyError extends TuringFogError {
  constructor() {
    super(
      `There is no key to sign with: give --keystore FILE, or set ${KEYSTORE_VARIABLE} or ${PRIVATE_KEY_VARIABLE}; ` +
        "or write the transactions for a multisig with --safe FILE",
    );
  }
}

/** Thrown when a text is not a private key. The message never contains the text. */
export class MalformedKeyError extends TuringFogError {
  constructor() {
    super("Invalid private key: expected 0x followed by 64 hex digits");
  }
}

/** Thrown when a keystore cannot be opened. */
export class KeystoreError extends TuringFogError {
  constructor(
    readonly file: string,
    reason: string,
  ) {
    super(`The keystore ${file} cannot be opened: ${reason}`);
  }
}

/**
 * Returns the sender's wallet, connected to a provider if there is one.
 * @throws NoKeyError, MalformedKeyError, KeystoreError
 */
export async function loadWallet(source: KeySource, provider: Provider | null): Promise<Wallet> {
  const file = keystoreFile(source);
  const key = file === undefined ? plainKey(source) : await decrypt(file, source);
  return key.connect(provider);
}

/**
 * Returns the sender's address, without a passphrase; undefined if there is no key, or if the keystore does not contain
 * its address.
 * @throws MalformedKeyError, KeystoreError
 */
export async function addressOf(source: KeySource): Promise<string | undefined> {
  const file = keystoreFile(source);
  if (file !== undefined) {
    const { address } = JSON.parse(await readKeystore(file)) as { address?: string };
    return address === undefined ? undefined : getAddress(address.replace(/^(0x)?/, "0x"));
  }
  try {
    return plainKey(source).address;
  } catch (error) {
    if (error instanceof NoKeyError) return undefined;
    throw error;
  }
}

function keystoreFile({ keystore, env = process.env }: KeySource): string | undefined {
  return keystore ?? (env[KEYSTORE_VARIABLE] || undefined);
}

function plainKey({ isLocal, env = process.env }: KeySource): Wallet {
  const key = env[PRIVATE_KEY_VARIABLE];
  if (key) return privateKeyOf(key);
  if (isLocal) return new Wallet(HDNodeWallet.fromPhrase(TEST_MNEMONIC).privateKey);
  throw new NoKeyError();
}

/**
 * Returns the wallet of a private key, and hides the key from all output from then on.
 * @throws MalformedKeyError
 */
export function privateKeyOf(key: string): Wallet {
  hide(key, "private key");
  // the error has no cause, because the cause may quote the key
  try {
    return new Wallet(key);
  } catch {
    throw new MalformedKeyError();
  }
}

function passphraseOf(file: string, { ask, env = process.env }: KeySource): string | Promise<string> {
  const passphrase = env[PASSPHRASE_VARIABLE] ?? ask?.(`Passphrase of ${file}: `);
  if (passphrase === undefined) throw new KeystoreError(file, `${PASSPHRASE_VARIABLE} is not set`);
  return passphrase;
}

async function readKeystore(file: string): Promise<string> {
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new KeystoreError(file, error.code === "ENOENT" ? "there is no such file" : String(error.code));
  });
  if (!isKeystoreJson(text)) throw new KeystoreError(file, "it is not an encrypted JSON keystore");
  return text;
}

async function decrypt(file: string, source: KeySource): Promise<Wallet> {
  const text = await readKeystore(file);
  const passphrase = await passphraseOf(file, source);
  try {
    const { privateKey } = await Wallet.fromEncryptedJson(text, passphrase);
    return privateKeyOf(privateKey);
  } catch {
    throw new KeystoreError(file, "the passphrase is wrong, or the file is damaged");
  }
}
