import { setTimeout as sleep } from "node:timers/promises";

import type { Random } from "@turingfog/economy";
import { TU } from "@turingfog/sdk";

import { UNIT_PRICE, type CardWorld } from "./world";

/** Who asks for orders at the same time. */
const CUSTOMERS = 5;

/** Milliseconds until somebody asks again who got no answer, and between two changes of the price. */
const AGAIN = 150;
const PRICES = 3_000;

/** Of so many jobs the node refuses one. */
const REFUSED = 6;

/** States in which nothing more is to be done with a card. */
const OVER = ["expired", "refunded"];

interface Told {
  id: string;
  state: string;
  checkout?: string;
}

/** Customers who ask, pay, pay wrongly, pay late or not at all, and a node whose price rises and falls. */
export class Customers {
  /** Ids of the sessions that were accepted. */
  readonly accepted: string[] = [];
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
    this.loops.push(this.movePrices());
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

  private async buy(): Promise<void> {
    const { world, random } = this;
    while (this.isOpen) {
      const half = random.below(2) === 0;
      const asked = { node: String(world.nodeId), tu: half ? "0.5" : "0.3", hours: "1", currency: "eur" };
      const job = { runner: "words", slots: { TEXT: "words" } };
      const quote = await this.ask("POST", "quotes", { ...asked, ...job });
      const session = await this.ask("POST", `sessions/${quote.id}/checkout`);
      // one whose time has passed before it was accepted
      const id = session.checkout?.split("/").at(-1);
      if (id === undefined) continue;
      this.accepted.push(session.id);
      await sleep(random.below(600));
      const what = random.below(20);
      if (what < 2) world.stripe.expire(id);
      else if (what === 2) world.stripe.pay(id, { currency: "jpy" });
      else if (what === 3) world.stripe.pay(id, { amount: 1 + random.below(2_000) });
      else world.stripe.pay(id);
      await sleep(random.below(1_500));
      if (what === 4) await this.doubt(id);
    }
  }

  /** Has a bank ask what a payment was for, and be content with the answer. */
  private async doubt(id: string): Promise<void> {
    const { stripe } = this.world;
    if (!stripe.isPaid(id)) return;
    stripe.dispute(id, "warning_needs_response");
    await sleep(this.random.below(4_000));
    stripe.dispute(id, "warning_closed");
  }

  /** Now and then nobody gets an order for what was quoted, or gets it for less. */
  private async movePrices(): Promise<void> {
    while (this.isOpen) {
      await sleep(PRICES);
      const factor = BigInt(1 + this.random.below(2));
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
