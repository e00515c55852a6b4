import { ceilDiv, max, TuringFogError } from "@turingfog/sdk";
import { formatUnits, parseUnits } from "ethers";

/** A currency of cards. */
export interface Currency {
  /** ISO 4217, in lower case as Stripe has it. */
  code: string;
  /** Decimals of a whole unit that Stripe counts in. */
  decimals: number;
  /** Minor units that every amount must be a multiple of. */
  step: bigint;
}

// https://docs.stripe.com/currencies, looked up in November 2026: amounts of three decimals end in 0, krónur in 00
const ZERO_DECIMALS = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" ");
const THREE_DECIMALS = "bhd jod kwd omr tnd".split(" ");

/** Currencies whose amounts Stripe documents in two ways at once. */
const UNCLEAR = ["ugx"];

/** Decimals of a rate. */
const RATE_DECIMALS = 12;

const BASIS_POINTS = 10_000n;

/** Thrown when a text is no currency that the gateway can count in. */
export class CurrencyError extends TuringFogError {
  constructor(code: string) {
    super(`The currency is ${code}, must be three lower-case letters of ISO 4217, and not ${UNCLEAR.join(", ")}`);
  }
}

/**
 * Returns how amounts in a currency are counted.
 * @throws CurrencyError
 */
export function currencyOf(code: string): Currency {
  if (!/^[a-z]{3}$/.test(code) || UNCLEAR.includes(code)) throw new CurrencyError(code);
  if (ZERO_DECIMALS.includes(code)) return { code, decimals: 0, step: 1n };
  if (THREE_DECIMALS.includes(code)) return { code, decimals: 3, step: 10n };
  return { code, decimals: 2, step: code === "isk" ? 100n : 1n };
}

/** Writes an amount for people, as "12.34 EUR". */
export function formatMoney(minor: bigint, code: string): string {
  // nothing is sold in these, and something may have been paid in one
  if (UNCLEAR.includes(code)) return `${minor} minor units of ${code.toUpperCase()}`;
  const { decimals } = currencyOf(code);
  const [whole, fraction = ""] = formatUnits(minor, decimals).split(".");
  return `${decimals === 0 ? whole : `${whole}.${fraction.padEnd(decimals, "0")}`} ${code.toUpperCase()}`;
}

/** Reads an amount such as "12.34" as minor units; undefined if it has too many decimals, or is none Stripe takes. */
export function readMoney(text: string, { decimals, step }: Currency): bigint | undefined {
  if (!/^\d{1,12}(\.\d+)?$/.test(text) || (text.split(".")[1] ?? "").length > decimals) return undefined;
  const minor = parseUnits(text, decimals);
  return minor % step === 0n ? minor : undefined;
}

/** Reads a rate such as "0.92": units of a currency for a whole unit of an asset. */
export function readRate(text: string): bigint {
  return parseUnits(text, RATE_DECIMALS);
}

export interface Priced {
  /** Base units of the asset. */
  deposit: bigint;
  /** Decimals of the asset. */
  assetDecimals: number;
  /** As `readRate` reads it. */
  rate: bigint;
  /** Basis points on top of the deposit at the rate. */
  margin: bigint;
  currency: Currency;
}

/** Returns the price of a deposit on a card, in minor units: the deposit at the rate and the margin, rounded up. */
export function priceOf({ deposit, assetDecimals, rate, margin, currency: { decimals, step } }: Priced): bigint {
  const scaled = deposit * rate * (BASIS_POINTS + margin) * 10n ** BigInt(decimals);
  const one = 10n ** BigInt(assetDecimals + RATE_DECIMALS) * BASIS_POINTS;
  return ceilDiv(scaled, one * step) * step;
}

export interface Rest {
  /** Minor units that were paid. */
  price: bigint;
  /** Base units of the asset that they were the price of, and what the order has not used of them. */
  deposit: bigint;
  unused: bigint;
  /** Minor units that are kept of a rest. */
  fee: bigint;
  currency: Currency;
}

/** Returns what is refunded of an order's rest, in minor units: its share of the price less the fee, rounded down. */
export function restOf({ price, deposit, unused, fee, currency: { step } }: Rest): bigint {
  return (max((price * unused) / deposit - fee, 0n) / step) * step;
}
