import { type Attempt, type Connection, KeySender, latestBlock } from "@turingfog/operator";
import { TuringFogError } from "@turingfog/sdk";
import { connectContracts, type Addresses } from "@turingfog/sdk/ethers";
import type { Provider, Wallet } from "ethers";
import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";

import type { ChainFacts } from "../chain/index.js";
import { type Clock, type Health, reasonOf, step } from "../runtime/index.js";
import type { Act, Due } from "./act.js";
import type { KeeperOutbox } from "./outbox.js";
import { Turns } from "./turns.js";

export const ACT_STEPS = ["keeper.act.before-send", "keeper.act.done"] as const;

export interface KeeperOptions {
  acts: readonly Act[];
  facts: ChainFacts;
  book: Addresses;
  connect: () => Promise<Connection>;
  key: Wallet;
  outbox: KeeperOutbox;
  /** Seconds that each act is left to others. */
  delay: bigint;
  /** Wei per unit of gas. */
  maxFeePerGas?: bigint;
  clock: Clock;
  log: Logger;
  health: Health;
  metrics: Registry;
}

/** Thrown when a transaction that is not mined holds the key up. What is due is sent once its nonce is used. */
export class KeyBusyError extends TuringFogError {
  constructor(
    readonly waiting: Attempt,
    whatNext: string,
  ) {
    super(`Transaction ${waiting.nonce} of this key waits, "${waiting.call}", and ${whatNext}`);
  }
}

/** Carries out what is due, one transaction at a time. */
export class Keeper {
  private readonly turns = new Map<Act, Turns>();
  private readonly counts: Counter;
  private readonly spent: Gauge;
  private readonly coins: Gauge;

  constructor(private readonly options: KeeperOptions) {
    const registers = [options.metrics];
    const [name, help] = ["turingfog_keeper_acts_total", "What was due and is done, by act and who has done it"];
    this.counts = new Counter({ name, help, labelNames: ["act", "by"], registers });
    const today = { name: "turingfog_keeper_spent_coins", help: "Coins that gas may have cost in the last 24 hours" };
    this.spent = new Gauge({ ...today, registers });
    this.coins = new Gauge({ name: "turingfog_keeper_coins", help: "Coins that the key has for gas", registers });
  }

  /** Looks once at everything that may be due. What fails keeps nothing else from being done. */
  async advance(signal: AbortSignal): Promise<void> {
    const { acts, facts, book, connect, key, health, outbox, clock, delay } = this.options;
    const connection = await connect();
    const { provider } = connection;
    const balance = await provider.getBalance(key.address);
    this.coins.set(Number(balance) / 1e18);
    if (balance > 0n) health.report("coins", "ok");
    else health.report("coins", "waiting", `${key.address} has no coins for gas: send it some`);
    for (const act of acts) {
      if (signal.aborted) return;
      const turns = this.turns.get(act) ?? new Turns(delay);
      this.turns.set(act, turns);
      const failures: unknown[] = [];
      try {
        const now = BigInt((await latestBlock(provider)).timestamp);
        const contracts = connectContracts(book.addresses, provider);
        const sight = { provider, facts, contracts, keeper: key.address, now };
        for await (const due of act.due(sight)) {
          await this.carryOut(act, due, turns, connection).catch((error: unknown) => failures.push(error));
          if (signal.aborted) return;
        }
        turns.end(clock.now());
      } catch (error) {
        failures.push(error);
      }
      if (failures.length === 0) health.report(act.name, "ok");
      else health.report(act.name, "waiting", reasonOf(failures[0]));
    }
    this.spent.set(Number(outbox.spent(clock.now())) / 1e18);
  }

  /** Whether a transaction of this keeper with that description succeeded. */
  async isMined(provider: Provider, description: string): Promise<boolean> {
    const attempts = this.options.outbox.attempts.filter(({ call }) => call === description);
    const receipts = await Promise.all(attempts.map(({ hash }) => provider.getTransactionReceipt(hash)));
    return receipts.some((receipt) => receipt?.status === 1);
  }

  private async carryOut(act: Act, { call, isDone }: Due, turns: Turns, connection: Connection): Promise<void> {
    const { key, outbox, maxFeePerGas, log, clock } = this.options;
    if (await isDone()) return turns.done(call.description, clock.now());
    if (!turns.isOurs(call.description, clock.now())) return;
    clock.check();
    const sender = new KeySender(key.connect(connection.provider), connection, {
      maxFeePerGas,
      journal: outbox,
      say: (line) => log.info({ act: act.name }, line),
    });
    await this.freeKey(sender, connection, call.description);
    step("keeper.act.before-send");
    const submitted = await sender.submit([call], isDone).catch(async (error: unknown) => {
      // refused because somebody else was first
      if (!(await isDone())) throw error;
      return undefined;
    });
    step("keeper.act.done");
    const receipt = submitted?.kind === "sent" ? submitted.receipts[0] : undefined;
    if (receipt) await outbox.mined(receipt.hash, receipt.gasUsed * receipt.gasPrice);
    const by = receipt?.status === 1 ? "this keeper" : "others";
    turns.done(call.description, by === "others" ? clock.now() : undefined);
    this.counts.inc({ act: act.name, by });
    log.info({ act: act.name, by, transaction: receipt?.hash }, `${call.description}: done`);
  }

  /**
   * Replaces a transaction of another act by an empty one, if the chain should have mined it. It holds the key up: that act
   * may be done by somebody else, so that nothing sends it again.
   * @throws KeyBusyError as long as its nonce is not used
   */
  private async freeKey(sender: KeySender, { provider, chain }: Connection, description: string): Promise<void> {
    const { key, outbox, clock } = this.options;
    const [used, known] = await Promise.all([
      provider.getTransactionCount(key.address, "latest"),
      provider.getTransactionCount(key.address, "pending"),
    ]);
    const waiting = outbox.attempts.filter(({ from, nonce }) => from === key.address && nonce === used);
    const last = waiting.at(-1);
    if (known === used || last === undefined || waiting.some(({ call }) => call === description)) return;
    if (clock.now() - last.signedAt < chain.patience) throw new KeyBusyError(last, "is given some more time");
    const cancellation = { description: `Cancel transaction ${used}`, to: key.address, data: "0x" };
    const isSent = await sender.replace(last, cancellation);
    throw new KeyBusyError(last, isSent ? "is being cancelled" : "can be cancelled only above maxFeeGwei: raise it");
  }
}
