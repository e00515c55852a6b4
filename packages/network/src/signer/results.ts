import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import path from "node:path";

import { EVIDENCE } from "@turingfog/sdk/wire";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { ColumnDefinitionBuilder, Kysely } from "kysely";
import type { Logger } from "pino";

import { RefusedError } from "../http/index.js";
import { type Clock, step } from "../runtime/index.js";
import { fromBlob, fromBytes, type Migrations, toBlob, toBytes } from "../store/index.js";

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

const NO_RESULT = `0x${"00".repeat(32)}`;

interface Author {
  orderId: bigint;
  nodeId: bigint;
}

export interface ResultsOptions {
  db: Kysely<ResultTables>;
  folder: string;
  /** The most bytes of a result. */
  maxBytes: number;
  /** Says whether a stored reading names an evidence. */
  isNamed: (author: Author, evidence: string) => Promise<boolean>;
  clock: Clock;
  log: Logger;
}

/** The results of orders, as ciphertexts: those alone that a stored reading names, so that nobody fills the disk. */
export class Results {
  constructor(private readonly options: ResultsOptions) {}

  addRoutes(server: FastifyInstance): void {
    server.put("/v1/orders/:orderId/log", async (request) => {
      await this.takeLines(authorOf(request), request.body);
      return {};
    });
    const expected = async (request: FastifyRequest) => {
      // refused before its body is read
      await this.expected(authorOf(request));
    };
    server.put(
      "/v1/orders/:orderId/result",
      { bodyLimit: this.options.maxBytes, onRequest: expected },
      async (request) => {
        await this.takeResult(authorOf(request), request.body);
        return {};
      },
    );
    server.get("/v1/orders/:orderId/result", async (request, reply) => {
      const row = await this.latest(authorOf(request));
      return reply
        .type("application/octet-stream")
        .header("content-length", String(row.bytes))
        .send(createReadStream(this.pathOf(fromBytes(row.hash))));
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
    for (const { hash } of rows) {
      await db.updateTable("results").set({ gone: 1n }).where("hash", "=", hash).execute();
      await rm(this.pathOf(fromBytes(hash)), { force: true });
      log.info({ result: fromBytes(hash) }, "result deleted");
    }
  }

  /** Takes lines of evidence, each with a line break or none at the end. */
  private async takeLines(author: Author, body: unknown): Promise<void> {
    const { db, isNamed } = this.options;
    const text = Buffer.isBuffer(body) ? body.toString() : "";
    const lines = text.replace(/\n$/, "").split("\n");
    const rows = lines.map((line) => {
      const { result } = EVIDENCE.decode(line);
      return { ...keyOf(author), hash: toBytes(sha256(line)), result: toBytes(result) };
    });
    for (const { hash } of rows) {
      if (await isNamed(author, fromBytes(hash))) continue;
      throw new RefusedError(404, "unknown-evidence", `No reading of the node on the order names ${fromBytes(hash)}`);
    }
    step("signer.evidence.before-store");
    await db
      .insertInto("evidence_lines")
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    step("signer.evidence.stored");
  }

  private async takeResult(author: Author, body: unknown): Promise<void> {
    const { db, clock, folder } = this.options;
    const bytes = Buffer.isBuffer(body) ? body : Buffer.alloc(0);
    const hash = sha256(bytes);
    if (!(await this.expected(author)).has(hash)) {
      throw new RefusedError(404, "other-result", `No evidence of the node on the order names ${hash}`);
    }
    if (await this.wasTaken(author, hash)) return;
    await mkdir(folder, { recursive: true });
    step("signer.result.before-store");
    const handle = await open(`${this.pathOf(hash)}.part`, "w", 0o600);
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(`${this.pathOf(hash)}.part`, this.pathOf(hash));
    await db
      .insertInto("results")
      .values({
        ...keyOf(author),
        hash: toBytes(hash),
        bytes: BigInt(bytes.length),
        stored_at: clock.now(),
        gone: 0n,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    step("signer.result.stored");
  }

  /** Says whether a result is here, or was until its time was over. */
  private async wasTaken(author: Author, hash: string): Promise<boolean> {
    const { order_id, node_id } = keyOf(author);
    const row = await this.options.db
      .selectFrom("results")
      .select("gone")
      .where("order_id", "=", order_id)
      .where("node_id", "=", node_id)
      .where("hash", "=", toBytes(hash))
      .executeTakeFirst();
    return row !== undefined;
  }

  /**
   * Returns the results that evidence names.
   * @throws RefusedError if there are none
   */
  private async expected(author: Author): Promise<Set<string>> {
    const { db } = this.options;
    const { order_id, node_id } = keyOf(author);
    const named = await db
      .selectFrom("evidence_lines")
      .select("result")
      .where("order_id", "=", order_id)
      .where("node_id", "=", node_id)
      .execute();
    const expected = new Set(named.map(({ result }) => fromBytes(result)));
    expected.delete(NO_RESULT);
    if (expected.size > 0) return expected;
    throw new RefusedError(
      404,
      "no-result-named",
      "No evidence of the node on the order names a result: send it first",
    );
  }

  private async latest(author: Author) {
    const { order_id, node_id } = keyOf(author);
    const row = await this.options.db
      .selectFrom("results")
      .selectAll()
      .where("order_id", "=", order_id)
      .where("node_id", "=", node_id)
      .where("gone", "=", 0n)
      .orderBy("stored_at", "desc")
      .limit(1)
      .executeTakeFirst();
    if (row === undefined) throw new RefusedError(404, "no-result", "There is no result of the node on the order");
    return row;
  }

  private pathOf(hash: string): string {
    return path.join(this.options.folder, hash);
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
