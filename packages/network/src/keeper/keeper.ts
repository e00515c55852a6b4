import { type Connection, latestBlock } from "@turingfog/operator";
import { connectContracts, type Addresses } from "@turingfog/sdk/ethers";
import type { Provider, Wallet } from "ethers";
import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";

import type { ChainFacts } from "../chain/index.js";
import { type Clock, type Health, reasonOf, step } from "../runtime/index.js";
import { type TransactionOutbox, TransactionSubmitter } from "../sending/index.js";
import type { Act, Due } from "./act.js";
import { Turns } from "./turns.js";

export const ACT_STEPS = ["keeper.act.before-send", "keeper.act.done"] as const;

export interface KeeperOptions {
  acts: readonly Act[];
  facts: ChainFacts;
  book: Addresses;
  connect: () => Promise<Connection>;
  key: Wallet;
  outbox: TransactionOutbox;
  /** Seconds that each act is left to others. */
  delay: bigint;
  /** Wei per unit of gas. */
  maxFeePerGas?: bigint;
  clock: Clock;
  log: Logger;
  health: Health;
  metrics: Registry;
}

/** Carries out what is due, one transaction at a time. */
export class Keeper {
  private readonly turns = new Map<Act, Turns>();
  private readonly submitter: TransactionSubmitter;
  private readonly counts: Counter;
  private readonly spent: Gauge;
  private readonly coins: Gauge;

  constructor(private readonly options: KeeperOptions) {
    const { key, outbox, maxFeePerGas, clock, log } = options;
    this.submitter = new TransactionSubmitter({ key, outbox, maxFeePerGas, clock, say: (line) => log.info(line) });
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
      const fails = (part: string, error: unknown) => {
        failures.push(error);
        turns.keep(part);
      };
      try {
        const now = BigInt((await latestBlock(provider)).timestamp);
        const contracts = connectContracts(book.addresses, provider);
        const sight = { provider, facts, contracts, keeper: key.address, now, fails };
        for await (const due of act.due(sight)) {
          await this.carryOut(act, due, turns, connection).catch((error: unknown) => failures.push(error));
          if (signal.aborted) return;
        }
      } catch (error) {
        fails("", error);
      }
      turns.end(clock.now());
      if (failures.length === 0) health.report(act.name, "ok");
      else health.report(act.name, "waiting", reasonOf(failures[0]));
    }
    this.spent.set(Number(outbox.spent(clock.now())) / 1e18);
  }

  /** Whether a transaction of this keeper with that description succeeded. */
  isMined(provider: Provider, description: string): Promise<boolean> {
    return this.submitter.isMined(provider, description);
  }

  private async carryOut(act: Act, { call, isDone }: Due, turns: Turns, connection: Connection): Promise<void> {
    const { log, clock } = this.options;
    if (await isDone()) return turns.done(call.description, clock.now());
    if (!turns.isOurs(call.description, clock.now())) return;
    step("keeper.act.before-send");
    const receipt = await this.submitter.submit(call, connection, isDone);
    step("keeper.act.done");
    const by = receipt?.status === 1 ? "this keeper" : "others";
    turns.done(call.description, by === "others" ? clock.now() : undefined);
    this.counts.inc({ act: act.name, by });
    log.info({ act: act.name, by, transaction: receipt?.hash }, `${call.description}: done`);
  }
}
