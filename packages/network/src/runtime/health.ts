/** State of a part of a role: `waiting` for something outside that may come back, or `failed` until a person acts. */
export type PartState = "ok" | "waiting" | "failed";

export interface PartReport {
  state: PartState;
  reason?: string;
}

/** What the parts of a role say about themselves. */
export class Health {
  private readonly reports = new Map<string, PartReport>();

  /** @param onChange hears of a part that says something else than before */
  constructor(private readonly onChange: (part: string, report: PartReport) => void = () => undefined) {}

  report(part: string, state: PartState, reason?: string): void {
    const before = this.reports.get(part);
    if (before?.state === state && before.reason === reason) return;
    const report = { state, reason };
    this.reports.set(part, report);
    this.onChange(part, report);
  }

  get isOk(): boolean {
    return [...this.reports.values()].every(({ state }) => state === "ok");
  }

  get parts(): Record<string, PartReport> {
    return Object.fromEntries(this.reports);
  }
}
