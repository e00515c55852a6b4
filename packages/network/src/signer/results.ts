import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import type { Readable } from "node:stream";

import { EVIDENCE } from "@turingfog/sdk/wire";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ColumnDefinitionBuilder, Kysely } from "kysely";
import type { Logger } from "pino";

import { LIMITS, RefusedError, senderOf } from "../http/index.js";
import { type Clock, reasonOf, step } from "../runtime/index.js";
import { fromBlob, fromBytes, type Migrations, toBlob, toBytes } from "../store/index.js";
import { Senders } from "./senders.js";

declare module "fastify" {
  interface FastifyContextConfig {
    /** Whether it takes results, which have a time limit of their own. */
    isResult?: true;
  }
}

/** The lines behind readings, and the results that they name. */
export interface ResultTables {
  evidence_lines: { order_id: Uint8Array; node_id: Uint8Array; hash: Uint8Array; result: Uint8Array };
  results: {
    order_id: Uint8Array;
    node_id: Uint8Array;
    hash: Uint8Array;
    bytes: bigint;
    stored_at: bigint;
    /** 1 once the file was deleted; that it was there still counts. */
    gone: bigint;
  };
}

const required = (column: ColumnDefinitionBuilder) => column.notNull();

export const RESULT_MIGRATIONS: Migrations = {
  "results-1": async (db, { blob, integer }) => {
    await db.schema
      .createTable("evidence_lines")
      .addColumn("order_id", blob, required)
      .addColumn("node_id", blob, required)
      .addColumn("hash", blob, required)
      .addColumn("result", blob, required)
      .addPrimaryKeyConstraint("evidence_lines_key", ["order_id", "node_id", "hash"])
      .execute();
    await db.schema
      .createTable("results")
      .addColumn("order_id", blob, required)
      .addColumn("node_id", blob, required)
      .addColumn("hash", blob, required)
      .addColumn("bytes", integer, required)
      .addColumn("stored_at", integer, required)
      .addColumn("gone", integer, required)
      .addPrimaryKeyConstraint("results_key", ["order_id", "node_id", "hash"])
      .execute();
  },
};

export const RESULT_STEPS = [
  "signer.evidence.before-store",
  "signer.evidence.stored",
  "signer.result.before-store",
  "signer.result.stored",
] as const;

/** Seconds for which a result is kept. */
const KEPT = 14n * 86_400n;

/** The most lines of evidence in one request, and how far back the readings may be that name them. */
const MAX_LINES = 256;

/** Results that are taken at a time: of one sender, and in all. */
const PER_SENDER = 2;
const IN_ALL = 32;

/** Bytes a second at which a result must come at least, after the time that every request has. */
const LEAST_SPEED = 65_536;

/** What a refused log or result costs its sender: the one is looked for among many, the other written to the disk. */
const COST = 64;

const NO_RESULT = `0x${"00".repeat(32)}`;

/** Closes a connection whose request does not come in time. */
function limitTime({ raw, method }: FastifyRequest, milliseconds: number): void {
  if (method === "GET") return;
  const late = setTimeout(() => raw.destroy(), milliseconds).unref();
  raw.once("end", () => clearTimeout(late)).once("close", () => clearTimeout(late));
}

/** Gives every request but a result, which has a timer of its own, the time that a body has. */
export async function limitOthers(request: FastifyRequest): Promise<void> {
  if (request.routeOptions.config.isResult !== true) limitTime(request, LIMITS.body);
}

/** Milliseconds in which a result of some length must be there. */
export function resultTime(bytes: number): number {
  return LIMITS.body + (bytes / LEAST_SPEED) * 1_000;
}

interface Author {
  orderId: bigint;
  nodeId: bigint;
}

export interface ResultsOptions {
  db: Kysely<ResultTables>;
  folder: string;
  /** The most bytes of a result. */
  maxBytes: number;
  /** Returns the evidence of the last readings of an author that are stored, the last one first. */
  evidence: (author: Author, most: number) => Promise<string[]>;
  /** Checks that there is room to store a result. */
  checkDisk: () => Promise<void>;
  clock: Clock;
  log: Logger;
}

/**
 * The results of orders, as ciphertexts: of each node on an order the one alone that its last stored reading names, so that
 * nobody fills the disk.
 */
export class Results {
  private readonly senders = new Senders();
  private readonly uploads = new Map<string, number>();
  private isReady?: Promise<void>;

  constructor(private readonly options: ResultsOptions) {}

  addRoutes(server: FastifyInstance): void {
    const onRequest = async (request: FastifyRequest) => this.senders.check(request);
    server.put("/v1/orders/:orderId/log", { onRequest }, async (request) => {
      await this.charged(request, () => this.takeLines(authorOf(request), request.body));
      return {};
    });
    server.get("/v1/orders/:orderId/result", async (request, reply) => {
      const row = await this.latest(authorOf(request));
      return reply
        .type("application/octet-stream")
        .header("content-length", String(row.bytes))
        .send(createReadStream(this.pathOf(row)));
    });
    void server.register(async (scope) => {
      scope.removeAllContentTypeParsers();
      scope.addContentTypeParser("*", (_, body, done) => done(null, body));
      const settings = { bodyLimit: this.options.maxBytes, onRequest, config: { isResult: true as const } };
      scope.put("/v1/orders/:orderId/result", settings, (request) =>
        this.charged(request, () => this.receive(request)),
      );
    });
  }

