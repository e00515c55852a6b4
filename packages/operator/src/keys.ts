import { readFile } from "node:fs/promises";

import { HDNodeWallet, Wallet, getAddress, isKeystoreJson, type Provider } from "ethers";

import { TuringFogError } from "@turingfog/sdk";
import { hide } from "./secrets.js";

/** Where the key of whoever sends is looked for: a keystore file first, then the environment. */
export interface KeySource {
  /** An encrypted JSON keystore (Web3 Secret Storage); TURINGFOG_KEYSTORE when left out. */
  keystore?: string;
  /** Whether the first account of every Hardhat node will do when there is no other. */
  isLocal: boolean;
  /** Asks for a passphrase that TURINGFOG_PASSPHRASE does not have. */
  ask?: (question: string) => Promise<string>;
  env?: NodeJS.ProcessEnv;
}

export const KEYSTORE_VARIABLE = "TURINGFOG_KEYSTORE";
export const PASSPHRASE_VARIABLE = "TURINGFOG_PASSPHRASE";
export const PRIVATE_KEY_VARIABLE = "TURINGFOG_PRIVATE_KEY";

// Public: Hardhat's, anvil's and Ganache's. Whatever it holds on a real network is anyone's.
const TEST_MNEMONIC = "test test test test test test test test test test test junk";

/** There is nothing to sign with. */
export class NoKeyError extends TuringFogError {
  constructor() {
    super(
      `There is no key to sign with: give --keystore FILE, or set ${KEYSTORE_VARIABLE} or ${PRIVATE_KEY_VARIABLE}; ` +
        "or write the transactions for a multisig with --safe FILE",
    );
  }
}

/** What was given for a private key is none. Never says what it is instead. */
export class MalformedKeyError extends TuringFogError {
  constructor() {
    super("What was given for a private key is none: must be 32 bytes, as 0x and 64 hexadecimal digits");
  }
}

/** A keystore that cannot be opened. */
export class KeystoreError extends TuringFogError {
  constructor(
    readonly file: string,
    reason: string,
  ) {
    super(`The keystore ${file} cannot be opened: ${reason}`);
  }
}

/**
 * The wallet of whoever sends, connected.
 * @throws NoKeyError, MalformedKeyError, KeystoreError
 */
export async function loadWallet(source: KeySource, provider: Provider): Promise<Wallet> {
  const file = keystoreFile(source);
  const key = file === undefined ? plainKey(source) : await decrypt(file, source);
  return key.connect(provider);
}

/**
 * The address of whoever sends, for which no passphrase is needed; undefined where nothing tells it.
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
 * The wallet of a private key, which no output will show from then on.
 * @throws MalformedKeyError
 */
export function privateKeyOf(key: string): Wallet {
  hide(key, "private key");
  // caught without its cause, which may quote the key
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
    return new Wallet(privateKey);
  } catch {
    throw new KeystoreError(file, "the passphrase is wrong, or the file is damaged");
  }
}
