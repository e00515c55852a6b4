import { setTimeout as sleep } from "node:timers/promises";

import { CHAINS } from "@turingfog/sdk";
import { hide } from "@turingfog/sdk/node";
import { parseUnits } from "ethers";
import type { Kysely } from "kysely";
import type { Logger } from "pino";

import { CHAIN_MIGRATIONS, CHAIN_STEPS, ChainFacts, type ChainTables, chainOf } from "../chain/index.js";
import { HttpClient } from "../http/index.js";
import {
  ConfigError,
  readKey,
  readSecret,
  reasonOf,
  type Role,
  type RoleContext,
  type Stoppable,
} from "../runtime/index.js";
import { type AttemptRow, outboxSteps, TransactionOutbox, TransactionSubmitter } from "../sending/index.js";
import { openStore } from "../store/index.js";
import { CARD_STEPS, Cards } from "./cards.js";
import { Closing } from "./closing.js";
import type { GatewayConfig } from "./config.js";
import { Delivering } from "./delivering.js";
import { Gateway } from "./gateway.js";
import { Jobs } from "./jobs.js";
import { Opening, SEND_STEPS } from "./opening.js";
import { Paying } from "./paying.js";
import { Quoting } from "./quoting.js";
import { openGatewayServer } from "./server.js";
import { isFormer, payerOf, SESSION_STEPS, Sessions } from "./sessions.js";
import { UnpaidSpace } from "./space.js";
import { GATEWAY_MIGRATIONS, type GatewayTables } from "./tables.js";

/** Where a gateway stands before and after each durable write, each call to Stripe and each send. */
export const GATEWAY_STEPS = [
  ...[...CARD_STEPS, ...CHAIN_STEPS, ...SEND_STEPS, ...SESSION_STEPS],
  ...outboxSteps("gateway"),
] as const;

/** Environment in place of files of secrets. */
export const STRIPE_KEY = "TURINGFOG_STRIPE_KEY";
export const STRIPE_WEBHOOK_SECRET = "TURINGFOG_STRIPE_WEBHOOK_SECRET";

/** A card gateway, as a process. */
export function gatewayRole(config: GatewayConfig): Role {
  return { name: "gateway", config, start: (context) => startGateway(config, context) };
}

async function startGateway(config: GatewayConfig, context: RoleContext): Promise<Stoppable> {
  const { gateway, facts, server, close } = await openGateway(config, context);
  context.log.info({ listen: server.addresses() }, "listening");
  const onceKnown = (act: () => Promise<void>) => async () => {
    // throws before the first look at the chain
    facts.block();
    await act();
  };
  const loops = [
    facts.run(context.signal),
    again("cards", () => gateway.advanceCards(), config, context),
    again(
      "jobs",
      onceKnown(() => gateway.advanceJobs()),
      config,
      context,
    ),
    again(
      "work",
      onceKnown(() => gateway.advanceOrders(context.signal)),
      config,
      context,
    ),
  ];
  return {
    stop: async () => {
      await server.close();
      await Promise.all(loops);
      await gateway.delivered();
      await close();
    },
  };
}

/** Time of cards, in unix seconds, and milliseconds of a clock that nobody sets. */
const CLOCKS = { now: () => BigInt(Math.floor(Date.now() / 1_000)), monotonic: () => performance.now() };

