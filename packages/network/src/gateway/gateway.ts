import { type Connection, latestBlock } from "@turingfog/operator";

import type { Wallet } from "ethers";
import type { Logger } from "pino";
import { Gauge, type Registry } from "prom-client";

import type { ChainFacts } from "../chain/index.js";
import { Backoff, type Clock, type Health, reasonOf } from "../runtime/index.js";
import type { TransactionOutbox, TransactionSubmitter } from "../sending/index.js";
import { Closing } from "./closing.js";
import type { Delivering } from "./delivering.js";
import { Opening, type Sight } from "./opening.js";
import type { Jobs } from "./jobs.js";
import type { Paying } from "./paying.js";
import type { Sessions } from "./sessions.js";
import type { SessionRow, SessionState } from "./tables.js";

/** Parts of a gateway's health, beside that of the chain. */
type Part = "stripe" | "approvals" | "orders" | "deliveries" | "refunds" | "disputes";

const STATES: SessionState[] = [
  ...(["quoted", "checkout", "expired", "paid", "approved", "opened", "delivered", "owed", "refunded"] as const),
];

/** Seconds between two looks for what may be deleted. */
const TIDY = 3_600n;

const DAY = 86_400n;

/** The most transactions of an order: an allowance is ended, another one given, and the order opened. */
const MOST_CALLS = 3;

/** The most milliseconds for which what failed is left alone: a customer waits for it. */
const LONGEST = 60_000;

export interface GatewayOptions {
  facts: ChainFacts;
  connect: () => Promise<Connection>;
  key: Wallet;
  submitter: TransactionSubmitter;
  outbox: TransactionOutbox;
  sessions: Sessions;
  paying: Paying;
  opening: Opening;
  delivering: Delivering;
  closing: Closing;
  jobs: Jobs;
  /** Seconds for which jobs and results are kept. */
  keep: bigint;
  clock: Clock;
  /** Unix seconds, and milliseconds of a clock that nobody sets. */
  now: () => bigint;
  monotonic: () => number;
  log: Logger;
  health: Health;
  metrics: Registry;
}

/** Takes each session from its payment to its end. What fails for one session keeps no other from going on. */
export class Gateway {
  private readonly failed: Backoff<string>;
  /** Why what failed waits, by its key. */
  private readonly waiting = new Map<string, string>();
  private readonly delivering = new Map<string, Promise<void>>();
  private readonly deliveryFailures = new Map<string, string>();
  private readonly gauge: Gauge;
  private readonly spent: Gauge;
  private tidiedAt = 0n;

  constructor(private readonly options: GatewayOptions) {
    this.failed = new Backoff(options.monotonic, LONGEST);
    const registers = [options.metrics];
    const sessions = { name: "turingfog_gateway_sessions", help: "Sessions in the store, by their state" };
    this.gauge = new Gauge({ ...sessions, labelNames: ["state"], registers });
    const spent = { name: "turingfog_gateway_spent_coins", help: "Coins that gas may have cost in the last 24 hours" };
    this.spent = new Gauge({ ...spent, registers });
  }

  /** Looks once at what is due at Stripe: what webhooks told of, refunds, and what no webhook may tell of. */
  async advanceCards(): Promise<void> {
    const { sessions, paying, health } = this.options;
    await this.doing("stripe", () => paying.followEvents());
    await this.each("refunds", await sessions.in("owed"), (row) => paying.refund(row));
    await this.doing("stripe", () => paying.poll());
    const { states, disputed } = await sessions.counts();
    const why = `${disputed} payments are disputed: answer in Stripe's dashboard`;
    health.report("disputes", disputed === 0 ? "ok" : "waiting", disputed === 0 ? undefined : why);
    for (const state of STATES) this.gauge.set({ state }, states.get(state) ?? 0);
    await this.tidy();
  }

  /** Begins what is due about jobs and results, beside what is on its way. */
  async advanceJobs(): Promise<void> {
    this.deliver(await this.options.sessions.in("opened"));
  }

  /** Looks once at what is due on the chain. */
  async advanceOrders(signal: AbortSignal): Promise<void> {
    const { outbox, clock } = this.options;
    await this.approve();
    await this.transact(signal);
    this.spent.set(Number(outbox.spent(clock.now())) / 1e18);
  }

  /** Resolves once no job or result is on its way. */
  async delivered(): Promise<void> {
    await Promise.all(this.delivering.values());
  }

  private async approve(): Promise<void> {
    const { sessions, opening, connect } = this.options;
    const waits: string[] = [];
    await this.each("approvals", await sessions.in("paid"), async (row) => {
      const why = await opening.approve(row, connect);
      if (why !== "" && why !== "disputed") waits.push(why);
    });
    if (waits.length > 0) this.options.health.report("approvals", "waiting", waits[0]);
  }

