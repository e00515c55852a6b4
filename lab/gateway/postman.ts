import { setTimeout as sleep } from "node:timers/promises";

import type { Random } from "@turingfog/economy";

import type { CardWorld } from "./world";

/** Of so many webhooks one never comes; the others come up to three times, and late. */
const LOST = 5;
const COPIES = 3;
const LATEST = 4_000;

/** How often one is sent that is not taken. */
const TRIES = 4;

/** Milliseconds between two looks for webhooks. */
const LOOK = 50;

/** Brings webhooks repeated, late and in any order, and loses some. */
export class Postman {
  private isOpen = true;
  private loop: Promise<void> = Promise.resolve();
  private readonly ways = new Set<Promise<void>>();

  constructor(
    private readonly world: CardWorld,
    private readonly random: Random,
  ) {}

  start(): void {
    this.loop = this.look();
  }

  async stop(): Promise<void> {
    this.isOpen = false;
    await this.loop;
    await Promise.all(this.ways);
  }

  private async look(): Promise<void> {
    const { random, world } = this;
    while (this.isOpen) {
      for (const { body } of world.stripe.pending.splice(0)) {
        if (random.below(LOST) === 0) continue;
        const copies = 1 + random.below(COPIES);
        for (let i = 0; i < copies; ++i) this.send(body, random.below(LATEST));
      }
      await sleep(LOOK);
    }
  }

  private send(body: string, late: number): void {
    const way = this.bring(body, late).finally(() => this.ways.delete(way));
    this.ways.add(way);
  }

  private async bring(body: string, late: number): Promise<void> {
    for (let i = 0; i < TRIES; ++i) {
      await sleep(late);
      // signed anew each time that it is sent, as Stripe does
      const headers = { "content-type": "application/json", "stripe-signature": this.world.stripe.sign(body) };
      const answer = await fetch(`${this.world.url}/v1/stripe`, { method: "POST", body, headers }).catch(
        () => undefined,
      );
      await answer?.arrayBuffer().catch(() => undefined);
      if (answer?.ok === true) return;
    }
  }
}