/** Puts a gateway together, which listens, and does nothing else by itself. */
export async function openGateway(
  config: GatewayConfig,
  { clock, health, log, metrics }: RoleContext,
  { now, monotonic } = CLOCKS,
) {
  const key = await readKey(config.payer);
  const { network } = config.chain;
  const { book, connect } = await chainOf(config.chain);
  const cards = await Cards.open({
    ...{ ...config.stripe, endpoint: config.endpoint },
    key: await secret(config.stripe.key, STRIPE_KEY, "stripe.key"),
    webhookSecret: await secret(config.stripe.webhookSecret, STRIPE_WEBHOOK_SECRET, "stripe.webhookSecret"),
  });
  const migrations = { ...CHAIN_MIGRATIONS, ...GATEWAY_MIGRATIONS };
  const store = await openStore<ChainTables & GatewayTables>(config.store, migrations);
  const db = <T>() => store.db as unknown as Kysely<T>;
  const facts = new ChainFacts({ ...config.chain, connect, book, db: db(), clock, health });
  const sessions = new Sessions(db(), now);
  await sessions.adopt(key.address);
  const client = new HttpClient();
  const outbox = await TransactionOutbox.open("gateway", db<Record<string, AttemptRow>>(), clock, config.dailyGas);
  const maxFeePerGas = config.maxFeeGwei === undefined ? undefined : parseUnits(String(config.maxFeeGwei), "gwei");
  const say = (line: string) => log.info(line);
  const submitter = new TransactionSubmitter({ key, outbox, maxFeePerGas, clock, say });
  const { escrow } = book.addresses;
  const chainId = BigInt(book.chainId);
  const [maxBytes, maxUnpaid] = [config.jobMiB, config.unpaidMiB].map((each) => each * 1_048_576);
  const space = new UnpaidSpace({ folder: config.jobs, sessions, now, maxBytes: maxUnpaid });
  const jobs = new Jobs({ folder: config.jobs, network, chainId, escrow, payer: key.address, maxBytes, space, now });
  const quoting = new Quoting({ config, book, connect, client, sessions, payer: key.address, now });
  const paying = new Paying({ cards, sessions, log, now, monotonic, poll: config.stripe.poll });
  const common = { config, book, cards, paying, facts, client, key, sessions, quoting, jobs, log, submitter, now };
  const gateway = new Gateway({
    ...{ facts, key, submitter, outbox, sessions, paying, jobs, clock, now, monotonic, log, health, metrics },
    ...{
      opening: new Opening(common),
      delivering: new Delivering({ ...common, connect }),
      closing: new Closing(common),
    },
    connect: async () => ({ name: network, chain: CHAINS[network], chainId, provider: await connect() }),
    keep: BigInt(config.keepDays) * 86_400n,
  });
  const server = await openGatewayServer({ config, cards, sessions, quoting, jobs, log, payer: key.address, now });
  await warnOfFormer(sessions, key.address, log);
  log.info({ payer: key.address.toLowerCase() }, "paying");
  const close = async () => {
    client.close();
    await store.close();
  };
  return { gateway, facts, server, sessions, cards, close };
}

/** Names the sessions that are held by payers whose keys were replaced. */
async function warnOfFormer(sessions: Sessions, present: string, log: Logger): Promise<void> {
  const rows = await sessions.in("checkout", "paid", "approved", "opened", "delivered");
  const former = rows.filter((row) => isFormer(row, present));
  for (const payer of new Set(former.map((row) => payerOf(row, present)))) {
    const held = former.filter((row) => payerOf(row, present) === payer).map(({ session }) => session);
    log.warn({ payer, sessions: held }, "sessions of a former payer: no order is opened for them any more");
  }
}

/** Reads a secret from its file or from the environment, and keeps it out of everything that is printed. */
export async function secret(file: string | undefined, variable: string, field: string): Promise<string> {
  const value = file === undefined ? process.env[variable] : await readSecret(file);
  if (value === undefined || value === "") {
    throw new ConfigError("the configuration", field, `is missing: name a file with mode 600, or set ${variable}`);
  }
  hide(value, field);
  return value;
}

/** Does something again and again, and reports to the health whether it could. */
async function again(
  part: string,
  act: () => Promise<void>,
  { tick }: GatewayConfig,
  { health, signal }: RoleContext,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await act();
      health.report(part, "ok");
    } catch (error) {
      health.report(part, "waiting", reasonOf(error));
    }
    await sleep(tick * 1_000, undefined, { signal }).catch(() => undefined);
  }
}
