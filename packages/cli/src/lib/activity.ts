import type { Spinner } from "yocto-spinner" with { "resolution-mode": "import" };

/** Seconds after which people are told what takes so long: on a terminal, and in plain lines. */
const PATIENCE = { terminal: 1, plain: 5 };

/** Seconds between two plain lines. */
const INTERVAL = 10;

/** What a command does, shown on stderr with the time that it has taken: as a spinner, or as plain lines now and then. */
export class Activity {
  private what = "";
  private detail?: string;
  private seconds = 0;
  private timer?: NodeJS.Timeout;
  private spinner?: Spinner;

  /** Begins another activity, or updates the detail of the one that goes on. */
  begin(what: string, detail?: string): void {
    if (what !== this.what) this.end();
    this.what = what;
    this.detail = detail;
    this.timer ??= setInterval(() => void this.tick(), 1_000).unref();
  }

  /** Ends what goes on, before a question or at the end of a command. */
  end(): void {
    clearInterval(this.timer);
    this.spinner?.stop();
    this.what = "";
    this.seconds = 0;
    this.timer = this.spinner = undefined;
  }

  private async tick(): Promise<void> {
    ++this.seconds;
    if (!isTerminal()) {
      if ((this.seconds - PATIENCE.plain) % INTERVAL === 0) console.error(this.text);
    } else if (this.spinner !== undefined) {
      this.spinner.text = this.text;
    } else if (this.seconds >= PATIENCE.terminal) {
      const { timer } = this;
      const { default: yoctoSpinner } = await import("yocto-spinner");
      // it may have ended meanwhile
      if (timer === this.timer) this.spinner = yoctoSpinner().start(this.text);
    }
  }

  private get text(): string {
    const time = `${Math.floor(this.seconds / 60)}:${String(this.seconds % 60).padStart(2, "0")}`;
    return `${[this.what, this.detail].filter(Boolean).join(": ")} (${time})`;
  }
}

/** Tells whether stderr can show a line that changes. */
function isTerminal(): boolean {
  return process.stderr.isTTY && process.env.TERM !== "dumb" && process.env.CI === undefined;
}

/** Activity of this process. */
export const activity = new Activity();
