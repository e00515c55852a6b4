import { getBytes, type TypedDataDomain, TypedDataEncoder, toUtf8Bytes } from "ethers";
import { createKeccak, type IHasher } from "hash-wasm";

import { checkRange } from "../errors.js";
import { InvalidMessageError } from "./errors.js";
import type { SignedFormat } from "./format.js";

const WORD = 32;
const ADDRESS = 20;
const UINT64 = 2n ** 64n - 1n;

/** The values of hex digits by their code in ASCII; -1 for all else. */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) => {
  const value = parseInt(String.fromCharCode(code), 16);
  return Number.isNaN(value) ? -1 : value;
});

/** Hashes messages of one format under one domain as EIP-712 asks for, without an allocation for each value. */
export class MessageHasher<T extends object> {
  /** The type's hash and a word for each value. */
  private readonly struct: Uint8Array;
  private readonly view: DataView;
  /** 0x1901, the domain's hash and the struct's. */
  private readonly signed = new Uint8Array(2 + 2 * WORD);

  /** The highest value of each integer. */
  private readonly highest: Record<string, bigint>;

  private constructor(
    private readonly keccak: IHasher,
    private readonly format: SignedFormat<T>,
    domain: TypedDataDomain,
  ) {
    const { primaryType, types } = format;
    const bits = types[primaryType].map(({ name, type }) => [name, BigInt(type.replace(/\D/g, ""))] as const);
    this.highest = Object.fromEntries(bits.map(([name, width]) => [name, 2n ** width - 1n]));
    this.struct = new Uint8Array(WORD * (1 + format.keys.length));
    this.view = new DataView(this.struct.buffer);
    this.struct.set(this.hash(toUtf8Bytes(TypedDataEncoder.from(types).encodeType(primaryType))));
    this.signed.set([0x19, 0x01]);
    this.signed.set(getBytes(TypedDataEncoder.hashDomain(domain)), 2);
  }

  static async of<T extends object>(format: SignedFormat<T>, domain: TypedDataDomain): Promise<MessageHasher<T>> {
    return new MessageHasher(await createKeccak(256), format, domain);
  }

  /**
   * Returns the digest that is signed, 32 bytes.
   * @throws InvalidMessageError, OutOfRangeError if a value is not of its type
   */
  digest(message: T): Uint8Array {
    const { keys, codecs } = this.format;
    for (let i = 0, start = WORD; i < keys.length; ++i, start += WORD) {
      const key = keys[i];
      const codec = codecs[key];
      const value = codec.toTyped(message[key]);
      if (typeof value === "bigint") this.writeInteger(key, value, start);
      else if (codec.type === "string") this.struct.set(this.hash(toUtf8Bytes(value)), start);
      else this.writeHex(key, value, start);
    }
    this.signed.set(this.hash(this.struct), 2 + WORD);
    return this.hash(this.signed);
  }

  private writeInteger(key: keyof T & string, value: bigint, start: number): void {
    checkRange(key, value, 0n, this.highest[key]);
    this.struct.fill(0, start, start + WORD);
    for (let at = start + WORD - 8, rest = value; rest > 0n; at -= 8, rest >>= 64n) {
      this.view.setBigUint64(at, rest & UINT64);
    }
  }

  /** Writes an address or a hash, at the end of its word. */
  private writeHex(key: keyof T & string, value: string, start: number): void {
    const length = this.format.codecs[key].type === "address" ? ADDRESS : WORD;
    let isHex = value.length === 2 + 2 * length && value.startsWith("0x");
    this.struct.fill(0, start, start + WORD - length);
    for (let at = start + WORD - length, i = 2; isHex && i < value.length; ++at, i += 2) {
      const byte = (digitAt(value, i) << 4) | digitAt(value, i + 1);
      isHex = byte >= 0;
      this.struct[at] = byte;
    }
    if (isHex) return;
    throw new InvalidMessageError(
      this.format.name,
      key,
      `is ${JSON.stringify(value)}, expected 0x and ${2 * length} hex digits`,
    );
  }

  private hash(bytes: Uint8Array): Uint8Array {
    return this.keccak.init().update(bytes).digest("binary");
  }
}

/** Returns the value of a hex digit; -1 if it is none. */
function digitAt(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code < DIGITS.length ? DIGITS[code] : -1;
}
