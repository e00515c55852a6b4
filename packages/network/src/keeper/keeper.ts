import { type Connection, KeySender, latestBlock } from "@turingfog/operator";
import { connectContracts, type Addresses } from "@turingfog/sdk/ethers";
import type { Provider, Wallet } from "ethers";
import type { Logger } from "pino";
import { Counter, Gauge, type Registry } from "prom-client";

import type { ChainFacts } from "../chain/index.js";
import { type Clock, type Health, reasonOf, step } from "../runtime/index.js";
import type { Act, Due } from "./act.js";
import type { KeeperOutbox } from "./outbox.js";

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

/** Carries out what is due, one transaction at a time. */
export class Keeper {
  /** When each call was first due, in unix seconds, by its description. */
  private seen = new Map<string, bigint>();
  private readonly counts: Counter;
  private readonly spent: Gauge;

  constructor(private readonly options: KeeperOptions) {
    const registers = [options.metrics];
    const [name, help] = ["turingfog_keeper_acts_total", "What was due and is done, by act and who has done it"];
    this.counts = new Counter({ name, help, labelNames: ["act", "by"], registers });
    const today = { name: "turingfog_keeper_spent_coins", help: "Coins that gas may have cost in the last 24 hours" };
    this.spent = new Gauge({ ...today, registers });
  }

  /** Looks once at everything that may be due. What fails keeps nothing else from being done. */
  async advance(signal: AbortSignal): Promise<void> {
    const { acts, facts, book, connect, key, health, outbox, clock } = this.options;
    const connection = await connect();
    const { provider } = connection;
    const seen = new Map<string, bigint>();
    for (const act of acts) {
      if (signal.aborted) return;
      const failures: unknown[] = [];
      try {
        const { number, timestamp } = await latestBlock(provider);
        const sight = {
          ...{ provider, facts, contracts: connectContracts(book.addresses, provider), keeper: key.address },
          ...{ block: number, now: BigInt(timestamp) },
        };
        for await (const due of act.due(sight)) {
          const { description } = due.call;
          const since = this.seen.get(description) ?? clock.now();
          seen.set(description, since);
          await this.carryOut(act, due, since, connection).catch((error: unknown) => failures.push(error));
          if (signal.aborted) return;
        }
      } catch (error) {
        failures.push(error);
      }
      if (failures.length === 0) health.report(act.name, "ok");
      else health.report(act.name, "waiting", reasonOf(failures[0]));
    }
    this.seen = seen;
    this.spent.set(Number(outbox.spent(clock.now())) / 1e18);
  }

  /** Whether a transaction of this keeper with that description succeeded. */
  async isMined(provider: Provider, description: string): Promise<boolean> {
    const attempts = this.options.outbox.attempts.filter(({ call }) => call === description);
    const receipts = await Promise.all(attempts.map(({ hash }) => provider.getTransactionReceipt(hash)));
    return receipts.some((receipt) => receipt?.status === 1);
  }

  /** @param since when it was first due, in unix seconds */
  private async carryOut(act: Act, { call, isDone }: Due, since: bigint, connection: Connection): Promise<void> {
    const { key, outbox, maxFeePerGas, log, clock, delay } = this.options;
    if (await isDone()) return;
    if (clock.now() - since < delay) return;
    clock.check();
    const sender = new KeySender(key.connect(connection.provider), connection, {
      maxFeePerGas,
      journal: outbox,
      say: (line) => log.info({ act: act.name }, line),
    });
    step("keeper.act.before-send");
    const submitted = await sender.submit([call], isDone);
    step("keeper.act.done");
    const receipt = submitted.kind === "sent" ? submitted.receipts[0] : undefined;
    if (receipt) await outbox.mined(receipt.hash, receipt.gasUsed * receipt.gasPrice);
    const by = receipt?.status === 1 ? "this keeper" : "others";
    this.counts.inc({ act: act.name, by });
    log.info({ act: act.name, by, transaction: receipt?.hash }, `${call.description}: done`);
  }
}
