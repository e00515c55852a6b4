import { TuringFogError } from "@turingfog/sdk";
import type Stripe from "stripe";

import { step } from "../runtime/index.js";
import { formatMoney } from "./money.js";
import type { Dispute, SessionRow } from "./tables.js";

/** Before and after each call that moves something at Stripe. */
export const CARD_STEPS = [
  "gateway.checkout.before-ask",
  "gateway.checkout.asked",
  "gateway.refund.before-ask",
  "gateway.refund.asked",
] as const;

/** Milliseconds that one request to Stripe may take, and how often it is repeated under the same idempotency key. */
const TIMEOUT = 20_000;
const RETRIES = 2;

/** Marks the checkout sessions of a gateway, beside those that the account may have for something else. */
const OURS = "turingfog-";

/** Thrown when a webhook is not Stripe's, was changed, or is too old. */
export class BadWebhookError extends TuringFogError {}

/** Thrown when Stripe has decided that it does not refund, and keeps that answer under the key by which it was asked. */
export class RefundRefusedError extends TuringFogError {}

/** Answers of Stripe that decide on a request: what is wrong with it or the account, and nothing that may pass by itself. */
const DECIDED = [400, 402, 404];

/** Thrown when Stripe opens a checkout session that nobody can go to. */
export class NoAddressError extends TuringFogError {}

/** A checkout session as Stripe has it now. */
export interface CheckoutFacts {
  session: string;
  state: "open" | "paid" | "unpaid" | "expired";
  /** Minor units. */
  amount: bigint;
  currency: string;
  paymentIntent?: string;
  /** Unix seconds of its payment, if Stripe was asked for one session and tells it. */
  paidAt?: bigint;
}

export interface Money {
  /** Minor units. */
  amount: bigint;
  currency: string;
}

/** What of a payment went back to its card, in minor units. */
export interface RefundFacts {
  /** Those that are on their way or done. */
  given: bigint;
  /** Number of those that the card's bank did not take. */
  failed: number;
}

/** A part of a payment that is to be refunded, in minor units. */
export interface RefundCall {
  paymentIntent: string;
  amount: bigint;
  /** What was refunded before, and how often a refund was refused. */
  given: bigint;
  refusals: bigint;
}

export interface DisputeFacts {
  paymentIntent: string;
  state: Dispute;
  /** Minor units. */
  amount: bigint;
}

export interface CardsOptions {
  key: string;
  webhookSecret: string;
  /** Seconds. */
  tolerance: number;
  threeDSecure: "automatic" | "any" | "challenge";
  /** Where customers see their sessions. */
  endpoint: string;
  /** Where Stripe is, for tests. */
  api?: string;
}

type StripeConstructor = new (key: string, settings: object) => Stripe.Stripe;

/** Cards, by Stripe. */
export class Cards {
  private constructor(
    private readonly stripe: Stripe.Stripe,
    private readonly options: CardsOptions,
  ) {}

  static async open(options: CardsOptions): Promise<Cards> {
    // loaded for a gateway alone; its types are another copy of the same
    const { default: StripeClient } = (await import("stripe")) as unknown as { default: StripeConstructor };
    const at = options.api === undefined ? undefined : new URL(options.api);
    const protocol = at?.protocol === "http:" ? ("http" as const) : ("https" as const);
    const place = at && { host: at.hostname, protocol, port: at.port === "" ? undefined : at.port };
    const settings = { timeout: TIMEOUT, maxNetworkRetries: RETRIES, telemetry: false, ...place };
    return new Cards(new StripeClient(options.key, settings), options);
  }

  /**
   * Opens a checkout session of what was accepted. The same call returns the same session.
   * @returns its id and address
   */
  async openCheckout(row: SessionRow, name: string): Promise<{ session: string; url: string }> {
    const { endpoint, threeDSecure } = this.options;
    const page = `${endpoint}/pay/${row.id}`;
    const expiresAt = Number(row.checkout_expires_at);
    step("gateway.checkout.before-ask");
    const { id, url } = await this.stripe.checkout.sessions.create(
      {
        mode: "payment",
        // others are paid days later, when the price may be another, or in a currency that was not quoted
        allowed_payment_method_types: ["card"],
        adaptive_pricing: { enabled: false },
        payment_method_options: { card: { request_three_d_secure: threeDSecure } },
        line_items: [
          {
            quantity: 1,
            price_data: { currency: row.currency, unit_amount: Number(row.price), product_data: { name } },
          },
        ],
        client_reference_id: `${OURS}${row.id}`,
        expires_at: expiresAt,
        success_url: page,
        cancel_url: page,
      },
      { idempotencyKey: `${OURS}checkout-${row.id}-${expiresAt}` },
    );
    step("gateway.checkout.asked");
    if (url === null) throw new NoAddressError(`Stripe gives checkout session ${id} without an address`);
    return { session: id, url };
  }

  async session(id: string): Promise<CheckoutFacts> {
    return factsOf(await this.stripe.checkout.sessions.retrieve(id, { expand: ["payment_intent.latest_charge"] }));
  }

  /** Returns the gateway's sessions since a time, in unix seconds, that were paid. */
  async paidSince(time: bigint): Promise<CheckoutFacts[]> {
    const found: CheckoutFacts[] = [];
    const list = this.stripe.checkout.sessions.list({ created: { gte: Number(time) }, limit: 100 });
    for await (const session of list) {
      if (!session.client_reference_id?.startsWith(OURS)) continue;
      const facts = factsOf(session);
      if (facts.state === "paid") found.push(facts);
    }
    return found;
  }