  /** Returns what says whether the result that an evidence names is or was here. */
  async known(): Promise<(author: Author, evidence: string) => boolean> {
    const rows = await this.options.db
      .selectFrom("evidence_lines")
      .innerJoin("results", (join) =>
        join
          .onRef("results.order_id", "=", "evidence_lines.order_id")
          .onRef("results.node_id", "=", "evidence_lines.node_id")
          .onRef("results.hash", "=", "evidence_lines.result"),
      )
      .select(["evidence_lines.order_id", "evidence_lines.node_id", "evidence_lines.hash"])
      .execute();
    const keys = new Set(
      rows.map((row) => `${fromBlob(row.order_id)} ${fromBlob(row.node_id)} ${fromBytes(row.hash)}`),
    );
    return ({ orderId, nodeId }, evidence) => keys.has(`${orderId} ${nodeId} ${evidence}`);
  }

  /** Deletes results that were kept long enough. */
  async prune(): Promise<void> {
    const { db, clock, log } = this.options;
    const rows = await db
      .selectFrom("results")
      .selectAll()
      .where("gone", "=", 0n)
      .where("stored_at", "<=", clock.now() - KEPT)
      .execute();
    for (const row of rows) {
      await this.forget(row);
      log.info({ result: fromBytes(row.hash) }, "result deleted");
    }
  }

  /** Takes lines of evidence, each with a line break or none at the end. */
  private async takeLines(author: Author, body: unknown): Promise<void> {
    const { db, evidence } = this.options;
    const text = Buffer.isBuffer(body) ? body.toString() : "";
    const lines = new Set(text.replace(/\n$/, "").split("\n"));
    if (lines.size > MAX_LINES) {
      throw new RefusedError(413, "too-many-lines", `${lines.size} lines were sent, at most ${MAX_LINES} are taken`);
    }
    const named = new Set(await evidence(author, MAX_LINES));
    const rows = [...lines].map((line) => ({
      ...keyOf(author),
      hash: toBytes(sha256(line)),
      result: toBytes(EVIDENCE.decode(line).result),
    }));
    for (const hash of rows.map((row) => fromBytes(row.hash))) {
      if (named.has(hash)) continue;
      throw new RefusedError(404, "unknown-evidence", `No late reading of the node on the order names ${hash}`);
    }
    step("signer.evidence.before-store");
    await db
      .insertInto("evidence_lines")
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    step("signer.evidence.stored");
  }

  /** Receives a result piece by piece, and keeps it if it is the one that is expected. */
  private async receive(request: FastifyRequest): Promise<object> {
    const author = authorOf(request);
    const { maxBytes, checkDisk } = this.options;
    const hash = await this.expected(author);
    const length = Number(request.headers["content-length"] ?? maxBytes);
    limitTime(request, resultTime(length));
    if (await this.wasTaken(author, hash)) {
      // a sender that is cut off would send it again
      (request.body as Readable).resume();
      return {};
    }
    await checkDisk().catch((error: unknown) => {
      throw new RefusedError(
        503,
        "disk-full",
        `The signer's disk is too full, send it again later: ${reasonOf(error)}`,
      );
    });
    await this.counted(senderOf(request.ip), async () => {
      await this.takeResult(author, hash, request.body as AsyncIterable<Uint8Array>);
    });
    return {};
  }

  private async takeResult(author: Author, hash: string, body: AsyncIterable<Uint8Array>): Promise<void> {
    const { db, clock, folder } = this.options;
    await (this.isReady ??= this.prepare());
    const temporary = path.join(folder, `${randomUUID()}.part`);
    try {
      const { bytes, actual } = await this.write(temporary, body);
      if (actual !== hash)
        throw new RefusedError(404, "other-result", `The result is ${actual}, the last reading's ${hash}`);
      const row = { ...keyOf(author), hash: toBytes(hash) };
      const older = await this.ofAuthor(author);
      step("signer.result.before-store");
      await rename(temporary, this.pathOf(row));
      await db
        .insertInto("results")
        .values({ ...row, bytes, stored_at: clock.now(), gone: 0n })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      step("signer.result.stored");
      for (const each of older) if (fromBytes(each.hash) !== hash) await this.forget(each);
    } finally {
      await rm(temporary, { force: true });
    }
  }