  /**
   * Sends what is due: first what has a transaction that waits, because no later one can be mined before it, then orders for
   * which somebody waits.
   */
  private async transact(signal: AbortSignal): Promise<void> {
    const { sessions, closing, connect, key, submitter } = this.options;
    const rows = await sessions.in("approved", "opened", "delivered");
    await this.doing("orders", async () => {
      const connection = await connect();
      const sight: Sight = { connection, time: BigInt((await latestBlock(connection.provider)).timestamp) };
      const used = await connection.provider.getTransactionCount(key.address, "latest");
      const waitsAt = (row: SessionRow) => {
        const calls = row.state === "approved" ? Opening.describe(row) : Closing.describe(row);
        const nonces = calls.flatMap((call) => submitter.attemptsAt(call)).map(({ nonce }) => nonce);
        return Math.min(...nonces.filter((nonce) => nonce >= used));
      };
      const places = new Map(rows.map((row) => [row.id, waitsAt(row)]));
      const place = ({ id }: SessionRow) => places.get(id) ?? Infinity;
      const isLater = ({ state }: SessionRow) => Number(state !== "approved");
      rows.sort((a, b) => (place(a) === place(b) ? isLater(a) - isLater(b) : place(a) - place(b)));
      await this.each("orders", rows, async ({ id }) => {
        if (signal.aborted) return;
        // it may have been disputed while the transaction before it was mined
        const row = await sessions.byId(id);
        if (row?.state === "approved") await this.open(row, sight);
        else if (row?.state === "opened" || row?.state === "delivered") await closing.advance(row, sight);
      });
    });
  }

  /** Opens an order before that of another payment changes the allowance that it was given. */
  private async open(row: SessionRow, sight: Sight): Promise<void> {
    const { sessions, opening } = this.options;
    let at: SessionRow | undefined = row;
    for (let left = MOST_CALLS; left > 0 && at?.state === "approved"; --left) {
      if (!(await opening.open(at, sight))) return;
      at = await sessions.byId(row.id);
    }
  }

  private deliver(rows: readonly SessionRow[]): void {
    const { delivering, sessions, health, log } = this.options;
    const open = new Set(rows.map(({ id }) => id));
    for (const id of this.deliveryFailures.keys()) if (!open.has(id)) this.deliveryFailures.delete(id);
    const [first] = this.deliveryFailures.values();
    health.report("deliveries", first === undefined ? "ok" : "waiting", first);
    for (const { id } of rows) {
      if (this.delivering.has(id) || !this.failed.isDue(`deliver ${id}`)) continue;
      const done = sessions
        .byId(id)
        .then(async (row) => {
          if (row?.state === "opened") await delivering.advance(row);
          this.failed.succeeds(`deliver ${id}`);
          this.deliveryFailures.delete(id);
        })
        .catch((error: unknown) => {
          if (this.failed.fails(`deliver ${id}`, error)) log.warn({ reason: reasonOf(error) }, "not delivered yet");
          this.deliveryFailures.set(id, reasonOf(error));
        })
        .finally(() => this.delivering.delete(id));
      this.delivering.set(id, done);
    }
  }

  /** Does something for each session, but for those that failed a moment ago, and reports the first failure. */
  private async each(part: Part, rows: readonly SessionRow[], act: (row: SessionRow) => Promise<void>): Promise<void> {
    const { health, log } = this.options;
    let first: string | undefined;
    for (const row of rows) {
      const key = `${part} ${row.id}`;
      if (!this.failed.isDue(key)) {
        first ??= this.waiting.get(key);
        continue;
      }
      try {
        await act(row);
        this.failed.succeeds(key);
        this.waiting.delete(key);
      } catch (error) {
        const reason = reasonOf(error);
        if (this.failed.fails(key, error)) log.warn({ session: row.session, reason }, `${part}: tried again`);
        this.waiting.set(key, reason);
        first ??= reason;
      }
    }
    health.report(part, first === undefined ? "ok" : "waiting", first);
  }

  private async doing(part: Part, act: () => Promise<void>): Promise<void> {
    const { health } = this.options;
    try {
      await act();
      if (part === "stripe") health.report(part, "ok");
    } catch (error) {
      health.report(part, "waiting", reasonOf(error));
    }
  }

  /** Deletes jobs and results of sessions that are long over, and quotes that nobody took. */
  private async tidy(): Promise<void> {
    const { now, sessions, jobs, keep } = this.options;
    if (now() - this.tidiedAt < TIDY) return;
    for (const id of await sessions.forgetQuotes(now() - DAY)) await jobs.forget(id);
    for (const id of await sessions.overSince(now() - keep)) await jobs.forget(id);
    this.tidiedAt = now();
  }
}
