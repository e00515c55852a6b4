import { setTimeout as sleep } from "node:timers/promises";

import type { Random } from "@turingfog/economy";
import { HOUR, TU } from "@turingfog/sdk";

import type { CardSale } from "./books";
import { TERMS, UNIT_PRICE, type CardWorld } from "./world";

/** Who asks for orders at the same time. */
const CUSTOMERS = 5;

/** Milliseconds until somebody asks again who got no answer, between two changes of the price, and two refunds sent back. */
const AGAIN = 150;
const PRICES = 3_000;
const BANK = 10_000;

/** The most milliseconds until a bank has decided, and until somebody has refunded what it sent back. */
const DECIDES = 4_000;

/** Of so many prices one is twice the usual, and what a price is multiplied by that is above every quote. */
const DEAR = 4;
const RISE = 3n;

/** What a bank says of a payment, at first and in the end, by what is drawn. */
const DISPUTES: Readonly<Record<number, readonly [string, string]>> = {
  4: ["warning_needs_response", "warning_closed"],
  5: ["needs_response", "won"],
  6: ["needs_response", "lost"],
};

/** Hours of every order. */
const HOURS = 1n;

/** Of so many jobs the node refuses one. */
const REFUSED = 6;

/** States in which nothing more is to be done with a card. */
const OVER = ["expired", "refunded"];

interface Told {
  id: string;
  state: string;
  checkout?: string;
  orderId?: string;
  files?: object[];
}

/**
 * Customers who ask, pay, pay wrongly, pay late or not at all, and dispute; their banks, which send refunds back; and a node
 * whose price rises and falls.
 */
export class Customers {
  /** Ids of the sessions that were accepted. */
  readonly accepted: string[] = [];
  /** Ids of the accepted sessions by Stripe's. */
  private readonly bought = new Map<string, string>();
  /** Stripe's sessions that somebody disputed. */
  private readonly disputed = new Set<string>();
  /** Disputes that were won, and prices that rose between a quote and its payment. */
  won = 0;
  rises = 0;
  /** Stripe's sessions that are disputed or have had a refund sent back: never both. */
  private readonly troubled = new Set<string>();
  private isOpen = true;
  private readonly loops: Promise<void>[] = [];

  constructor(
    private readonly world: CardWorld,
    private readonly random: Random,
  ) {
    const portions = [0n, TU / 8n, TU / 4n, TU];
    const placeOf = (orderId: string) => Number(BigInt(orderId) >> 32n);
    world.node.counts = (orderId) => portions[placeOf(orderId) % portions.length];
    world.node.refuses = (orderId) => (placeOf(orderId) % REFUSED === 1 ? "not here" : "");
  }

  start(): void {
    for (let i = 0; i < CUSTOMERS; ++i) this.loops.push(this.buy());
    this.loops.push(this.movePrices(), this.sendBack());
  }

  /** Lets nobody ask any more, and has all pay or leave who have a checkout session. */
  async stop(): Promise<void> {
    this.isOpen = false;
    await Promise.all(this.loops);
    await this.world.price(UNIT_PRICE);
  }

  /** Returns how many sessions are not over, as the gateway tells it. */
  async left(): Promise<number> {
    const states = await Promise.all(this.accepted.map(async (id) => (await this.ask("GET", `sessions/${id}`)).state));
    return states.filter((state) => !OVER.includes(state)).length;
  }

  /** Returns what was asked for, and whether there is a result, by Stripe's sessions. */
  async sales(): Promise<Map<string, CardSale>> {
    const { nodeId, node } = this.world;
    const sales = await Promise.all(
      [...this.bought].map(async ([session, id]): Promise<[string, CardSale]> => {
        const { orderId, files = [] } = await this.ask("GET", `sessions/${id}`);
        const isServed = orderId !== undefined && node.refuses(orderId) === "" && !this.disputed.has(session);
        return [session, { nodeId, duration: HOURS * HOUR, isServed, hasResult: files.length > 0 }];
      }),
    );
    return new Map(sales);
  }

  private async buy(): Promise<void> {
    const { world, random } = this;
    while (this.isOpen) {
      const half = random.below(2) === 0;
      const currency = random.shuffle(Object.keys(TERMS))[0];
      const asked = { node: String(world.nodeId), tu: half ? "0.5" : "0.3", hours: String(HOURS), currency };
      const job = { runner: "words", slots: { TEXT: "words" } };
      const quote = await this.ask("POST", "quotes", { ...asked, ...job });
      const session = await this.ask("POST", `sessions/${quote.id}/checkout`);
      // one whose time has passed before it was accepted
      const id = session.checkout?.split("/").at(-1);
      if (id === undefined) continue;
      this.accepted.push(session.id);
      this.bought.set(id, session.id);
      await sleep(random.below(600));
      const what = random.below(20);
      const dispute = DISPUTES[what] as readonly [string, string] | undefined;
      if (dispute !== undefined) {
        this.troubled.add(id);
        this.disputed.add(id);
      }
      if (what === 7) await this.rise();
      if (what < 2) world.stripe.expire(id);
      else if (what === 2) world.stripe.pay(id, { currency: currency === "jpy" ? "eur" : "jpy" });
      else if (what === 3) world.stripe.pay(id, { amount: 1 + random.below(2_000) });
      else world.stripe.pay(id);
      await sleep(random.below(1_500));
      if (dispute !== undefined) await this.dispute(id, dispute);
    }
  }

  /** Has a cardholder or their bank ask for a payment, and the bank decide. */
  private async dispute(id: string, [asked, decided]: readonly [string, string]): Promise<void> {
    const { stripe } = this.world;
    if (!stripe.isPaid(id)) return;
    stripe.dispute(id, asked);
    await sleep(this.random.below(DECIDES));
    stripe.dispute(id, decided);
    if (decided === "won") ++this.won;
  }

  /** Now and then a bank sends a refund back, and somebody refunds it in the dashboard by another way. */
  private async sendBack(): Promise<void> {
    const { random, world } = this;
    while (this.isOpen) {
      await sleep(BANK);
      const given = world.stripe.refunds.map((refund) => [refund, world.stripe.sessionOfRefund(refund)] as const);
      const [found] = random.shuffle(given.filter(([, session]) => !this.troubled.has(session)));
      if (found === undefined) continue;
      const [refund, session] = found;
      this.troubled.add(session);
      world.stripe.failRefund(refund);
      await sleep(random.below(DECIDES));
      world.stripe.refundBy(session, refund.amount);
    }
  }

  /** Has the node ask more than any quote says. */
  private async rise(): Promise<void> {
    await this.world.price(UNIT_PRICE * RISE);
    ++this.rises;
  }

  /** Now and then nobody gets an order for what was quoted, or gets it for less. */
  private async movePrices(): Promise<void> {
    while (this.isOpen) {
      await sleep(PRICES);
      const factor = this.random.below(DEAR) === 0 ? 2n : 1n;
      await this.world.price(UNIT_PRICE * factor);
    }
  }

  /** Asks the gateway until it answers; one that refuses has said so. */
  private async ask(method: string, at: string, body?: object): Promise<Told> {
    for (;;) {
      const answer = await fetch(`${this.world.url}/v1/${at}`, {
        method,
        ...(body && { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
      }).catch(() => undefined);
      if (answer?.ok === true || answer?.status === 410) return (await answer.json()) as Told;
      await sleep(AGAIN);
    }
  }
}
