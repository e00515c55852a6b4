import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Readable } from "node:stream";
import type { ReadableStream } from "node:stream/web";

import { TuringFogError } from "@turingfog/sdk";

/** A key of age (X25519): what decrypts, and what others encrypt to. */
export interface AgeKey {
  /** `AGE-SECRET-KEY-1…` */
  identity: string;
  /** `age1…` */
  recipient: string;
}

/** A file that was written, by its content. */
export interface Sealed {
  /** The SHA-256 of its bytes, as 0x and 64 hex digits. */
  hash: string;
  bytes: number;
}

/** Thrown when a ciphertext is none, was made for another key, or was changed. */
export class UndecipherableError extends TuringFogError {
  constructor(
    readonly what: string,
    options: ErrorOptions,
  ) {
    super(`${what} cannot be decrypted with this identity: it was made for another one, or was changed`, options);
  }
}

// The package has ES modules alone. The platform's streams have two types: its own, and Node's, which are the same class.
const age = () => import("age-encryption");
type Bytes = Parameters<InstanceType<Awaited<ReturnType<typeof age>>["Decrypter"]>["decrypt"]>[0];

/** Draws a fresh key. */
export async function newAgeKey(): Promise<AgeKey> {
  const { generateX25519Identity, identityToRecipient } = await age();
  const identity = await generateX25519Identity();
  return { identity, recipient: await identityToRecipient(identity) };
}

/** Returns the recipient of an identity. */
export async function recipientOf(identity: string): Promise<string> {
  return (await age()).identityToRecipient(identity);
}

/** Encrypts a short text. */
export async function encryptText(recipient: string, text: string): Promise<Uint8Array> {
  return (await encrypter(recipient)).encrypt(text);
}

/**
 * Decrypts a short text.
 * @param what names it, for the error
 * @throws UndecipherableError
 */
export async function decryptText(identity: string, ciphertext: Uint8Array, what: string): Promise<string> {
  const decrypter = await decrypterOf(identity);
  return decrypter.decrypt(ciphertext, "text").catch((cause: unknown) => {
    throw new UndecipherableError(what, { cause });
  });
}

/**
 * Encrypts chunks into a file as they come, and makes the file durable.
 * @param file must not exist yet; only its owner can read it
 */
export async function encryptToFile(
  recipient: string,
  chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  file: string,
): Promise<Sealed> {
  const plain = Readable.toWeb(Readable.from(chunks, { objectMode: false }));
  const stream = (await encrypter(recipient)).encrypt(plain as unknown as Extract<Bytes, { locked: boolean }>);
  const handle = await open(file, "wx", 0o600);
  try {
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const chunk of chunksOf(await stream)) {
      hash.update(chunk);
      bytes += chunk.length;
      await handle.writeFile(chunk);
    }
    await handle.sync();
    return { hash: `0x${hash.digest("hex")}`, bytes };
  } finally {
    await handle.close();
  }
}

/**
 * Decrypts a file as it is read; what came before an error must be dropped.
 * @param what names the file, for the error
 * @throws UndecipherableError
 */
export async function* decryptFile(identity: string, file: string, what: string): AsyncGenerator<Uint8Array> {
  const source = createReadStream(file);
  try {
    const decrypter = await decrypterOf(identity);
    const stream = await decrypter.decrypt(Readable.toWeb(source) as unknown as Extract<Bytes, { locked: boolean }>);
    yield* chunksOf(stream);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== undefined) throw cause;
    throw new UndecipherableError(what, { cause });
  } finally {
    source.destroy();
  }
}

async function encrypter(recipient: string) {
  const { Encrypter } = await age();
  const one = new Encrypter();
  one.addRecipient(recipient);
  return one;
}

async function decrypterOf(identity: string) {
  const { Decrypter } = await age();
  const one = new Decrypter();
  one.addIdentity(identity);
  return one;
}

function chunksOf(stream: unknown): AsyncIterable<Uint8Array> {
  return stream as ReadableStream<Uint8Array>;
}
