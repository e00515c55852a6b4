import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import path from "node:path";

import { parametersOf, shapesOf } from "@turingfog/training";
import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { Counter, type Registry } from "prom-client";

import { TrainerThread } from "../../joint/trainerThread.js";
import { reasonOf, step } from "../../runtime/index.js";
import { fromBlob, fromBytes } from "../../store/index.js";
import type { Draws } from "../draws.js";
import { claimOf, type Claims, RIGHT } from "./claims.js";
import type { AuditedJob, AuditedJobs } from "./jobs.js";
import { type AuditedClaim, auditedTU } from "./limits.js";
import type { WorkerSource } from "./source.js";
import type { AuditTables, ClaimRow } from "./tables.js";

/** Rounds of a worker that are audited in any case: its first. */
const FIRST = 3;

/** Milliseconds until an audit that could not be done is tried again. */
const RETRY = 5_000;

/** What a worker's audits let be paid. */
export interface AuditLimit {
  /** 18 decimals. */
  limitTU: bigint;
  reason: "false-claim" | "unaudited";
}

export interface AuditorOptions {
  db: Kysely<AuditTables>;
  claims: Pick<Claims, "isStopped" | "readStopped">;
  jobs: Pick<AuditedJobs, "isGranted" | "job" | "known">;
  source: Pick<WorkerSource, "get">;
  draws: Pick<Draws, "isDrawn">;
  chain: {
    blockTime(): bigint;
    block(): { hash: string };
    order(orderId: bigint): { endsAt: bigint; closed: boolean; settledTU(nodeId: bigint): bigint } | undefined;
  };
  /** Seconds of an interval of draws. */
  interval: bigint;
  /** One round in so many is audited, beside those that are in any case. */
  oneIn: bigint;
  log: Logger;
  metrics: Registry;
}

/** Recomputes rounds of joint training that it draws, beside all else: nobody waits for it. */
export class Auditor {
  private readonly outcomes: Counter<"outcome">;
  private thread: { orderId: bigint; thread: TrainerThread } | undefined;
  private underWay: Promise<void> | undefined;
  private retryAt = -Infinity;

  constructor(private readonly options: AuditorOptions) {
    this.outcomes = new Counter({
      name: "turingfog_signer_audits_total",
      help: "Rounds of joint training that were recomputed, by what was found",
      labelNames: ["outcome"],
      registers: [options.metrics],
    });
  }

  /** Draws what is to be audited, and begins with the first of it, unless it is at one. */
  async advance(): Promise<void> {
    await this.options.claims.readStopped();
    await this.draw();
    if (this.underWay !== undefined || performance.now() < this.retryAt) return;
    this.underWay = this.auditNext()
      .then((isWhole) => {
        if (!isWhole) this.retryAt = performance.now() + RETRY;
      })
      .catch(async (error: unknown) => {
        this.retryAt = performance.now() + RETRY;
        this.options.log.warn({ reason: reasonOf(error) }, "audit not done");
        await this.dropThread();
      })
      .finally(() => (this.underWay = undefined));
  }

  /** Resolves once nothing is under way. */
  async settled(): Promise<void> {
    await this.underWay;
  }

  async close(): Promise<void> {
    await this.dropThread();
    await this.underWay;
  }

  /** Returns what says how much of a worker's TU may be paid; undefined of an order that trains nothing. */
  async limits(): Promise<(orderId: bigint, nodeId: bigint) => AuditLimit | undefined> {
    const { claims, jobs, chain } = this.options;
    const byOrder = new Map<bigint, AuditedClaim[]>();
    for (const row of await this.rows().execute()) {
      const orderId = fromBlob(row.order_id);
      byOrder.set(orderId, [...(byOrder.get(orderId) ?? []), auditedOf(row)]);
    }
    return (orderId, nodeId) => {
      const all = byOrder.get(orderId);
      if ((all === undefined && !jobs.isGranted(orderId)) || jobs.known(orderId) === null) return undefined;
      const order = chain.order(orderId);
      const settled = order?.settledTU(nodeId) ?? 0n;
      if (claims.isStopped({ orderId, nodeId })) return { limitTU: settled, reason: "false-claim" };
      const job = jobs.known(orderId);
      if (order === undefined || job === undefined || job === null) return { limitTU: 0n, reason: "unaudited" };
      const terms = { imagesPerTU: job.imagesPerTU, rounds: BigInt(job.plan.rounds), isOver: this.isOver(order) };
      return { limitTU: auditedTU(nodeId, all ?? [], terms), reason: "unaudited" };
    };
  }

  private isOver({ endsAt, closed }: { endsAt: bigint; closed: boolean }): boolean {
    return closed || this.options.chain.blockTime() >= endsAt;
  }

  /** Decides of each claim that was taken before the last final block whether it is audited, once. */
  private async draw(): Promise<void> {
    const { chain } = this.options;
    const undecided = await this.rows().where("drawn", "is", null).where("taken_at", "<", chain.blockTime()).execute();
    for (const row of undecided) {
      const job = this.options.jobs.known(fromBlob(row.order_id));
      if (job === undefined) continue;
      const isDrawn = job !== null && (await this.isDrawn(row, BigInt(job.plan.rounds)));
      step("signer.audit.before-draw");
      await this.change(row, { drawn: isDrawn ? 1n : 0n });
      step("signer.audit.drawn");
    }
    await this.drawLast();
  }

