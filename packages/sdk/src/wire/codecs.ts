import { sha256, toUtf8Bytes } from "ethers";

/** The types of EIP-712 that messages are made of. */
export type TypedDataType = `uint${number}` | "address" | "bytes32" | "string";

/** A value that is JSON without numbers: integers are decimal strings, so that none loses a digit. */
export type Json = string | readonly Json[] | { readonly [key: string]: Json };

/** Reader and writer of one kind of value in JSON. */
export interface Shape<V> {
  /**
   * Reads a value that JSON had.
   * @throws InvalidValueError
   */
  parse(value: unknown): V;
  /** Returns the value with the keys of every record in ascending order, as RFC 8785 has them in a text. */
  toJson(value: V): Json;
}

/** A shape whose values can be signed. */
export interface Codec<V> extends Shape<V> {
  /** Its type in the typed data. */
  readonly type: TypedDataType;
  /** Returns the value in the form that ethers signs. */
  toTyped(value: V): bigint | string;
}

/** The shapes of a record's values, by key. */
export type Shapes<T> = { readonly [K in keyof T]: Shape<T[K]> };

/** The codecs of a record's values, by key, in the order of the typed data. */
export type Codecs<T> = { readonly [K in keyof T]: Codec<T[K]> };

/** Thrown by a codec, which does not know where the value stands; its format does. */
export class InvalidValueError extends Error {
  constructor(
    readonly reason: string,
    /** Path below the value that was given. */
    readonly path = "",
  ) {
    super(reason);
  }
}

/** Longest text of a refused value in an error. */
const MAX_SHOWN = 80;

function refuse(value: unknown, expected: string): never {
  throw new InvalidValueError(`is ${show(value)}, expected ${expected}`);
}

/** Shows a stranger's value on one line: the start of a text in ASCII, and no more than the kind of a list or an object. */
export function show(value: unknown): string {
  if (typeof value === "object" && value !== null) return Array.isArray(value) ? "a list" : "an object";
  const json = typeof value === "string" ? JSON.stringify(value.slice(0, MAX_SHOWN)) : String(value);
  const ascii = json.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
  return typeof value === "string" && value.length > MAX_SHOWN ? `${ascii.slice(0, -1)}…` : ascii;
}

function matching(type: "address" | "bytes32" | "string", pattern: RegExp, expected: string): Codec<string> {
  return {
    type,
    parse: (value) => (typeof value === "string" && pattern.test(value) ? value : refuse(value, expected)),
    toJson: (value) => value,
    toTyped: (value) => value,
  };
}

/** Returns the codec of a text that matches a pattern. */
export function text(pattern: RegExp, expected: string): Codec<string> {
  return matching("string", pattern, expected);
}

/** Returns the codec of a text that matches a pattern, and holds for something else too. */
function satisfying(pattern: RegExp, expected: string, holds: (value: string) => boolean): Codec<string> {
  const any = text(pattern, expected);
  return {
    ...any,
    parse(value) {
      const matched = any.parse(value);
      return holds(matched) ? matched : refuse(value, expected);
    },
  };
}

/** Returns the codec of an unsigned integer, a decimal string in JSON. */
export function uint(bits: number): Codec<bigint> {
  const end = 1n << BigInt(bits);
  const maxDigits = (end - 1n).toString().length;
  return {
    type: `uint${bits}`,
    parse(value) {
      const isDecimal = typeof value === "string" && value.length <= maxDigits && /^(0|[1-9][0-9]*)$/.test(value);
      const integer = isDecimal ? BigInt(value) : end;
      return integer < end ? integer : refuse(value, `a decimal integer below 2^${bits} as a string`);
    },
    toJson: (value) => value.toString(),
    toTyped: (value) => value,
  };
}

/** Returns the codec of an unsigned integer up to a bound of its own. */
export function uintUpTo(bits: number, maximum: bigint): Codec<bigint> {
  const any = uint(bits);
  return {
    ...any,
    parse(value) {
      const integer = any.parse(value);
      return integer <= maximum ? integer : refuse(value, `at most ${maximum}`);
    },
  };
}

export const bytes32 = matching("bytes32", /^0x[0-9a-f]{64}$/, "0x and 64 lower-case hex digits");

/** Lower case, because the checksum of EIP-55 needs Keccak. */
export const address = matching("address", /^0x[0-9a-f]{40}$/, "0x and 40 lower-case hex digits");

