import { existsSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import path from "node:path";

import type { TypedDataDomain } from "ethers";
import type { Kysely } from "kysely";
import type { Logger } from "pino";

import { TuringFogError } from "@turingfog/sdk";
import { type Grant, JOB, JOB_FILE, type Signed } from "@turingfog/sdk/wire";
import type { ChainFacts } from "../../chain/index.js";
import { RefusedError } from "../../http/index.js";
import {
  type AgeKey,
  checkGrant,
  GrantRefusedError,
  openGrant,
  UndecipherableError,
  unpackBundle,
} from "../../job/index.js";
import { type TrainingJob, trainingOf } from "../../joint/job.js";
import { step } from "../../runtime/index.js";
import { fromBlob, toBlob } from "../../store/index.js";
import type { WorkerSource } from "./source.js";
import type { AuditTables } from "./tables.js";

const ZERO_HASH = `0x${"00".repeat(32)}`;

/** A job that a signer audits. */
export interface AuditedJob extends TrainingJob {
  imagesPerTU: bigint;
  /** Folder with the job's data, and one for weights. */
  input: string;
  weights: string;
}

export interface JobsOptions {
  db: Kysely<AuditTables>;
  facts: Pick<ChainFacts, "isSignedByContract" | "order">;
  age: AgeKey;
  /** That of grants. */
  domain: TypedDataDomain;
  folder: string;
  /** Bytes of a bundle, and of what is unpacked of it. */
  maxBytes: number;
  source: Pick<WorkerSource, "get">;
  log: Logger;
}

/** The jobs of the built-in trainer that renters let this signer read, so that it can recompute their rounds. */
export class AuditedJobs {
  private readonly identities = new Map<bigint, string>();
  /** What became of a bundle; null if it has no job of the built-in trainer. */
  private readonly read = new Map<bigint, AuditedJob | null>();

  private constructor(private readonly options: JobsOptions) {}

  static async open(options: JobsOptions): Promise<AuditedJobs> {
    const jobs = new AuditedJobs(options);
    for (const { order_id, identity } of await options.db.selectFrom("training_grants").selectAll().execute()) {
      jobs.identities.set(fromBlob(order_id), identity);
    }
    return jobs;
  }

  /** Says whether the signer was granted an order's job. */
  isGranted(orderId: bigint): boolean {
    return this.identities.has(orderId);
  }

  /** Returns a job that was read; null if it is none of the built-in trainer, undefined if it was not read yet. */
  known(orderId: bigint): AuditedJob | null | undefined {
    return this.read.get(orderId);
  }

  /**
   * Takes the key of an order's job.
   * @throws RefusedError
   */
  async grant(orderId: bigint, grant: Signed<Grant>): Promise<void> {
    const { db, facts, age, domain } = this.options;
    const order = facts.order(orderId);
    if (order === undefined || order.jobHash === ZERO_HASH) {
      throw new RefusedError(404, "unknown-order", `No final block has order ${orderId} with a job`);
    }
    if (order.closed) throw new RefusedError(409, "closed-order", `Order ${orderId} is closed`);
    if (grant.orderId !== orderId) throw new RefusedError(422, "other-order", `The grant is of order ${grant.orderId}`);
    const isSignedByContract = (...signed: Parameters<ChainFacts["isSignedByContract"]>) =>
      facts.isSignedByContract(...signed);
    try {
      await checkGrant(grant, domain, { reader: age.recipient, holder: order.holder, isSignedByContract });
      const values = { order_id: toBlob(orderId), identity: await openGrant(grant, age.identity) };
      step("signer.training-grant.before-store");
      await db
        .insertInto("training_grants")
        .values(values)
        .onConflict((conflict) => conflict.column("order_id").doUpdateSet(values))
        .execute();
      step("signer.training-grant.stored");
      this.identities.set(orderId, values.identity);
      this.read.delete(orderId);
    } catch (error) {
      const isBad = error instanceof GrantRefusedError || error instanceof UndecipherableError;
      throw isBad ? new RefusedError(422, "bad-grant", error.message) : error;
    }
  }

  /** Returns a job, which is got from the order's workers first; undefined if nobody has it at present. */
  async job(orderId: bigint): Promise<AuditedJob | undefined> {
    const known = this.read.get(orderId);
    const identity = this.identities.get(orderId);
    if (known !== undefined || identity === undefined) return known ?? undefined;
    const folder = path.join(this.options.folder, String(orderId));
    const input = path.join(folder, "input");
    try {
      if (!existsSync(input) && !(await this.unpack(orderId, identity, folder, input))) return undefined;
      const job = JOB.decode(await readFile(path.join(input, JOB_FILE)));
      const { imagesPerTU } = job;
      const read = { ...trainingOf(job), imagesPerTU, input, weights: path.join(folder, "weights") };
      this.read.set(orderId, read);
      return read;
    } catch (error) {
      if (!(error instanceof TuringFogError)) throw error;
      this.options.log.warn({ orderId: String(orderId), reason: error.message }, "no training job");
      this.read.set(orderId, null);
      return undefined;
    }
  }

  private async unpack(orderId: bigint, identity: string, folder: string, input: string): Promise<boolean> {
    const { source, facts, maxBytes } = this.options;
    const bundle = path.join(folder, "bundle.age");
    const hash = facts.order(orderId)?.jobHash ?? ZERO_HASH;
    if (!existsSync(bundle) && !(await source.get({ orderId }, { path: "bundle", hash, maxBytes }, bundle)))
      return false;
    await rm(input, { recursive: true, force: true });
    await unpackBundle(bundle, identity, input, 4 * maxBytes);
    return true;
  }
}