  /** Writes a body to a new file, no more than the most bytes of a result. */
  private async write(file: string, body: AsyncIterable<Uint8Array>): Promise<{ bytes: bigint; actual: string }> {
    const { maxBytes } = this.options;
    const digest = createHash("sha256");
    const handle = await open(file, "wx", 0o600);
    let bytes = 0;
    try {
      for await (const chunk of body) {
        bytes += chunk.length;
        if (bytes > maxBytes) throw new RefusedError(413, "too-large", `At most ${maxBytes} bytes are taken`);
        digest.update(chunk);
        await handle.writeFile(chunk);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    return { bytes: BigInt(bytes), actual: `0x${digest.digest("hex")}` };
  }

  /** Returns the result that the evidence of the last reading names. */
  private async expected(author: Author): Promise<string> {
    const { db, evidence } = this.options;
    const { order_id, node_id } = keyOf(author);
    const [last] = await evidence(author, 1);
    const line =
      last === undefined
        ? undefined
        : await db
            .selectFrom("evidence_lines")
            .select("result")
            .where("order_id", "=", order_id)
            .where("node_id", "=", node_id)
            .where("hash", "=", toBytes(last))
            .executeTakeFirst();
    const result = line === undefined ? NO_RESULT : fromBytes(line.result);
    if (result !== NO_RESULT) return result;
    throw new RefusedError(
      404,
      "no-result-named",
      "No evidence of the node's last reading on the order names a result: send it first",
    );
  }

  /** Says whether a result is here, or was until its time was over. */
  private async wasTaken(author: Author, hash: string): Promise<boolean> {
    return (await this.ofAuthor(author, [0n, 1n])).some((row) => fromBytes(row.hash) === hash);
  }

  /** Returns the results of an author, those alone that are still here if nothing else is asked for. */
  private ofAuthor(author: Author, gone: readonly bigint[] = [0n]): Promise<ResultTables["results"][]> {
    const { order_id, node_id } = keyOf(author);
    return this.options.db
      .selectFrom("results")
      .selectAll()
      .where("order_id", "=", order_id)
      .where("node_id", "=", node_id)
      .where("gone", "in", gone)
      .orderBy("stored_at", "desc")
      .execute();
  }

  /** Deletes a result, of which it stays known that it was here. */
  private async forget(row: ResultTables["results"]): Promise<void> {
    await this.options.db
      .updateTable("results")
      .set({ gone: 1n })
      .where("order_id", "=", row.order_id)
      .where("node_id", "=", row.node_id)
      .where("hash", "=", row.hash)
      .execute();
    await rm(this.pathOf(row), { force: true });
  }

  /** Makes the folder, and deletes what was being received when the process ended. */
  private async prepare(): Promise<void> {
    const { folder } = this.options;
    await mkdir(folder, { recursive: true });
    const left = (await readdir(folder)).filter((name) => name.endsWith(".part"));
    await Promise.all(left.map((name) => rm(path.join(folder, name), { force: true })));
  }

  /** Does some work unless a sender, or all together, have as much under way as is allowed. */
  private async counted(sender: string, work: () => Promise<void>): Promise<void> {
    const count = this.uploads.get(sender) ?? 0;
    const all = [...this.uploads.values()].reduce((sum, each) => sum + each, 0);
    if (count >= PER_SENDER || all >= IN_ALL) {
      throw new RefusedError(503, "busy", `${all} results are on their way, ${count} from this address: send it later`);
    }
    this.uploads.set(sender, count + 1);
    try {
      await work();
    } finally {
      const left = (this.uploads.get(sender) ?? 1) - 1;
      if (left === 0) this.uploads.delete(sender);
      else this.uploads.set(sender, left);
    }
  }

  /** Charges the sender for what is refused; that this signer is busy is not the sender's fault. */
  private async charged<T>(request: FastifyRequest, work: () => Promise<T>): Promise<T> {
    const sender = senderOf(request.ip);
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof RefusedError && error.status === 503)) this.senders.charge(sender, COST);
      throw error;
    }
  }

  private async latest(author: Author): Promise<ResultTables["results"]> {
    const [row] = await this.ofAuthor(author);
    if (row === undefined) throw new RefusedError(404, "no-result", "There is no result of the node on the order");
    return row;
  }

  private pathOf({ order_id, node_id, hash }: Pick<ResultTables["results"], "order_id" | "node_id" | "hash">): string {
    return path.join(this.options.folder, `${fromBlob(order_id)}-${fromBlob(node_id)}-${fromBytes(hash).slice(2)}`);
  }
}

function keyOf({ orderId, nodeId }: Author): { order_id: Uint8Array; node_id: Uint8Array } {
  return { order_id: toBlob(orderId), node_id: toBlob(nodeId) };
}

function authorOf({ params, query }: FastifyRequest): Author {
  const { orderId } = params as { orderId: string };
  const { node = "" } = query as { node?: string };
  return { orderId: integer("The order", orderId), nodeId: integer("node", node) };
}

function integer(name: string, text: string): bigint {
  const value = /^(0|[1-9][0-9]{0,77})$/.test(text) ? BigInt(text) : 2n ** 256n;
  if (value < 2n ** 256n) return value;
  throw new RefusedError(400, "bad-request", `${name} must be a decimal id`);
}

function sha256(bytes: Uint8Array | string): string {
  return `0x${createHash("sha256").update(bytes).digest("hex")}`;
}
