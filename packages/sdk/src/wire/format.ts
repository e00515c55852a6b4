import { type Signer, TypedDataEncoder, type TypedDataDomain, type TypedDataField, verifyTypedData } from "ethers";

import { type Codecs, InvalidValueError, oneOf, record, type Shape, type Shapes } from "./codecs.js";
import { InvalidMessageError, MessageTooLargeError } from "./errors.js";

/** A message with its signature. */
export type Signed<T> = T & { signature: string };

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

interface Named {
  format: string;
}

/**
 * A message as JSON in one canonical form: that of RFC 8785, with the format's name as `format`, integers as decimal
 * strings, and hex in lower case. So a message has one text, and one hash.
 */
export class JsonFormat<T extends object> {
  private readonly shape: Shape<T & Named>;

  /**
   * @param name as it stands in the message; another layout gets another name
   * @param maxBytes of a message in UTF-8
   */
  constructor(
    readonly name: string,
    readonly maxBytes: number,
    shapes: Shapes<T>,
  ) {
    this.shape = record<T & Named>({ format: oneOf(name), ...shapes } as Shapes<T & Named>);
  }

  /**
   * Writes a message.
   * @throws InvalidMessageError, MessageTooLargeError if nobody could read it
   */
  encode(message: T): string {
    const text = this.write(message);
    this.decode(text);
    return text;
  }

  /**
   * Reads a message, and refuses every text but the one that `encode` writes.
   * @param text bytes of UTF-8, or a text that was decoded from them
   * @throws InvalidMessageError, MessageTooLargeError
   */
  decode(text: Uint8Array | string): T {
    // a text that is taken is ASCII, so its length is that of its bytes
    if (text.length > this.maxBytes) throw new MessageTooLargeError(this.name, text.length, this.maxBytes);
    const given = typeof text === "string" ? text : this.decodeUtf8(text);
    const message: T & Partial<Named> = this.parse(given);
    delete message.format;
    if (this.write(message) !== given) throw this.invalid("is not in the canonical form of RFC 8785");
    return message;
  }

  private write(message: T): string {
    return JSON.stringify(this.shape.toJson({ ...message, format: this.name }));
  }

  private decodeUtf8(bytes: Uint8Array): string {
    try {
      return UTF8.decode(bytes);
    } catch {
      throw this.invalid("is not UTF-8");
    }
  }

  private parse(text: string): T & Named {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw this.invalid("is not JSON");
    }
    try {
      return this.shape.parse(value);
    } catch (error) {
      if (!(error instanceof InvalidValueError)) throw error;
      throw this.invalid(error.reason, error.path);
    }
  }

  private invalid(reason: string, path = ""): InvalidMessageError {
    return new InvalidMessageError(this.name, path === "" ? "top level" : path.replace(/^\./, ""), reason);
  }
}

/** A message that somebody signs by EIP-712, and its JSON with the signature. */
export class SignedFormat<T extends object> extends JsonFormat<Signed<T>> {
  /** In the form that ethers takes. */
  readonly types: Record<string, TypedDataField[]>;
  /** The values that are signed, in the order of the typed data. */
  readonly keys: readonly (keyof T & string)[];

  /**
   * @param primaryType name of the message in the typed data
   * @param codecs in the order of the typed data
   */
  constructor(
    name: string,
    readonly primaryType: string,
    maxBytes: number,
    readonly codecs: Codecs<T>,
    signature: Shape<string>,
  ) {
    super(name, maxBytes, { ...codecs, signature } as unknown as Shapes<Signed<T>>);
    this.keys = Object.keys(codecs) as (keyof T & string)[];
    this.types = { [primaryType]: this.keys.map((key) => ({ name: key, type: codecs[key].type })) };
  }

  /** Returns a message's values in the form that ethers signs. */
  typedData(message: T): Record<string, bigint | string> {
    return Object.fromEntries(this.keys.map((key) => [key, this.codecs[key].toTyped(message[key])]));
  }

  /** Returns the EIP-712 digest of a message; many of one format are hashed faster by `MessageHasher`. */
  digest(domain: TypedDataDomain, message: T): string {
    return TypedDataEncoder.hash(domain, this.types, this.typedData(message));
  }

  async sign(signer: Pick<Signer, "signTypedData">, domain: TypedDataDomain, message: T): Promise<Signed<T>> {
    return { ...message, signature: await signer.signTypedData(domain, this.types, this.typedData(message)) };
  }

  /**
   * Returns the account whose key has signed a message, in lower case; undefined if the signature is of no key, so that
   * only a contract can have given it.
   */
  signerOf(domain: TypedDataDomain, message: Signed<T>): string | undefined {
    try {
      return verifyTypedData(domain, this.types, this.typedData(message), message.signature).toLowerCase();
    } catch {
      return undefined;
    }
  }
}
