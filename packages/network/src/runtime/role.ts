import pino, { type Logger } from "pino";
import { collectDefaultMetrics, Registry } from "prom-client";

import { redact } from "@turingfog/sdk/node";
import { ChainClock, type Clock, SystemClock } from "./clock.js";
import type { RuntimeConfig } from "./config.js";
import { Health } from "./health.js";
import { openMonitor } from "./monitor.js";

/** Something that runs until it is told to end. */
export interface Stoppable {
  stop(): Promise<void>;
}

/** What a role is given to run with. */
export interface RoleContext {
  log: Logger;
  metrics: Registry;
  clock: Clock;
  health: Health;
  /** Aborted when the role is to end. */
  signal: AbortSignal;
}

/** A process of the network. */
export interface Role {
  name: string;
  config: RuntimeConfig;
  start(context: RoleContext): Promise<Stoppable>;
}

/** Returns a logger of JSON lines on stdout, which contain no secret that was registered to be hidden. */
export function openLog(name: string, level: RuntimeConfig["log"]): Logger {
  const out = pino.destination({ dest: 1, sync: true });
  return pino({ name, level }, { write: (line: string) => out.write(redact(line)) });
}

/**
 * Runs a role until SIGTERM or SIGINT.
 * @returns the exit code: 0 after a clean stop, 1 if it could not start or ended by itself
 */
export async function runRole(role: Role): Promise<number> {
  const { name, config } = role;
  const log = openLog(name, config.log);
  const health = new Health((part, { state, reason }) => {
    log[state === "ok" ? "info" : "warn"]({ part, state, reason }, "health");
  });
  const metrics = new Registry();
  collectDefaultMetrics({ register: metrics });
  const clock = config.clock === "chain" ? new ChainClock() : new SystemClock();

  const end = new AbortController();
  const stop = () => end.abort();
  process.once("SIGTERM", stop).once("SIGINT", stop);
  const stoppables: Stoppable[] = [];
  try {
    const monitor = await openMonitor(config.monitor, health, metrics);
    stoppables.push({ stop: () => monitor.close() });
    stoppables.push(await role.start({ log, metrics, clock, health, signal: end.signal }));
    log.info({ monitor: monitor.addresses() }, "started");
    await aborted(end.signal);
    return 0;
  } catch (error) {
    if (end.signal.aborted) return 0;
    log.fatal({ reason: reasonOf(error) }, "failed");
    return 1;
  } finally {
    end.abort();
    for (const each of stoppables.reverse()) await each.stop();
    process.off("SIGTERM", stop).off("SIGINT", stop);
    log.info("stopped");
  }
}

/** Returns an error's message on one line. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " ");
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
