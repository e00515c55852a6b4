import { performance } from "node:perf_hooks";

/** Tokens that are taken and come back with time. */
export interface Allowance {
  /** Most that can be there at once. */
  burst: number;
  perSecond: number;
}

/** The most keys that are remembered; the one that was used longest ago is forgotten first. */
const MAX_KEYS = 100_000;

/** An allowance for each key, such as an address or a node. A key that is not known has all of it. */
export class Budget {
  private readonly left = new Map<string, { tokens: number; at: number }>();

  constructor(
    private readonly allowance: Allowance,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Checks whether a key has so many tokens left, and something at all. */
  has(key: string, tokens = 1): boolean {
    return this.tokensOf(key) >= Math.max(1, tokens);
  }

  /** Takes tokens of a key, also more than it has left; returns whether it had as many. */
  take(key: string, tokens = 1): boolean {
    const before = this.tokensOf(key);
    this.left.delete(key);
    this.left.set(key, { tokens: Math.max(before - tokens, -this.allowance.burst), at: this.now() });
    if (this.left.size > MAX_KEYS) this.left.delete(this.left.keys().next().value as string);
    return before >= tokens;
  }

  private tokensOf(key: string): number {
    const { burst, perSecond } = this.allowance;
    const known = this.left.get(key);
    if (known === undefined) return burst;
    return Math.min(burst, known.tokens + ((this.now() - known.at) / 1_000) * perSecond);
  }
}

/**
 * Returns what stands for a sender: an address of IPv4, or the first half of one of IPv6, which one household has whole.
 */
export function senderOf(remoteAddress: string | undefined): string {
  const address = remoteAddress ?? "";
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address);
  if (mapped !== null) return mapped[1];
  if (!address.includes(":")) return address;
  const [head, tail] = address.split("%")[0].split("::");
  const parts = head === "" ? [] : head.split(":");
  const missing = tail === undefined ? 0 : 8 - parts.length - (tail === "" ? 0 : tail.split(":").length);
  return [...parts, ...Array<string>(missing).fill("0"), ...(tail ?? "").split(":")].slice(0, 4).join(":");
}
