import { createHash } from "node:crypto";

import { toJson } from "@turingfog/sdk";
import { hideAccess } from "@turingfog/sdk/node";
import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { Counter, type Registry } from "prom-client";

import { type HttpClient, HttpError } from "../http/index.js";
import { Backoff, type Health, plainText, reasonOf, step } from "../runtime/index.js";
import type { Finding, FindingName } from "./findings.js";
import type { WatchTables } from "./tables.js";

export const ALARM_STEPS = [
  "watch.alarm.before-store",
  "watch.alarm.stored",
  "watch.alarm.before-send",
  "watch.alarm.sent",
  "watch.alarm.done",
] as const;

/** Names of alarms. Programs compare them, so they never change. */
export type AlarmName =
  | FindingName
  | "file-missing"
  | "file-other"
  | "final-unchecked"
  | "nothing-checked"
  | "vetoed"
  | "veto-to-sign"
  | "veto-failed"
  | "test";

/** A message to webhooks. */
export interface Alarm {
  /** The same for each repeat: what happened once has one id. */
  id: string;
  alarm: AlarmName;
  network: string;
  /** One sentence for people. */
  text: string;
  receiptsRoot?: string;
  dataHash?: string;
  /** When the root becomes final, in unix seconds. */
  finalAt?: bigint;
  finding?: Finding;
  /** Unix seconds. */
  raisedAt: bigint;
}

/** The most characters of an alarm's text: chat programs refuse longer ones. */
const MAX_TEXT = 2_000;

/** Milliseconds in which a webhook must answer. */
export const ALARM_TIMEOUT = 10_000;

export interface AlarmsOptions {
  network: string;
  webhooks: readonly string[];
  db: Kysely<WatchTables>;
  client: HttpClient;
  log: Logger;
  health: Health;
  metrics: Registry;
}

/** Alarms, each written down once, then posted to each webhook until it takes it. */
export class Alarms {
  /** Waits by webhook and alarm. */
  private readonly backoff = new Backoff<string>();
  private readonly raised: Counter;

  constructor(private readonly options: AlarmsOptions) {
    for (const webhook of options.webhooks) hideAccess(webhook, "webhook");
    const [name, help] = ["turingfog_watch_alarms_total", "Alarms that were raised since the start, by name"];
    this.raised = new Counter({ name, help, labelNames: ["alarm"], registers: [options.metrics] });
  }

  async isRaised(id: string, db = this.options.db): Promise<boolean> {
    const known = await db.selectFrom("watch_alarms").select("id").where("id", "=", id).executeTakeFirst();
    return known !== undefined;
  }

  /** Raises an alarm, unless it was raised before. */
  async raise(given: Omit<Alarm, "network" | "raisedAt">, db = this.options.db): Promise<void> {
    const { network, webhooks, log } = this.options;
    if (await this.isRaised(given.id, db)) return;
    const { id, alarm } = given;
    const text = plainText(given.text, MAX_TEXT);
    // the chain's time is not known when nothing can be checked
    const raisedAt = BigInt(Math.floor(Date.now() / 1_000));
    const body = toJson({ ...given, text, network, raisedAt });
    step("watch.alarm.before-store");
    const insert = async (on: Kysely<WatchTables>) => {
      await on.insertInto("watch_alarms").values({ id, body, raised_at: raisedAt }).execute();
      for (const webhook of new Set(webhooks)) {
        await on
          .insertInto("watch_deliveries")
          .values({ alarm: id, webhook: keyOf(webhook), delivered: 0n })
          .execute();
      }
    };
    if (db.isTransaction) await insert(db);
    else await db.transaction().execute(insert);
    step("watch.alarm.stored");
    this.raised.inc({ alarm });
    log.error({ alarm, id }, text);
  }

  /** Posts what was not taken yet. */
  async deliver(): Promise<void> {
    const { webhooks, health } = this.options;
    await Promise.all([...new Set(webhooks)].map((webhook) => this.deliverTo(webhook)));
    try {
      this.backoff.check();
      health.report("webhooks", "ok");
    } catch (error) {
      health.report("webhooks", "waiting", reasonOf(error));
    }
  }

  private async deliverTo(webhook: string): Promise<void> {
    const { db } = this.options;
    const rows = await db
      .selectFrom("watch_deliveries")
      .innerJoin("watch_alarms", "watch_alarms.id", "watch_deliveries.alarm")
      .select(["alarm", "body"])
      .where("webhook", "=", keyOf(webhook))
      .where("delivered", "=", 0n)
      .orderBy("raised_at")
      .execute();
    for (const { alarm, body } of rows) {
      const key = `${webhook} ${alarm}`;
      if (!this.backoff.isDue(key)) continue;
      try {
        await this.post(webhook, alarm, body);
        this.backoff.succeeds(key);
      } catch (error) {
        this.backoff.fails(key, error);
        // who gives no answer gives none to the next alarm either
        if (!(error instanceof HttpError) || error.status === 0) return;
      }
    }
  }

  private async post(webhook: string, alarm: string, body: string): Promise<void> {
    const { db, client } = this.options;
    step("watch.alarm.before-send");
    await client.post(webhook, body, { timeout: ALARM_TIMEOUT });
    step("watch.alarm.sent");
    await db
      .updateTable("watch_deliveries")
      .set({ delivered: 1n })
      .where("alarm", "=", alarm)
      .where("webhook", "=", keyOf(webhook))
      .execute();
    step("watch.alarm.done");
  }
}

function keyOf(webhook: string): Uint8Array {
  return createHash("sha256").update(webhook).digest();
}
