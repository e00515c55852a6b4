import { plainText } from "@turingfog/network";
import { IERC20Metadata__factory } from "@turingfog/sdk/ethers";
import { formatUnits, getAddress, isAddress, parseUnits, type Provider } from "ethers";

import { UsageError } from "./command.js";

/** The most characters of a symbol that are shown. */
const MAX_SYMBOL = 16;

/** A token that amounts are in. */
export interface Token {
  address: string;
  symbol: string;
  decimals: number;
}

/** Reads a token's decimals and symbol, which its maker has written. */
export async function readToken(address: string, provider: Provider): Promise<Token> {
  const token = IERC20Metadata__factory.connect(address, provider);
  const [decimals, symbol] = await Promise.all([token.decimals(), token.symbol()]);
  return { address: getAddress(address), symbol: plainText(symbol, MAX_SYMBOL), decimals: Number(decimals) };
}

/** Reads the tokens of some addresses, each once, by their addresses. */
export async function readTokens(addresses: Iterable<string>, provider: Provider): Promise<Map<string, Token>> {
  const once = [...new Set(Array.from(addresses, (each) => getAddress(each)))];
  return new Map(await Promise.all(once.map(async (each) => [each, await readToken(each, provider)] as const)));
}

/** Writes an amount of a token with its symbol, as "2.5 USDC". */
export function formatToken(units: bigint, { decimals, symbol }: Token): string {
  return `${formatUnits(units, decimals)} ${symbol}`;
}

/** Decimals of a price that people are shown. */
const PRICE_DECIMALS = 6;

/** Writes a price for people, rounded to six decimals; one that would be nothing then is written in full. */
export function formatPrice(units: bigint, token: Token): string {
  const unit = 10n ** BigInt(Math.max(token.decimals - PRICE_DECIMALS, 0));
  const rounded = ((units + unit / 2n) / unit) * unit;
  return formatToken(rounded === 0n ? units : rounded, token);
}

/** Writes an amount of TU, as "0.5 TU". */
export function formatTU(tu: bigint): string {
  return `${formatUnits(tu, 18)} TU`;
}

/**
 * Reads an option's value as an amount.
 * @param name of the option, without its dashes
 * @throws UsageError
 */
export function readAmount(name: string, text: string, decimals: number, unit: string): bigint {
  const isNumber = /^\d{1,20}(\.\d+)?$/.test(text) && (text.split(".")[1] ?? "").length <= decimals;
  if (isNumber) return parseUnits(text, decimals);
  throw new UsageError(`--${name} is ${text}, must be ${unit} as 2.5, with ${decimals} decimals at most`);
}

/** Reads an option's value as an address. @throws UsageError */
export function readAddress(name: string, text: string): string {
  const isOne: boolean = isAddress(text);
  if (isOne) return getAddress(text);
  throw new UsageError(`--${name} is ${text}, must be an address, with its EIP-55 checksum or in lower case`);
}

/**
 * Returns the token that an option names by its address or its symbol.
 * @throws UsageError if there is none, or several
 */
export function tokenNamed(name: string, text: string, tokens: Iterable<Token>): Token {
  const all = [...tokens];
  const wanted = text.toLowerCase();
  const found = all.filter(({ address, symbol }) => [address.toLowerCase(), symbol.toLowerCase()].includes(wanted));
  if (found.length === 1) return found[0];
  const known = (found.length === 0 ? all : found).map(({ symbol, address }) => `${symbol} (${address})`).join(", ");
  throw new UsageError(`--${name} is ${text}, must be one of ${known || "none: nothing is offered"}`);
}
