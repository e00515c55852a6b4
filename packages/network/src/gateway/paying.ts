import { TuringFogError } from "@turingfog/sdk";
import type { Logger } from "pino";

import { formatMoney } from "./money.js";
import { type Cards, type CheckoutFacts, type DisputeFacts, RefundRefusedError } from "./cards.js";
import { paidIn, type Sessions } from "./sessions.js";
import type { EventRow, SessionRow } from "./tables.js";

/** Seconds for which disputes are looked for: cards' schemes give 120 days. */
const DISPUTABLE = 130n * 86_400n;

/** The most unpaid sessions, and the most refunds, that are looked at again in one look, each by a call. */
const RECHECKED = 20;

/** Thrown when a card's bank did not take a refund. Nothing more is refunded by itself. */
export class RefundFailedError extends TuringFogError {
  constructor(
    readonly paymentIntent: string,
    readonly missing: bigint,
    currency: string,
  ) {
    super(
      `The bank did not take a refund of ${paymentIntent}, of which ${formatMoney(missing, currency)} are missing: refund ` +
        "them in Stripe's dashboard, by another way if it must be; see docs/operators/gateway.md",
    );
  }
}

export interface PayingOptions {
  cards: Cards;
  sessions: Sessions;
  log: Logger;
  /** Unix seconds. */
  now: () => bigint;
  /** Milliseconds of a clock that nobody sets. */
  monotonic: () => number;
  /** Seconds between two looks at what no webhook has told of. */
  poll: number;
}

/**
 * Follows what becomes of payments. A webhook only says where to look: what counts is what Stripe answers then, so that
 * webhooks may be repeated, late, in any order, and lost.
 */
export class Paying {
  /** When each session was looked at last, on the monotonic clock. */
  private readonly looked = new Map<string, number>();
  private endedAt = -Infinity;

  constructor(private readonly options: PayingOptions) {}

  /** Looks at what webhooks have told of. */
  async followEvents(): Promise<void> {
    const { sessions } = this.options;
    await eachOf(await sessions.waiting(), async (event) => {
      await this.follow(event);
      await sessions.handled(event);
    });
  }

  /**
   * Looks at all disputes and at some refunds, now and then, and then at some sessions that may have been paid meanwhile:
   * anybody can open them, and leave them.
   */
  async poll(): Promise<void> {
    const { sessions, poll, monotonic } = this.options;
    const due = monotonic() - poll * 1_000;
    const parts: (() => Promise<void>)[] = [];
    if (this.endedAt <= due) {
      this.endedAt = monotonic();
      parts.push(
        () => this.pollDisputes(),
        () => this.pollRefunds(),
      );
    }
    const open = (await sessions.in("checkout")).filter((row) => this.lookedAt(row) <= due);
    parts.push(() => eachOf(this.oldest(open), (row) => this.look(row)));
    await eachOf(parts, (part) => part());
  }

  /**
   * Gives what is owed back to the card, once.
   * @throws RefundFailedError, RefundRefusedError
   */
  async refund(row: SessionRow): Promise<void> {
    const { cards, sessions, log } = this.options;
    const due = row.due ?? 0n;
    if (row.payment_intent === null || row.dispute === "open") return;
    let facts = await this.given(row, row.payment_intent);
    if (facts.given < due) {
      const missing = due - facts.given;
      if (facts.failed > 0) throw new RefundFailedError(row.payment_intent, missing, paidIn(row));
      const { payment_intent: paymentIntent, refusals } = row;
      await cards
        .refund({ paymentIntent, amount: missing, given: facts.given, refusals })
        .catch(async (error: unknown) => {
          // counted before the next try, which asks by another key
          if (error instanceof RefundRefusedError) await sessions.change("refusal", row, { refusals: refusals + 1n });
          throw error;
        });
      facts = await this.given(row, row.payment_intent);
    }
    // what Stripe does not say yet is looked at again
    if (facts.given < due) return;
    await sessions.change("refund", row, { state: "refunded", refunded: facts.given });
    log.info({ session: row.session, refunded: String(facts.given), due: String(due) }, "refunded");
  }

  /** Notes in a session what Stripe says of the disputes of its payment. */
  async noteDisputes(paymentIntent: string): Promise<void> {
    for (const dispute of byPayment(await this.options.cards.disputesOf(paymentIntent))) await this.dispute(dispute);
  }

  /** Returns what went back to a card: by refunds, also somebody's in the dashboard, and by a dispute that was lost. */
  private async given(row: SessionRow, paymentIntent: string): Promise<{ given: bigint; failed: number }> {
    const { given, failed } = await this.options.cards.refundsOf(paymentIntent);
    return { given: given + (row.dispute === "lost" ? (row.disputed ?? 0n) : 0n), failed };
  }

  private async follow({ subject, type }: EventRow): Promise<void> {
    const { sessions } = this.options;
    if (type.startsWith("checkout.session.")) {
      const row = await sessions.bySession(subject);
      if (row?.state === "checkout") await this.look(row);
      return;
    }
    const row = await sessions.byPayment(subject);
    if (row === undefined) return;
    await this.noteDisputes(subject);
    await this.recheck(row.id);
  }