  private async isDrawn(row: ClaimRow, rounds: bigint): Promise<boolean> {
    const { draws, chain, interval, oneIn } = this.options;
    const [orderId, nodeId] = [fromBlob(row.order_id), fromBlob(row.node_id)];
    const own = this.rows().where("order_id", "=", row.order_id).where("node_id", "=", row.node_id);
    if ((await own.where("round", "<", row.round).limit(FIRST).execute()).length < FIRST) return true;
    const isZero = Buffer.compare(row.start_hash, row.end_hash) === 0;
    const same = this.rows().where("order_id", "=", row.order_id).where("end_hash", "=", row.end_hash);
    if (isZero || (await same.limit(2).execute()).length > 1) return true;
    if (row.round === rounds) return true;
    const what = `audit ${orderId} ${nodeId} ${row.round}`;
    return draws.isDrawn(chain.blockTime() / interval, what, chain.block().hash, oneIn);
  }

  /** Draws the last claim of each worker of an order that has ended, which decides the rest. */
  private async drawLast(): Promise<void> {
    const rows = await this.rows().orderBy("round").execute();
    const last = new Map(rows.map((row) => [`${fromBlob(row.order_id)} ${fromBlob(row.node_id)}`, row]));
    for (const row of last.values()) {
      const order = this.options.chain.order(fromBlob(row.order_id));
      if (row.drawn === 0n && order !== undefined && this.isOver(order)) await this.change(row, { drawn: 1n });
    }
  }

  /** Recomputes the first claim that waits for it and can be. Returns false if none can be. */
  private async auditNext(): Promise<boolean> {
    const { claims, jobs, log } = this.options;
    for (const { order_id } of await this.rows().where("drawn", "is", null).execute())
      await jobs.job(fromBlob(order_id));
    const waiting = await this.rows().where("drawn", "=", 1n).where("outcome", "is", null).orderBy("round").execute();
    for (const row of waiting) {
      const [orderId, nodeId] = [fromBlob(row.order_id), fromBlob(row.node_id)];
      if (claims.isStopped({ orderId, nodeId })) continue;
      const job = await jobs.job(orderId);
      const outcome = job && (await this.recompute(row, job));
      if (outcome === undefined) continue;
      step("signer.audit.before-outcome");
      await this.change(row, { outcome });
      step("signer.audit.outcome-stored");
      this.outcomes.inc({ outcome });
      await claims.readStopped();
      const told = { orderId: String(orderId), nodeId: String(nodeId), round: String(row.round), outcome };
      if (outcome === RIGHT) log.debug(told, "round audited");
      else log.warn(told, "claim is false");
      return true;
    }
    return waiting.length === 0;
  }

  /** Returns what was found; undefined if the weights that the round began with cannot be had at present. */
  private async recompute(row: ClaimRow, job: AuditedJob): Promise<string | undefined> {
    const claim = claimOf(row);
    const { orderId, nodeId, round, startHash } = claim;
    const thread = await this.threadOf(orderId, job);
    const beginning = await thread.run("start", {});
    if (round === 1n && startHash !== beginning) return "startHash";
    const file = path.join(job.weights, `${startHash.slice(2)}.bin`);
    const bytes = 4 * parametersOf(shapesOf(job.plan.model)).reduce((sum, { length }) => sum + length, 0);
    const what = { path: `weights/${startHash}`, hash: startHash, maxBytes: bytes };
    if (!existsSync(file) && !(await this.options.source.get({ orderId, first: nodeId }, what, file))) return undefined;
    const [problem] = await thread.run("verify", { claim });
    return problem === undefined ? RIGHT : problem.what;
  }

  private async threadOf(orderId: bigint, job: AuditedJob): Promise<TrainerThread> {
    if (this.thread?.orderId === orderId) return this.thread.thread;
    await this.dropThread();
    await mkdir(job.weights, { recursive: true, mode: 0o700 });
    this.thread = { orderId, thread: new TrainerThread(job, job.input, job.weights) };
    return this.thread.thread;
  }

  private async dropThread(): Promise<void> {
    await this.thread?.thread.close();
    this.thread = undefined;
  }

  private rows() {
    return this.options.db.selectFrom("round_claims").selectAll();
  }

  private async change({ order_id, node_id, round }: ClaimRow, change: { drawn?: bigint; outcome?: string }) {
    await this.options.db
      .updateTable("round_claims")
      .set(change)
      .where("order_id", "=", order_id)
      .where("node_id", "=", node_id)
      .where("round", "=", round)
      .execute();
  }
}

function auditedOf(row: ClaimRow): AuditedClaim {
  const { round, images, drawn, outcome } = row;
  const decided = outcome === RIGHT ? "right" : "false";
  const audit = drawn === 0n ? "not-drawn" : outcome === null ? "waiting" : decided;
  const hashes = { startHash: fromBytes(row.start_hash), endHash: fromBytes(row.end_hash) };
  return { nodeId: fromBlob(row.node_id), round, ...hashes, images, audit };
}
