import { type TypedDataDomain, TypedDataEncoder, toUtf8Bytes } from "ethers";
import { createKeccak, type IHasher } from "hash-wasm";

import { checkRange } from "../errors.js";
import { InvalidMessageError } from "./errors.js";
import type { SignedFormat } from "./format.js";

const WORD = 32;
const HASH_DIGITS = 64;
const ADDRESS_DIGITS = 40;
const UINT64 = 2n ** 64n - 1n;

/** Hashes messages of one format under one domain as EIP-712 asks for, without an allocation for each value. */
export class MessageHasher<T extends object> {
  /** The type's hash and a word for each value. */
  private readonly struct: DataView;
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
    this.struct = new DataView(new ArrayBuffer(WORD * (1 + format.keys.length)));
    const typeHash = this.hash(toUtf8Bytes(TypedDataEncoder.from(types).encodeType(primaryType)));
    new Uint8Array(this.struct.buffer).set(typeHash);
    this.signed.set([0x19, 0x01]);
    writeInteger(BigInt(TypedDataEncoder.hashDomain(domain)), new DataView(this.signed.buffer), 2);
  }

  static async of<T extends object>(format: SignedFormat<T>, domain: TypedDataDomain): Promise<MessageHasher<T>> {
    return new MessageHasher(await createKeccak(256), format, domain);
  }

  /**
   * Returns the digest that is signed, 32 bytes.
   * @throws InvalidMessageError, OutOfRangeError if a value is not of its type
   */
  digest(message: T): Uint8Array {
    const bytes = new Uint8Array(this.struct.buffer);
    for (const [i, key] of this.format.keys.entries()) {
      const codec = this.format.codecs[key];
      const value = codec.toTyped(message[key]);
      const start = WORD * (1 + i);
      if (codec.type === "string") bytes.set(this.hash(toUtf8Bytes(String(value))), start);
      else writeInteger(this.checked(key, value), this.struct, start);
    }
    this.signed.set(this.hash(bytes), 2 + WORD);
    return this.hash(this.signed);
  }

  private checked(key: keyof T & string, value: bigint | string): bigint {
    if (typeof value === "bigint") {
      checkRange(key, value, 0n, this.highest[key]);
      return value;
    }
    const digits = this.format.codecs[key].type === "address" ? ADDRESS_DIGITS : HASH_DIGITS;
    if (value.length === 2 + digits && /^0x[0-9a-fA-F]+$/.test(value)) return BigInt(value);
    throw new InvalidMessageError(
      this.format.name,
      key,
      `is ${JSON.stringify(value)}, expected 0x and ${digits} hex digits`,
    );
  }

  private hash(bytes: Uint8Array): Uint8Array {
    return this.keccak.init().update(bytes).digest("binary");
  }
}

function writeInteger(value: bigint, out: DataView, start: number): void {
  for (let at = start + WORD - 8; at >= start; at -= 8, value >>= 64n) out.setBigUint64(at, value & UINT64);
}
