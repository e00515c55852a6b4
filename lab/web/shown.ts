import type { Shown } from "./visitor";

/** Returns the reason for which a text does not say its value; undefined if it does. */
export function misreading({ kind, text, value, decimals, shownDecimals }: Shown): string | undefined {
  const isRight = {
    amount: () => isAmount(text, BigInt(value), decimals, shownDecimals),
    instant: () => text === new Date(Number(value) * 1_000).toISOString().slice(0, 16).replace("T", " "),
    duration: () => isDuration(text, BigInt(value)),
    text: () => text === value,
  }[kind]();
  return isRight ? undefined : `"${text}" is not how ${value} with ${decimals} decimals is shown`;
}

/**
 * An amount is cut off after the decimals that are shown, and zeros at its end are left out; what is less than the last
 * decimal is "< 0.01".
 * @param decimals,shown decimals of the value, and those after which the text is cut off
 */
function isAmount(text: string, value: bigint, decimals: number, shown: number): boolean {
  if (text === "no limit") return value > UNLIMITED;
  const [, less, whole, fraction = ""] = /^(< )?([\d,]+)(?:\.(\d*[1-9]))?$/.exec(text) ?? [];
  if (whole === undefined || fraction.length > shown) return false;
  const told = BigInt(whole.replaceAll(",", "") + fraction.padEnd(shown, "0"));
  const exact = value / 10n ** BigInt(decimals - shown);
  return less === undefined
    ? told === exact && (exact > 0n || value === 0n)
    : told === 1n && exact === 0n && value > 0n;
}

/** More than this many TU, 18 decimals, are no limit: it would take all GPUs of the world a million years. */
const UNLIMITED = 10n ** 36n;

const SECONDS: Record<string, bigint> = { d: 86_400n, h: 3_600n, min: 60n, s: 1n };

function isDuration(text: string, value: bigint): boolean {
  const parts = [...text.matchAll(/(\d+) (d|h|min|s)/g)];
  const shown = parts.reduce((sum, [, count, unit]) => sum + BigInt(count) * SECONDS[unit], 0n);
  const last = parts.at(-1)?.[2];
  return last !== undefined && shown <= value && value - shown < SECONDS[last];
}
