import { setTimeout as sleep } from "node:timers/promises";

import type { Random } from "@turingfog/economy";
import { GATEWAY_STEPS } from "@turingfog/network";
import { ethers } from "hardhat";

import { type ClosedBooks, closeCardBooks, type OrderEntry } from "./books";
import { Customers } from "./customers";
import { Postman } from "./postman";
import { CardWorld, GRACE, TERMS } from "./world";

/** What a check is asked for. */
export interface AskedCheck {
  kills: number;
  /** Whether it may end before all steps were killed at. */
  isSmall: boolean;
  random: Random;
  /** Folder for what the gateway has printed. */
  logs?: string;
  say: (line: string) => void;
}

export interface CheckOutcome extends ClosedBooks {
  kills: number;
  reorganisations: number;
}

/** Milliseconds in which a step of some must be reached, or the kill is at no step. */
const PATIENCE = 8_000;

/** Steps that are meant at once, and how many may be left for all to be. */
const AT_ONCE = 3;
const FEW = 14;

/** Milliseconds between two reorganisations, and until all is over at last. */
const BETWEEN = 7_000;
const CALM = 240_000;

/** Times that all orders can be closed in the middle of the kills, so that their rests are refunded meanwhile. */
const PAYDAYS = 4;

/** Lives card payments through kills, lost answers, lost webhooks and reorganisations, lets it calm down, and closes the books. */
export async function checkGateway(asked: AskedCheck): Promise<CheckOutcome> {
  const { kills, isSmall, random, say } = asked;
  const world = await CardWorld.open(random);
  say(`orders are paid by ${world.allowance}`);
  try {
    const customers = new Customers(world, random);
    const postman = new Postman(world, random);
    customers.start();
    postman.start();
    const undoing = new Undoing(world);
    const killed = await kill(world, { kills, random, say });
    say("calm");
    await customers.stop();
    world.isFailing = false;
    // few kills can be over before the first transaction
    const left = await calm(world, customers, say);
    await undoing.stop();
    await postman.stop();
    const sales = await customers.sales();
    const findings = [
      ...world.gateway.crashes.map((how) => `the gateway ended by itself with ${how}`),
      ...((await world.gateway.stop()) === 0 ? [] : ["the gateway did not end with 0 when it was asked to"]),
      ...(left > 0 ? [`${left} sessions are not over`] : []),
      ...(isSmall ? [] : GATEWAY_STEPS.filter((step) => !killed.has(step)).map((step) => `never killed at ${step}`)),
      ...(undoing.count === 0 ? ["nothing was undone"] : []),
    ];
    const closed = closeCardBooks({ cards: cardsOf(world), orders: await ordersOf(world), sales, terms: TERMS });
    const missed = isSmall ? [] : missedOf(closed, customers);
    const reorganisations = undoing.count;
    return { ...closed, kills, reorganisations, findings: [...closed.findings, ...findings, ...missed] };
  } finally {
    await world.close(asked.logs);
  }
}

/** Kills the gateway again and again, first at the steps at which it was not killed yet. @returns those that it was */
async function kill(world: CardWorld, { kills, random, say }: Pick<AskedCheck, "kills" | "random" | "say">) {
  const { gateway, chain } = world;
  const killed = new Set<string>();
  for (let count = 1; count <= kills; ++count) {
    const fresh = GATEWAY_STEPS.filter((step) => !killed.has(step));
    const isAll = fresh.length === 0;
    const wanted = random.shuffle(isAll ? GATEWAY_STEPS : fresh);
    const before = gateway.killedAt.length;
    // those that are reached often would come first if all were meant
    gateway.tell({ killAt: !isAll && fresh.length <= FEW ? wanted : wanted.slice(0, AT_ONCE) });
    await Promise.race([gateway.ended(), sleep(PATIENCE)]);
    gateway.tell({ killAt: [] });
    const step = gateway.killedAt.at(before);
    if (step === undefined) await gateway.kill();
    else killed.add(step);
    say(`kill ${count} of ${kills}: ${step ?? "at no step"}`);
    if (count % Math.ceil(kills / PAYDAYS) === 0) await chain.increase(GRACE + 4_000n);
    gateway.start();
  }
  return killed;
}

/** Undoes a transaction to the escrow now and then, after everybody has seen it. */
class Undoing {
  count = 0;
  private isOpen = true;
  private readonly loop: Promise<void>;

  constructor(private readonly world: CardWorld) {
    this.loop = this.run();
  }

  async stop(): Promise<void> {
    this.isOpen = false;
    await this.loop;
  }

  private async run(): Promise<void> {
    const { chain, protocol } = this.world;
    while (this.isOpen) {
      let isUndone = false;
      void chain.undoNext(protocol.addresses.escrow).then(() => (isUndone = true));
      while (!isUndone && this.isOpen) await sleep(100);
      if (isUndone) ++this.count;
      for (let waited = 0; waited < BETWEEN && this.isOpen; waited += 100) await sleep(100);
    }
  }
}

/** Lets the time pass after which all orders can be closed. @returns how many sessions are not over then */
async function calm({ chain }: CardWorld, customers: Customers, say: (line: string) => void): Promise<number> {
  let left = await customers.left();
  for (const end = performance.now() + CALM; left > 0 && performance.now() < end; left = await customers.left()) {
    say(`${left} sessions are not over`);
    await sleep(3_000);
    await chain.increase(GRACE);
  }
  return left;
}

/** Returns what should have happened to some payments, and happened to none. */
function missedOf({ currencies, lostDisputes, sentBack }: ClosedBooks, { won, rises }: Customers): string[] {
  const unpaid = Object.keys(TERMS).filter((code) => !currencies.includes(code));
  return [
    ...unpaid.map((code) => `no order was paid in ${code}`),
    ...(lostDisputes === 0 ? ["no dispute was lost"] : []),
    ...(won === 0 ? ["no dispute was won"] : []),
    ...(sentBack === 0 ? ["no refund was sent back"] : []),
    ...(rises === 0 ? ["no price rose between a quote and its payment"] : []),
  ];
}

function cardsOf({ stripe }: CardWorld) {
  return stripe.ledger.map(({ kind, session, amount, currency }) => ({
    kind,
    session,
    amount: BigInt(amount),
    currency,
  }));
}

/** Returns the payer's orders, by the chain alone: what they could have cost stands in their transactions. */
async function ordersOf({ protocol, payer }: CardWorld): Promise<OrderEntry[]> {
  const { escrow } = protocol.contracts;
  const closed = await escrow.queryFilter(escrow.filters.OrderClosed());
  const refunds = new Map(closed.map(({ args }) => [args.orderId, args.refund]));
  const opened = await escrow.queryFilter(escrow.filters.OrderOpened(undefined, undefined, payer));
  return Promise.all(
    opened.map(async ({ args: { orderId, paymentRef, deposit }, transactionHash }) => {
      const { data } = (await ethers.provider.getTransaction(transactionHash))!;
      const { tuAmount, maxUnitPrice, nodeId, duration } = escrow.interface.parseTransaction({ data })!
        .args[0] as unknown as Record<"tuAmount" | "maxUnitPrice" | "nodeId" | "duration", bigint>;
      const quoted = (tuAmount * maxUnitPrice) / 10n ** 18n;
      return { orderId, paymentRef, quoted, deposit, refund: refunds.get(orderId), nodeId, duration };
    }),
  );
}
