import type { Line } from "./member";

/** Names of what roles refuse, by what they log of it. */
const LOGGED: Record<string, string> = {
  "proposal too large": "too-large",
  "file of a proposal refused": "no-receipt-file",
  "file of a proposal is not what was announced": "other-file",
  "second proposal": "second-proposal",
};

/** Why a role does not go on, by what it says of a part of its health. */
const WAITS: [name: string, reason: RegExp][] = [
  ["clock", /The clock is/],
  ["disk", /disk is full|The disk of/],
];

/** What was refused, by name. */
export class Refusals {
  readonly counts = new Map<string, number>();
  /** The same of one member alone. */
  private readonly waits = new Map<string, number>();

  add(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  /** Counts what a line of a role's log says. */
  read(member: string, { msg = "", state, reason = "", ...line }: Line): void {
    if (msg === "proposal refused") for (const { reason } of line.shown as { reason: string }[]) this.add(reason);
    if (msg === "reading refused") this.add(String(line.result));
    if (state !== "ok") {
      const isChain = msg === "health" && line.part === "chain";
      const found = WAITS.find(([, said]) => said.test(reason))?.[0] ?? (isChain && "chain");
      if (found) this.wait(member, found);
    }
    if (msg in LOGGED) this.add(LOGGED[msg]);
  }

  private wait(member: string, what: string): void {
    this.add(`waits-for-${what}`);
    this.waits.set(`${member}-waits-for-${what}`, (this.waits.get(`${member}-waits-for-${what}`) ?? 0) + 1);
  }

  /** Returns how often something was refused, or one of several things with | in between. */
  of(names: string): number {
    const counts = names.split("|").map((name) => this.counts.get(name) ?? this.waits.get(name) ?? 0);
    return counts.reduce((sum, count) => sum + count, 0);
  }
}
