import type { Shown } from "./visitor";

/** Returns the reason for which a text does not say its value; undefined if it does. */
export function misreading({ kind, text, value, decimals }: Shown): string | undefined {
  const isRight = {
    amount: () => isAmount(text, BigInt(value), decimals),
    instant: () => text === new Date(Number(value) * 1_000).toISOString().slice(0, 16).replace("T", " "),
    duration: () => isDuration(text, BigInt(value)),
    text: () => text === value,
  }[kind]();
  return isRight ? undefined : `"${text}" is not how ${value} with ${decimals} decimals is shown`;
}

/** An amount is cut off after the decimals that are shown; what is less than the last of them is "< 0.01". */
function isAmount(text: string, value: bigint, decimals: number): boolean {
  if (text === "no limit") return value > UNLIMITED;
  const [, less, whole, fraction = ""] = /^(< )?([\d,]+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return false;
  const shown = BigInt(whole.replaceAll(",", "") + fraction.padEnd(decimals, "0"));
  if (less !== undefined) return value > 0n && value < shown;
  const last = 10n ** BigInt(decimals - Math.min(fraction.length, decimals));
  // zeros at the end of a fraction are left out: what is cut off is less than the last decimal that can be shown
  return shown <= value && value - shown < (fraction.length === 0 ? 10n ** BigInt(decimals) : last);
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
