import { setTimeout as sleep } from "node:timers/promises";

import { CHAINS } from "@turingfog/sdk";
import type { Kysely } from "kysely";
import pino from "pino";
import { Registry } from "prom-client";

import { CHAIN_MIGRATIONS, CHAIN_STEPS, ChainFacts, type ChainTables, chainOf } from "../chain/index.js";
import { HttpClient } from "../http/index.js";
import {
  ChainClock,
  Health,
  reasonOf,
  type Role,
  type RoleContext,
  type Stoppable,
  SystemClock,
} from "../runtime/index.js";
import { openStore } from "../store/index.js";
import { ALARM_STEPS, Alarms } from "./alarms.js";
import type { WatchConfig } from "./config.js";
import { FileFinder } from "./files.js";
import { Paces } from "./paces.js";
import { ROOT_STEPS, Roots } from "./roots.js";
import { WATCH_MIGRATIONS, type WatchTables } from "./tables.js";
import { VETO_STEPS, Vetoes } from "./vetoes.js";
import { type Look, Watch } from "./watch.js";

/** Where a watch stands before and after each durable write and each send. */
export const WATCH_STEPS = [...CHAIN_STEPS, ...ROOT_STEPS, ...ALARM_STEPS, ...VETO_STEPS] as const;

export interface WatchMode {
  /** Whether it acts as the guardian that its configuration names. */
  vetoes: boolean;
}

/** A watch, as a process. */
export function watchRole(config: WatchConfig, mode: WatchMode): Role {
  return {
    name: "watch",
    config,
    start: async (context): Promise<Stoppable> => {
      const { watch, close } = await openWatch(config, mode, context);
      const loop = work(watch, config, context);
      return {
        stop: async () => {
          await loop;
          await close();
        },
      };
    },
  };
}

/**
 * Puts a watch together, which does nothing by itself.
 * @throws NoGuardianError, StoreError, KeyFileError, MalformedKeyError, KeystoreError
 */
export async function openWatch(
  config: WatchConfig,
  mode: WatchMode,
  { clock, health, log, metrics }: Omit<RoleContext, "signal">,
) {
  const { book, connect } = await chainOf(config.chain);
  const { network } = config.chain;
  const store = await openStore<ChainTables & WatchTables>(config.store, { ...CHAIN_MIGRATIONS, ...WATCH_MIGRATIONS });
  const db = store.db as unknown as Kysely<WatchTables>;
  const client = new HttpClient();
  const close = async () => {
    client.close();
    await store.close();
  };
  try {
    const chainDb = store.db as unknown as Kysely<ChainTables>;
    const facts = new ChainFacts({ ...config.chain, connect, book, db: chainDb, clock, health });
    const alarms = new Alarms({ network, webhooks: config.webhooks, db, client, log, health, metrics });
    const files = new FileFinder({ client, signers: config.signers, book, facts, clock });
    const paces = new Paces(db, config.spike);
    const roots = await Roots.open({ facts, files, paces, alarms, db, log, metrics });
    const connection = async () => ({
      ...{ name: network, chain: CHAINS[network] },
      ...{ chainId: BigInt(book.chainId), provider: await connect() },
    });
    const acting = { book, connect: connection, alarms, log, health };
    const vetoes = mode.vetoes ? await Vetoes.open(config, acting) : undefined;
    const watch = await Watch.open({ facts, roots, alarms, vetoes, db, silence: config.silence, health });
    return { watch, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Looks once, without a log and a monitor. That nothing can be checked is an alarm at once. */
export async function watchOnce(config: WatchConfig, mode: WatchMode): Promise<Look> {
  const clock = config.clock === "chain" ? new ChainClock() : new SystemClock();
  const context = { clock, health: new Health(), log: pino({ level: "silent" }), metrics: new Registry() };
  const { watch, close } = await openWatch({ ...config, silence: 0 }, mode, context);
  try {
    return await watch.look();
  } finally {
    await close();
  }
}

async function work(watch: Watch, { chain }: WatchConfig, { health, signal }: RoleContext): Promise<void> {
  while (!signal.aborted) {
    try {
      await watch.look();
      health.report("work", "ok");
    } catch (error) {
      health.report("work", "waiting", reasonOf(error));
    }
    await sleep(chain.poll * 1_000, undefined, { signal }).catch(() => undefined);
  }
}
