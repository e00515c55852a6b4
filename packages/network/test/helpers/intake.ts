import {
  addIntakeRoutes,
  type ChainFacts,
  type Clock,
  Health,
  Intake,
  INTAKE_MIGRATIONS,
  type IntakeOptions,
  type IntakeRoutes,
  type IntakeTables,
  type Limits,
  MeterVerifier,
  openLog,
  openServer,
} from "@turingfog/network";
import type { FastifyInstance } from "fastify";
import { Registry } from "prom-client";

import { Meter, METER_DOMAIN, START, World } from "./meters";
import type { Stores } from "./stores";

export const LOG = openLog("test", "silent");

/** A clock that stands at a day after the orders' start until it is set. */
export class StoppedClock implements Clock {
  constructor(public time = START + 86_400n) {}

  now(): bigint {
    return this.time;
  }

  check(): void {
    // it is right
  }

  sees(): void {
    // it does not go by the chain
  }
}

/** A signer's intake of some meters' readings, in a store. */
export async function openIntake(
  stores: Stores,
  meters: readonly Meter[],
  options: Partial<IntakeOptions> = {},
  at?: string,
) {
  const store = await stores.openAt<IntakeTables>(at ?? stores.location(), INTAKE_MIGRATIONS);
  const world = new World(meters);
  const clock = new StoppedClock();
  const verifier = await MeterVerifier.of(METER_DOMAIN);
  const intake = new Intake({ db: store.db, facts: world, documents: world, verifier, clock, log: LOG, ...options });
  await intake.readStopped();
  return { store, world, clock, intake };
}

export async function meters(count: number): Promise<Meter[]> {
  return Promise.all(Array.from({ length: count }, (_, i) => Meter.of(i + 1)));
}

/** Serves an intake, with the world's documents. */
export async function serveIntake(
  { intake, world }: { intake: Intake; world: World },
  { limits, ...routes }: Partial<IntakeRoutes> & { limits?: Partial<Limits> } = {},
): Promise<{ server: FastifyInstance; url: string; port: number; health: Health; metrics: Registry }> {
  const [health, metrics] = [new Health(), new Registry()];
  const facts = world as Pick<ChainFacts, "isKnown" | "openOrdersOf">;
  const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG, limits }, (on) =>
    addIntakeRoutes(on, { intake, facts, documents: world, health, metrics, ...routes }),
  );
  const { port } = server.server.address() as { port: number };
  return { server, url: `http://127.0.0.1:${port}`, port, health, metrics };
}
