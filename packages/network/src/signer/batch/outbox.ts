import type { Kysely } from "kysely";

import type { SignerDocument } from "@turingfog/sdk/wire";
import type { Logger } from "pino";
import { HttpError, type Link } from "../../http/index.js";
import { type Clock, step } from "../../runtime/index.js";
import { fromBytes, toBytes } from "../../store/index.js";
import type { BatchTables } from "./tables.js";

export const OUTBOX_STEPS = ["signer.message.before-send", "signer.message.sent", "signer.message.forgotten"] as const;

/** Errors that will be the same at the next try. */
const FINAL = [400, 409, 413];

export interface OutboxOptions {
  db: Kysely<BatchTables>;
  link: Link;
  /** Returns a signer's document in force. */
  documentOf: (signer: string) => SignerDocument | undefined;
  clock: Clock;
  log: Logger;
}

/** Messages to other signers: each is sent until it was taken, or is too old, whatever happens in between. */
export class Outbox {
  private readonly sending = new Map<string, Promise<void>>();

  constructor(private readonly options: OutboxOptions) {}

  /** Adds a message for each receiver, in a transaction if one is given. */
  async add(
    receivers: readonly string[],
    path: string,
    body: string,
    until: bigint,
    db: Pick<Kysely<BatchTables>, "insertInto"> = this.options.db,
  ): Promise<void> {
    for (const receiver of receivers) {
      await db
        .insertInto("batch_outbox")
        .values({ receiver: toBytes(receiver), path, body, until })
        .onConflict((conflict) => conflict.columns(["receiver", "path", "body"]).doUpdateSet({ until }))
        .execute();
    }
  }

  /** Sends what waits. A signer that does not answer keeps nobody else waiting. */
  async flush(): Promise<void> {
    const { db, clock } = this.options;
    await db.deleteFrom("batch_outbox").where("until", "<=", clock.now()).execute();
    const rows = await db.selectFrom("batch_outbox").selectAll().execute();
    const receivers = [...new Set(rows.map(({ receiver }) => fromBytes(receiver)))];
    for (const receiver of receivers) {
      if (this.sending.has(receiver)) continue;
      const mine = rows.filter((row) => fromBytes(row.receiver) === receiver);
      const sent = this.sendAll(receiver, mine).finally(() => this.sending.delete(receiver));
      this.sending.set(receiver, sent);
    }
  }

  /** Resolves when nothing is on its way. */
  async settled(): Promise<void> {
    await Promise.all(this.sending.values());
  }

  private async sendAll(receiver: string, rows: readonly BatchTables["batch_outbox"][]): Promise<void> {
    const { db, link, documentOf, log } = this.options;
    const to = documentOf(receiver);
    if (to === undefined) return;
    try {
      for (const { path, body } of rows) {
        step("signer.message.before-send");
        const isTaken = await link.send(to, "POST", path, body).then(
          () => true,
          (error: unknown) => {
            if (!(error instanceof HttpError) || error.status === 0) throw error;
            // a signer may not have looked at a file yet whose signature it is sent
            log[error.status === 404 ? "debug" : "warn"]({ receiver, path, reason: error.message }, "message refused");
            return FINAL.includes(error.status);
          },
        );
        step("signer.message.sent");
        if (!isTaken) continue;
        await db
          .deleteFrom("batch_outbox")
          .where("receiver", "=", toBytes(receiver))
          .where("path", "=", path)
          .where("body", "=", body)
          .execute();
        step("signer.message.forgotten");
      }
    } catch (error) {
      log.warn({ receiver, reason: error instanceof Error ? error.message : String(error) }, "signer not reached");
    }
  }
}
