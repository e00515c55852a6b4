import { setTimeout as sleep } from "node:timers/promises";

import { CHAINS } from "@turingfog/sdk";
import { parseUnits } from "ethers";
import type { Kysely } from "kysely";

import { CHAIN_MIGRATIONS, CHAIN_STEPS, ChainFacts, type ChainTables, chainOf } from "../chain/index.js";
import { HttpClient } from "../http/index.js";
import { readKey, reasonOf, type Role, type RoleContext, type Stoppable } from "../runtime/index.js";
import { type AttemptRow, TransactionOutbox } from "../sending/index.js";
import { openStore } from "../store/index.js";
import type { Act } from "./act.js";
import { burning, claiming, closing, payingOperations, writingOff } from "./acts.js";
import type { KeeperConfig } from "./config.js";
import { filling } from "./filling.js";
import { ACT_STEPS, Keeper } from "./keeper.js";
import { Settling, SETTLING_STEPS } from "./settling.js";
import { KEEPER_MIGRATIONS, type KeeperTables, OUTBOX_STEPS } from "./tables.js";

/** Where a keeper stands before and after each durable write and each send. */
export const KEEPER_STEPS = [...ACT_STEPS, ...CHAIN_STEPS, ...OUTBOX_STEPS, ...SETTLING_STEPS] as const;

/** A keeper, as a process. */
export function keeperRole(config: KeeperConfig): Role {
  return { name: "keeper", config, start: (context) => startKeeper(config, context) };
}

async function startKeeper(config: KeeperConfig, context: RoleContext): Promise<Stoppable> {
  const { keeper, facts, close } = await openKeeper(config, context);
  const loops = [facts.run(context.signal), work(keeper, facts, config, context)];
  return {
    stop: async () => {
      await Promise.all(loops);
      await close();
    },
  };
}

/** Puts a keeper together, which does nothing by itself. */
export async function openKeeper(config: KeeperConfig, { clock, health, log, metrics }: RoleContext) {
  const key = await readKey(config.key);
  const { book, connect } = await chainOf(config.chain);
  const store = await openStore<ChainTables & KeeperTables>(config.store, {
    ...CHAIN_MIGRATIONS,
    ...KEEPER_MIGRATIONS,
  });
  const db = store.db as unknown as Kysely<KeeperTables>;
  const client = new HttpClient();
  const chainDb = store.db as unknown as Kysely<ChainTables>;
  const facts = new ChainFacts({ ...config.chain, connect, book, db: chainDb, clock, health });
  const { network } = config.chain;

  const acts: Act[] = [];
  const keeper = new Keeper({
    ...{ acts, facts, book, key, clock, log, health, metrics },
    connect: async () => ({
      ...{ name: network, chain: CHAINS[network] },
      ...{ chainId: BigInt(book.chainId), provider: await connect() },
    }),
    outbox: await TransactionOutbox.open(
      "keeper",
      store.db as unknown as Kysely<Record<string, AttemptRow>>,
      clock,
      config.dailyBudget,
    ),
    delay: BigInt(config.delay),
    maxFeePerGas: config.maxFeeGwei === undefined ? undefined : parseUnits(String(config.maxFeeGwei), "gwei"),
  });
  const isMined = async (description: string) => keeper.isMined(await connect(), description);
  if (config.settle) acts.push(await Settling.open({ db, client, signers: config.signers, isMined }));
  if (config.burn) acts.push(burning);
  acts.push(...config.fillers.map(filling));
  if (config.writeOff) acts.push(writingOff);
  if (config.close) acts.push(closing);
  if (config.operations !== undefined) acts.push(payingOperations(config.operations));
  if (config.claims.length > 0) acts.push(claiming(book, config.claims));
  log.info({ keeper: key.address.toLowerCase(), acts: acts.map(({ name }) => name) }, "keeping");
  const close = async () => {
    client.close();
    await store.close();
  };
  return { keeper, facts, close };
}

async function work(keeper: Keeper, facts: ChainFacts, { tick }: KeeperConfig, { health, signal }: RoleContext) {
  while (!signal.aborted) {
    try {
      if (facts.isKnown) {
        await keeper.advance(signal);
        health.report("work", "ok");
      } else health.report("work", "waiting", "the chain was not read yet");
    } catch (error) {
      health.report("work", "waiting", reasonOf(error));
    }
    await sleep(tick * 1_000, undefined, { signal }).catch(() => undefined);
  }
}