  async refundsOf(paymentIntent: string): Promise<RefundFacts> {
    let [given, failed] = [0n, 0];
    for await (const { amount, status } of this.stripe.refunds.list({ payment_intent: paymentIntent, limit: 100 })) {
      if (status === "failed" || status === "canceled") ++failed;
      else given += BigInt(amount);
    }
    return { given, failed };
  }

  /**
   * Refunds a part of a payment. The same call refunds nothing more, and gets the same answer for a day.
   * @throws RefundRefusedError if it was not refunded and will not be by the same call
   */
  async refund({ paymentIntent, amount, given, refusals }: RefundCall): Promise<void> {
    step("gateway.refund.before-ask");
    const attempt = refusals === 0n ? "" : `-${refusals}`;
    await this.stripe.refunds
      .create(
        { payment_intent: paymentIntent, amount: Number(amount) },
        { idempotencyKey: `${OURS}refund-${paymentIntent}-${given}-${amount}${attempt}` },
      )
      .catch((error: unknown) => {
        throw isDecided(error) ? new RefundRefusedError(`Stripe refuses a refund: ${error.message}`) : error;
      });
    step("gateway.refund.asked");
  }

  /** Returns the disputes since a time, in unix seconds. */
  disputesSince(time: bigint): Promise<DisputeFacts[]> {
    return this.disputes({ created: { gte: Number(time) } });
  }

  disputesOf(paymentIntent: string): Promise<DisputeFacts[]> {
    return this.disputes({ payment_intent: paymentIntent });
  }

  /** Returns what Stripe has kept of a payment, in the currency in which the account is settled; undefined if it says nothing. */
  async feesOf(paymentIntent: string): Promise<Money | undefined> {
    const { latest_charge: charge } = await this.stripe.paymentIntents.retrieve(paymentIntent, {
      expand: ["latest_charge.balance_transaction"],
    });
    const balance = typeof charge === "object" ? charge?.balance_transaction : undefined;
    if (typeof balance !== "object" || balance === null) return undefined;
    return { amount: BigInt(balance.fee), currency: balance.currency };
  }

  /**
   * Reads a webhook from the bytes as they came.
   * @returns what it is about; undefined if it is nothing of a gateway
   * @throws BadWebhookError
   */
  webhook(body: Buffer, signature: string | undefined): { id: string; type: string; subject: string } | undefined {
    const { webhookSecret, tolerance } = this.options;
    let event: Stripe.Event;
    try {
      event = this.stripe.webhooks.constructEvent(body, signature ?? "", webhookSecret, tolerance);
    } catch (error) {
      const [reason] = (error as Error).message.split("\n");
      throw new BadWebhookError(`The webhook is refused: ${reason.trim()}`);
    }
    const { id, type } = event;
    const data = event.data as { object?: { object?: string; id?: string; payment_intent?: unknown } } | undefined;
    const object = data?.object ?? {};
    const payment = object.payment_intent as string | { id: string } | null | undefined;
    const subject =
      object.object === "checkout.session" ? object.id : typeof payment === "object" ? payment?.id : payment;
    return typeof id !== "string" || subject === undefined ? undefined : { id, type, subject };
  }

  private async disputes(query: Stripe.DisputeListParams): Promise<DisputeFacts[]> {
    const found: DisputeFacts[] = [];
    for await (const dispute of this.stripe.disputes.list({ ...query, limit: 100 })) {
      const { payment_intent: payment, amount } = dispute;
      const paymentIntent = typeof payment === "string" ? payment : payment?.id;
      if (paymentIntent !== undefined) found.push({ paymentIntent, state: stateOf(dispute), amount: BigInt(amount) });
    }
    return found;
  }
}

function factsOf(session: Stripe.Checkout.Session): CheckoutFacts {
  const { id, status, payment_status, amount_total, currency, payment_intent: payment } = session;
  const paid = payment_status === "paid" ? ("paid" as const) : ("unpaid" as const);
  const charge = typeof payment === "string" ? undefined : payment?.latest_charge;
  return {
    session: id,
    state: status === "complete" ? paid : status === "expired" ? "expired" : "open",
    amount: BigInt(amount_total ?? 0),
    currency: currency ?? "",
    paymentIntent: typeof payment === "string" ? payment : payment?.id,
    paidAt: typeof charge === "object" && charge !== null ? BigInt(charge.created) : undefined,
  };
}

/** Whether Stripe has decided on a request, so that nothing comes of it. Of any other failure something may. */
function isDecided(error: unknown): error is Error {
  const { type, statusCode } = error as { type?: unknown; statusCode?: unknown };
  return type !== "StripeIdempotencyError" && DECIDED.includes(Number(statusCode));
}

/**
 * One that Stripe has prevented is lost if it took the money back from the account. Where it does not tell that, nobody is
 * known to have given anything to the card: what is due is refunded, and Stripe refuses what was given before.
 */
function stateOf({ status, balance_transactions: moved, payment_method_details: details }: Stripe.Dispute): Dispute {
  if (status === "prevented") {
    const sum = (moved as typeof moved | undefined)?.reduce((all, { amount }) => all + amount, 0) ?? 0;
    return details?.card?.case_type !== "block" && sum < 0 ? "lost" : "won";
  }
  if (status === "lost") return "lost";
  return status === "won" || status === "warning_closed" ? "won" : "open";
}

/** Returns what a customer reads on Stripe's page. */
export function productName(tu: string, row: Pick<SessionRow, "price" | "currency">): string {
  return `${tu} TU of GPU compute, ${formatMoney(row.price, row.currency)}`;
}
