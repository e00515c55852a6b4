import { randomUUID } from "node:crypto";

import { toJson } from "@turingfog/sdk";
import { hideAccess } from "@turingfog/sdk/node";

import { HttpClient } from "../http/index.js";
import { reasonOf } from "../runtime/index.js";
import { type Alarm, ALARM_TIMEOUT } from "./alarms.js";
import type { WatchConfig } from "./config.js";

/** The outcome of a try at one webhook. */
export interface TriedWebhook {
  /** Host of its URL; the rest may give access. */
  host: string;
  /** Why it did not take the alarm; undefined if it did. */
  reason?: string;
}

/** Posts an alarm named `test` once to each webhook of a watch. */
export async function tryWebhooks({
  webhooks,
  chain,
}: Pick<WatchConfig, "webhooks" | "chain">): Promise<TriedWebhook[]> {
  for (const webhook of webhooks) hideAccess(webhook, "webhook");
  const client = new HttpClient();
  const alarm: Alarm = {
    id: `test/${randomUUID()}`,
    alarm: "test",
    network: chain.network,
    text: `A test of the webhooks of a watch on ${chain.network}: nothing is wrong`,
    raisedAt: BigInt(Math.floor(Date.now() / 1_000)),
  };
  const tried = [...new Set(webhooks)].map(async (webhook) => {
    const { host } = new URL(webhook);
    return client.post(webhook, toJson(alarm), { timeout: ALARM_TIMEOUT }).then(
      () => ({ host }),
      (error: unknown) => ({ host, reason: reasonOf(error) }),
    );
  });
  return Promise.all(tried).finally(() => client.close());
}
