import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

import Stripe from "stripe";

/**
 * What the stand-in does with a call, instead of answering it. What it refuses by an error of its own, or denies for want of
 * money, it keeps under the key, and nothing is done.
 */
export type StripeFault = "refuse" | "deny" | "break" | "lose" | "limit";

/** A line of the ledger: minor units that moved from a card, or back to it. */
export interface LedgerLine {
  kind: "payment" | "refund" | "dispute";
  session: string;
  paymentIntent: string;
  amount: number;
  currency: string;
}

/** A webhook, as it is sent. */
export interface SignedEvent {
  body: string;
  header: string;
  type: string;
}

interface CheckoutSession {
  id: string;
  status: "open" | "complete" | "expired";
  payment_status: "unpaid" | "paid";
  amount_total: number;
  currency: string;
  payment_intent: string | null;
  client_reference_id: string | null;
  metadata: Record<string, string>;
  expires_at: number;
  created: number;
  /** Unix seconds; undefined if its charge is not told of. */
  paid_at?: number;
  url: string;
  /** What the card is asked for, and which cards; for tests to look at. */
  asked: Record<string, string>;
}

interface Refund {
  id: string;
  payment_intent: string;
  amount: number;
  currency: string;
  status: "succeeded" | "failed";
  created: number;
}

interface Dispute {
  id: string;
  payment_intent: string;
  status: string;
  amount: number;
  created: number;
  balance_transactions?: { amount: number }[];
  payment_method_details?: { card: { case_type: string } };
}

type Answer = [status: number, body: object];

const FEE = 30;

/** Seconds between which a session's end must be. */
const OPEN_FOR = { least: 1_800, most: 86_400 };

/** Seconds for which an answer is kept under its key, and codes of those that are not. */
const KEPT = 86_400;
const INVALID = ["parameter_invalid", "invalid_amount", "expires_at_invalid"];

const THREE_DECIMALS = ["bhd", "jod", "kwd", "omr", "tnd"];

/**
 * A stand-in for Stripe, which it is not: an HTTP server with the few calls that the gateway makes, to which the real client
 * library talks. It keeps idempotency keys, refuses what Stripe is known to refuse, signs webhooks by the library's own
 * generator, and fails on demand. It has no cards, no banks and no time of its own. It keeps every answer for a day under its
 * key, as Stripe says it does, but for a limit of calls and for what is no valid call.
 */
export class StripeStandIn {
  /** What moved, in its order: the truth that a checker reads. */
  readonly ledger: LedgerLine[] = [];
  readonly sessions = new Map<string, CheckoutSession>();
  readonly refunds: Refund[] = [];
  readonly disputes: Dispute[] = [];
  /** Events that were not delivered yet, the earliest first. */
  readonly pending: SignedEvent[] = [];
  /** Calls by method and path, such as "POST /v1/refunds". */
  readonly calls: string[] = [];
  /** Decides what becomes of each call, which may have an idempotency key. */
  fault: (call: string, key: string) => StripeFault | undefined = () => undefined;
  /** Currency of the account's balance. */
  settlesIn = "eur";
  private readonly keys = new Map<string, { at: number; asked: string; answer: Answer }>();
  private count = 0;

  private constructor(
    private readonly server: Server,
    readonly secrets: { key: string; webhook: string },
    /** Milliseconds since 1970. */
    private readonly now: () => number,
  ) {}