/** The base of an HTTP address: scheme, host, and perhaps a port and a path. */
export const endpoint = satisfying(
  /^(?=.{1,255}$)https?:\/\/([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(\/(?!\.{1,2}(\/|$))[A-Za-z0-9._~-]+)*$/,
  "http:// or https://, a host in lower case, and perhaps a port and a path, at most 255 characters",
  (value) => URL.canParse(value),
);

/** An age recipient with an X25519 key. Its checksum is for those who encrypt to it. */
export const ageRecipient = text(/^age1[ac-hj-np-z02-9]{58}$/, "an age recipient: age1 and 58 lower-case characters");

/** Order of secp256k1's group, and its half, as 64 hex digits: texts of one length sort as their numbers do. */
const GROUP_ORDER = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
const HALF_ORDER = "7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0";
const ZERO = "0".repeat(64);

/** A signature by a key in its one form. */
export const keySignature = satisfying(
  /^0x[0-9a-f]{128}1[bc]$/,
  "0x and 130 lower-case hex digits: r from 1 to n - 1, s from 1 to n / 2, v of 27 or 28",
  (signature) => {
    const [r, s] = [signature.slice(2, 66), signature.slice(66, 130)];
    return r > ZERO && r < GROUP_ORDER && s > ZERO && s <= HALF_ORDER;
  },
);

/** A signature by an account, which may be a contract (ERC-1271) and then wants bytes of its own kind, at most 8,192. */
export const accountSignature = text(/^0x([0-9a-f]{2}){1,8192}$/, "0x and 1 to 8,192 bytes of lower-case hex");

/** Returns the shape of one of some words. */
export function oneOf<V extends string>(...words: readonly V[]): Shape<V> {
  return {
    parse: (value) => words.find((word) => word === value) ?? refuse(value, words.join(" or ")),
    toJson: (value) => value,
  };
}

/** Returns the codec of a list. It is signed as the SHA-256 of its JSON. */
export function list<V>(item: Shape<V>, minimum: number, maximum: number): Codec<V[]> {
  const toJson = (values: readonly V[]) => values.map((value) => item.toJson(value));
  return {
    type: "bytes32",
    parse(value) {
      if (!Array.isArray(value)) return refuse(value, "a list");
      if (value.length < minimum || value.length > maximum) {
        throw new InvalidValueError(`has ${value.length} items, expected ${minimum} to ${maximum}`);
      }
      return value.map((each: unknown, i) => below(i, () => item.parse(each)));
    },
    toJson,
    toTyped: (values) => sha256(toUtf8Bytes(JSON.stringify(toJson(values)))),
  };
}

/** Returns the shape of a record with exactly these keys. */
export function record<T extends object>(shapes: Shapes<T>): Shape<T> {
  const keys = Object.keys(shapes) as (keyof T & string)[];
  const ascending = [...keys].sort();
  return {
    parse(value) {
      const given = asRecord(value);
      const parsed: Partial<T> = {};
      for (const key of keys) {
        if (!Object.hasOwn(given, key)) throw new InvalidValueError(`has no ${key}`);
        parsed[key] = below(key, () => shapes[key].parse(given[key]));
      }
      const unknown = Object.keys(given).find((key) => !Object.hasOwn(shapes, key));
      if (unknown !== undefined) throw new InvalidValueError(`has a key ${show(unknown)}, knows ${keys.join(", ")}`);
      return parsed as T;
    },
    toJson(value) {
      const json: { [key: string]: Json } = {};
      for (const key of ascending) json[key] = shapes[key].toJson(value[key]);
      return json;
    },
  };
}

/** Returns the shape of a record whose keys are somebody's own choice, but no numbers: JavaScript puts those first. */
export function dictionary(
  key: RegExp,
  value: (text: string) => boolean,
  maximum: number,
  expected: string,
): Shape<Record<string, string>> {
  return {
    parse(given) {
      const entries = Object.entries(asRecord(given));
      const isValid = entries.every(([name, each]) => key.test(name) && typeof each === "string" && value(each));
      if (!isValid || entries.length > maximum) return refuse(given, expected);
      return given as Record<string, string>;
    },
    toJson: (values) => Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function asRecord(value: unknown): Record<string, unknown> {
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
  return isRecord ? (value as Record<string, unknown>) : refuse(value, "an object");
}

/** Puts a step before the path of what is refused. */
function below<V>(step: string | number, parse: () => V): V {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof InvalidValueError)) throw error;
    throw new InvalidValueError(error.reason, (typeof step === "number" ? `[${step}]` : `.${step}`) + error.path);
  }
}