  private async pollDisputes(): Promise<void> {
    const { cards, sessions, now } = this.options;
    await eachOf(byPayment(await cards.disputesSince(now() - DISPUTABLE)), async (dispute) => {
      const row = await sessions.byPayment(dispute.paymentIntent);
      // others of the same payment may be older
      if (row !== undefined && !isNoted(row, dispute)) await this.noteDisputes(dispute.paymentIntent);
    });
  }

  /** Looks at those refunds that were not looked at for the longest time. */
  private async pollRefunds(): Promise<void> {
    const { sessions, now } = this.options;
    const refunded = await sessions.refundedSince(now() - DISPUTABLE);
    await eachOf(this.oldest(refunded), ({ id }) => this.recheck(id));
  }

  /** Returns those sessions that were not looked at for the longest time, as many as one look takes. */
  private oldest(rows: SessionRow[]): SessionRow[] {
    return rows.sort((a, b) => this.lookedAt(a) - this.lookedAt(b)).slice(0, RECHECKED);
  }

  private lookedAt({ id }: SessionRow): number {
    return this.looked.get(id) ?? -Number.MAX_VALUE;
  }

  /** Looks at a session that is to be paid. */
  private async look(row: SessionRow): Promise<void> {
    const { cards, sessions, log, now, monotonic } = this.options;
    this.looked.set(row.id, monotonic());
    const facts = await cards.session(row.session as string);
    if (facts.state === "expired") {
      await sessions.change("payment", row, { state: "expired" });
      this.looked.delete(row.id);
      log.info({ session: row.session }, "expired unpaid");
    }
    if (facts.state !== "paid") return;
    const { paymentIntent = null, currency } = facts;
    const paid = { payment_intent: paymentIntent, paid_at: paidAtOf(facts, row, now()), paid_currency: currency };
    const difference = differenceOf(facts, row);
    if (difference === "") await sessions.change("payment", row, { ...paid, state: "paid" });
    else await sessions.change("payment", row, { ...paid, state: "owed", due: facts.amount, reason: difference });
    log.info({ session: row.session, difference }, "paid");
    this.looked.delete(row.id);
    // webhooks of it that came before this look found no session
    if (paymentIntent !== null) await this.noteDisputes(paymentIntent);
  }

  private async dispute(facts: DisputeFacts): Promise<void> {
    const { sessions, log } = this.options;
    const { paymentIntent, state, amount } = facts;
    const row = await sessions.byPayment(paymentIntent);
    if (row === undefined || isNoted(row, facts)) return;
    await sessions.change("dispute", row, { dispute: state, disputed: amount });
    log.warn({ session: row.session, dispute: state, amount: String(amount) }, "disputed");
    await this.recheck(row.id);
  }

  /** Owes again what a bank has sent back, or has taken from a card after a dispute. */
  private async recheck(id: string): Promise<void> {
    const { sessions, monotonic } = this.options;
    const row = await sessions.byId(id);
    if (row?.state !== "refunded" || row.payment_intent === null) return;
    this.looked.set(id, monotonic());
    const { given } = await this.given(row, row.payment_intent);
    if (given >= (row.due ?? 0n)) return;
    await sessions.change("refund", row, { state: "owed", refunded: given });
  }
}

/** Returns when a session was paid, in unix seconds: that it was paid may be seen long after. */
function paidAtOf({ paidAt }: CheckoutFacts, { checkout_expires_at: end }: SessionRow, now: bigint): bigint {
  const latest = paidAt ?? end ?? now;
  return latest < now ? latest : now;
}

/** Returns how a payment differs from its quote, of which Stripe's metadata has no say; empty if it does not. */
function differenceOf({ amount, currency }: CheckoutFacts, row: SessionRow): string {
  if (currency !== row.currency) return `paid in ${currency}, quoted in ${row.currency}`;
  if (amount === row.price) return "";
  const [paid, quoted] = [amount, row.price].map((each) => formatMoney(each, currency));
  return `${paid} was paid, ${quoted} quoted`;
}

/** Whether a session says already what a dispute is. */
function isNoted({ dispute, disputed }: SessionRow, { state, amount }: DisputeFacts): boolean {
  return dispute === state && disputed === amount;
}

/**
 * Returns what disputes come to, one for each payment: open while one of them is, else lost with all that was lost of them,
 * else won.
 */
function byPayment(disputes: readonly DisputeFacts[]): DisputeFacts[] {
  const payments = [...new Set(disputes.map(({ paymentIntent }) => paymentIntent))];
  return payments.map((paymentIntent) => {
    const own = disputes.filter((each) => each.paymentIntent === paymentIntent);
    const has = (state: DisputeFacts["state"]) => own.some((each) => each.state === state);
    const state = has("open") ? "open" : has("lost") ? "lost" : "won";
    const amount = own.reduce((sum, each) => (each.state === state ? sum + each.amount : sum), 0n);
    return { paymentIntent, state, amount };
  });
}

/** Does something for each; what fails for one keeps no other from it. @throws the first failure, at the end */
async function eachOf<T>(all: readonly T[], act: (each: T) => Promise<void>): Promise<void> {
  const failures: unknown[] = [];
  for (const each of all) await act(each).catch((error: unknown) => failures.push(error));
  if (failures.length > 0) throw failures[0];
}