  static async open(now: () => number = Date.now): Promise<StripeStandIn> {
    const server = createServer((request, response) => {
      void standIn.serve(request, response).catch(() => response.destroy());
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const secrets = { key: "sk_test_standin0123456789", webhook: "whsec_standin0123456789" };
    const standIn = new StripeStandIn(server, secrets, now);
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Has a customer pay what a session asks for, unless something else is named, or does nothing if it is over. */
  pay(id: string, otherwise: { amount?: number; currency?: string } = {}): void {
    const session = this.sessionOf(id);
    if (session.expires_at <= this.seconds) return this.expire(id);
    if (session.status !== "open") return;
    Object.assign(session, { status: "complete", payment_status: "paid", payment_intent: this.draw("pi") });
    session.paid_at = this.seconds;
    session.amount_total = otherwise.amount ?? session.amount_total;
    session.currency = otherwise.currency ?? session.currency;
    this.note("payment", session, session.amount_total);
    this.tell("checkout.session.completed", this.shown(session));
  }

  isPaid(id: string): boolean {
    return this.sessionOf(id).status === "complete";
  }

  /** Lets a session's time pass. */
  expire(id: string): void {
    const session = this.sessionOf(id);
    if (session.status !== "open") return;
    session.status = "expired";
    this.tell("checkout.session.expired", this.shown(session));
  }

  /** Has a cardholder dispute what is left of a payment, or the bank decide on that; nothing if nothing is left. */
  dispute(id: string, status: string): void {
    const session = this.sessionOf(id);
    const known = this.disputes.find((each) => each.payment_intent === session.payment_intent);
    const amount = known?.amount ?? this.left(session);
    if (amount === 0) return;
    const isLost = known?.status === "lost";
    const payment = String(session.payment_intent);
    const dispute = known ?? { id: this.draw("dp"), payment_intent: payment, status, amount, created: this.seconds };
    if (known === undefined) this.disputes.push(dispute);
    dispute.status = status;
    if (isLost !== (status === "lost")) this.note("dispute", session, isLost ? -amount : amount);
    this.tell(known === undefined ? "charge.dispute.created" : "charge.dispute.closed", {
      object: "dispute",
      ...dispute,
    });
  }

  /** Has a card's bank send back a refund that it had taken. */
  failRefund(refund: Refund): void {
    refund.status = "failed";
    this.note("refund", this.sessionOf(this.sessionOfRefund(refund)), -refund.amount);
    this.tell("refund.failed", { object: "refund", ...refund });
  }

  /** Returns the id of the session whose payment was refunded. */
  sessionOfRefund({ payment_intent: payment }: Refund): string {
    return ([...this.sessions.values()].find((each) => each.payment_intent === payment) as CheckoutSession).id;
  }

  /** Refunds a part of a payment, as somebody in the dashboard may. */
  refundBy(id: string, amount: number): void {
    const asked = new URLSearchParams({
      payment_intent: String(this.sessionOf(id).payment_intent),
      amount: String(amount),
    });
    const [status] = this.createRefund(asked);
    if (status !== 200) throw new Error(`The stand-in refunds nothing of ${id}`);
  }

  /** Returns a session as Stripe shows it. */
  sessionAt(id: string): object {
    return this.shown(this.sessionOf(id));
  }

  /** Forgets idempotency keys, as Stripe does after a day. */
  forgetKeys(): void {
    this.keys.clear();
  }

  /** Signs an event, as of now unless another time is named, in unix seconds. */
  sign(body: string, timestamp = this.seconds): string {
    return Stripe.webhooks.generateTestHeaderString({ payload: body, secret: this.secrets.webhook, timestamp });
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await once(this.server.close(), "close");
  }

  private get seconds(): number {
    return Math.floor(this.now() / 1_000);
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const part of request) body += String(part);
    const { pathname, searchParams } = new URL(request.url ?? "/", this.url);
    const call = `${request.method} ${pathname.replace(/\/(cs|pi)_\w+$/, "/:id")}`;
    this.calls.push(call);
    if (request.headers.authorization !== `Bearer ${this.secrets.key}`)
      return send(response, refusal(401, "invalid_api_key"));
    const fault = this.fault(call, String(request.headers["idempotency-key"]));
    if (fault === "break") return void response.destroy();
    if (fault === "limit") return send(response, refusal(429, "rate_limit"));
    const asked = request.method === "POST" ? new URLSearchParams(body) : searchParams;
    const answer = this.once(request, pathname, asked, fault);
    // it has done what it was asked for, and nobody hears of it
    if (fault === "lose") return void response.destroy();
    send(response, answer);
  }

  /** Does what it is asked for, or fails, or repeats what it has answered to the same key. */
  private once(request: IncomingMessage, path: string, asked: URLSearchParams, fault?: StripeFault): Answer {
    const { method, headers } = request;
    const key = headers["idempotency-key"];
    const act = () => {
      if (fault === "refuse") return refusal(500, "api_error");
      if (fault === "deny") return refusal(400, "balance_insufficient");
      return this.answer(String(method), path, asked);
    };
    if (method !== "POST" || typeof key !== "string") return act();
    const known = this.keys.get(key);
    const text = `${path}?${asked.toString()}`;
    if (known !== undefined && this.seconds - known.at < KEPT)
      return known.asked === text ? known.answer : refusal(400, "idempotency_error");
    const answer = act();
    if (!INVALID.includes(codeOf(answer))) this.keys.set(key, { at: this.seconds, asked: text, answer });
    return answer;
  }

  private answer(method: string, path: string, asked: URLSearchParams): Answer {
    const [, id] = /^\/v1\/(?:checkout\/sessions|payment_intents)\/(\w+)$/.exec(path) ?? [];
    if (method === "POST" && path === "/v1/checkout/sessions") return this.createSession(asked);
    if (method === "POST" && path === "/v1/refunds") return this.createRefund(asked);
    if (method !== "GET") return refusal(404, "resource_missing");
    if (id !== undefined && path.startsWith("/v1/payment_intents")) return [200, this.payment(id)];
    if (id !== undefined)
      return this.sessions.has(id) ? [200, this.expanded(this.sessionOf(id), asked)] : refusal(404, "resource_missing");
    const isOf = ({ payment_intent: payment, created }: { payment_intent: string | null; created: number }) =>
      (asked.get("payment_intent") ?? payment) === payment && created >= Number(asked.get("created[gte]") ?? 0);
    const lists: Record<string, object[]> = {
      "/v1/checkout/sessions": [...this.sessions.values()].filter(isOf).map((each) => this.shown(each)),
      "/v1/refunds": this.refunds.filter(isOf).map((each) => ({ object: "refund", ...each })),
      "/v1/disputes": this.disputes.filter(isOf).map((each) => ({ object: "dispute", ...each })),
    };
    return Object.hasOwn(lists, path) ? [200, listOf(path, lists[path], asked)] : refusal(404, "resource_missing");
  }

  private createSession(asked: URLSearchParams): Answer {
    const amount = Number(asked.get("line_items[0][price_data][unit_amount]"));
    const currency = asked.get("line_items[0][price_data][currency]") ?? "";
    const lasts = Number(asked.get("expires_at")) - this.seconds;
    const isWhole = Number.isSafeInteger(amount) && amount > 0 && amount <= 99_999_999;
    if (asked.get("mode") !== "payment" || asked.get("payment_method_types[0]") !== null || !isWhole)
      return refusal(400, "parameter_invalid");
    if (THREE_DECIMALS.includes(currency) && amount % 10 !== 0) return refusal(400, "invalid_amount");
    if (lasts < OPEN_FOR.least || lasts > OPEN_FOR.most) return refusal(400, "expires_at_invalid");
    const id = this.draw("cs");
    const session: CheckoutSession = {
      ...{ id, status: "open", payment_status: "unpaid", amount_total: amount, currency, payment_intent: null },
      ...{ client_reference_id: asked.get("client_reference_id"), metadata: {}, created: this.seconds },
      ...{
        expires_at: Number(asked.get("expires_at")),
        url: `${this.url}/pay/${id}`,
        asked: Object.fromEntries(asked),
      },
    };
    this.sessions.set(id, session);
    return [200, this.shown(session)];
  }

  private createRefund(asked: URLSearchParams): Answer {
    const payment = asked.get("payment_intent") ?? "";
    const amount = Number(asked.get("amount"));
    const session = [...this.sessions.values()].find((each) => each.payment_intent === payment);
    if (session === undefined) return refusal(404, "resource_missing");
    const disputes = this.disputes.filter((each) => each.payment_intent === payment);
    // an inquiry can be refunded, a chargeback cannot
    const isLost = (each: Dispute) => each.status !== "prevented" || (each.balance_transactions ?? []).length > 0;
    if (disputes.some((each) => each.status !== "won" && !each.status.startsWith("warning_") && isLost(each)))
      return refusal(400, "charge_disputed");
    const left = this.left(session);
    if (!Number.isSafeInteger(amount) || amount <= 0) return refusal(400, "parameter_invalid");
    if (amount > left) return refusal(400, left === 0 ? "charge_already_refunded" : "amount_too_large");
    const { currency } = session;
    const refund: Refund = {
      id: this.draw("re"),
      payment_intent: payment,
      amount,
      currency,
      status: "succeeded",
      created: this.seconds,
    };
    this.refunds.push(refund);
    this.note("refund", session, amount);
    this.tell("charge.refunded", { object: "charge", payment_intent: payment });
    return [200, { object: "refund", ...refund }];
  }

  /** Returns what of a payment was not refunded. */
  private left({ payment_intent: payment, amount_total: paid }: CheckoutSession): number {
    const given = this.refunds.filter((each) => each.payment_intent === payment && each.status !== "failed");
    return given.reduce((rest, each) => rest - each.amount, paid);
  }

  private payment(id: string): object {
    return {
      ...{ id, object: "payment_intent" },
      latest_charge: {
        object: "charge",
        balance_transaction: { object: "balance_transaction", fee: FEE, currency: this.settlesIn },
      },
    };
  }

  private shown(session: CheckoutSession): object {
    return { object: "checkout.session", ...session, asked: undefined, paid_at: undefined };
  }

  /** Returns a session with its payment in it, if that is asked for. */
  private expanded(session: CheckoutSession, asked: URLSearchParams): object {
    const { payment_intent: id, paid_at: created } = session;
    if (asked.get("expand[0]") !== "payment_intent.latest_charge" || id === null) return this.shown(session);
    const charge = created === undefined ? null : { object: "charge", created };
    return { ...this.shown(session), payment_intent: { object: "payment_intent", id, latest_charge: charge } };
  }

  private note(kind: LedgerLine["kind"], session: CheckoutSession, amount: number): void {
    const { id, payment_intent: payment, currency } = session;
    this.ledger.push({ kind, session: id, paymentIntent: String(payment), amount, currency });
  }

  /** Has something to tell, which waits to be delivered. */
  tell(type: string, object: object): void {
    const event = { id: this.draw("evt"), object: "event", type, created: this.seconds, data: { object } };
    const body = JSON.stringify(event, null, 2);
    this.pending.push({ body, header: this.sign(body), type });
  }

  private sessionOf(id: string): CheckoutSession {
    const session = this.sessions.get(id);
    if (session === undefined) throw new Error(`The stand-in has no session ${id}`);
    return session;
  }

  private draw(prefix: string): string {
    return `${prefix}_standin${String(++this.count).padStart(6, "0")}`;
  }
}

/** Returns a page of a list, which the library asks for until there is no more. */
function listOf(url: string, all: object[], asked: URLSearchParams): object {
  const from = all.findIndex((each) => (each as { id: string }).id === asked.get("starting_after")) + 1;
  // smaller than asked for, so that there are several
  const data = all.slice(from, from + Math.min(Number(asked.get("limit") ?? 10), 5));
  return { object: "list", url, data, has_more: from + data.length < all.length };
}

function refusal(status: number, code: string): Answer {
  const type = code === "idempotency_error" ? code : status >= 500 ? "api_error" : "invalid_request_error";
  return [status, { error: { type, code, message: `The stand-in answers ${code}` } }];
}

function codeOf([, body]: Answer): string {
  return (body as { error?: { code: string } }).error?.code ?? "";
}

function send(response: ServerResponse, [status, body]: Answer): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
