import type { Kysely } from "kysely";

import type { Acknowledgement, Reading, Signed } from "@turingfog/sdk/wire";
import type { ChainTables } from "../chain/index.js";
import { step } from "../runtime/index.js";
import { fromBlob, fromBytes, isUniqueViolation, type Migrations, toBlob, toBytes } from "../store/index.js";

/** What a node keeps. */
export interface NodeTables extends ChainTables {
  node_orders: {
    order_id: Uint8Array;
    job_hash: Uint8Array;
    /** The age identity of the job's key; empty until it was granted. */
    identity: string;
    /** Why the order is not worked on; empty if nothing stands against it. */
    refusal: string;
    /** The SHA-256 of the result's ciphertext; null as long as there is none. */
    result: Uint8Array | null;
  };
  node_readings: {
    order_id: Uint8Array;
    sequence: bigint;
    measured_at: bigint;
    cumulative_tu: Uint8Array;
    evidence: Uint8Array;
    previous: Uint8Array;
    digest: Uint8Array;
    signature: Uint8Array;
    /** The line that the evidence is the hash of; empty of a reading that only a signer has kept. */
    line: string;
  };
  /** The last reading of an order that a signer has acknowledged. */
  node_deliveries: { signer: string; order_id: Uint8Array; sequence: bigint };
  node_acknowledgements: { order_id: Uint8Array; cumulative_tu: Uint8Array; signature: Uint8Array };
}

export const NODE_MIGRATIONS: Migrations = {
  "node-1": async (db, { blob, integer, text }) => {
    await db.schema
      .createTable("node_orders")
      .addColumn("order_id", blob, (column) => column.primaryKey().notNull())
      .addColumn("job_hash", blob, (column) => column.notNull())
      .addColumn("identity", text, (column) => column.notNull())
      .addColumn("refusal", text, (column) => column.notNull())
      .addColumn("result", blob)
      .execute();
    await db.schema
      .createTable("node_readings")
      .addColumn("order_id", blob, (column) => column.notNull())
      .addColumn("sequence", integer, (column) => column.notNull())
      .addColumn("measured_at", integer, (column) => column.notNull())
      .addColumn("cumulative_tu", blob, (column) => column.notNull())
      .addColumn("evidence", blob, (column) => column.notNull())
      .addColumn("previous", blob, (column) => column.notNull())
      .addColumn("digest", blob, (column) => column.notNull())
      .addColumn("signature", blob, (column) => column.notNull())
      .addColumn("line", text, (column) => column.notNull())
      .addPrimaryKeyConstraint("node_readings_key", ["order_id", "sequence"])
      .execute();
    await db.schema
      .createTable("node_deliveries")
      .addColumn("signer", text, (column) => column.notNull())
      .addColumn("order_id", blob, (column) => column.notNull())
      .addColumn("sequence", integer, (column) => column.notNull())
      .addPrimaryKeyConstraint("node_deliveries_key", ["signer", "order_id"])
      .execute();
    await db.schema
      .createTable("node_acknowledgements")
      .addColumn("order_id", blob, (column) => column.primaryKey().notNull())
      .addColumn("cumulative_tu", blob, (column) => column.notNull())
      .addColumn("signature", blob, (column) => column.notNull())
      .execute();
  },
};

export const NODE_STORE_STEPS = [
  "node.order.before-store",
  "node.order.stored",
  "node.reading.before-store",
  "node.reading.stored",
  "node.delivery.before-store",
  "node.delivery.stored",
  "node.acknowledgement.before-store",
  "node.acknowledgement.stored",
] as const;

/** An order as the node has it. */
export interface KeptOrder {
  orderId: bigint;
  jobHash: string;
  identity: string;
  refusal: string;
  /** Undefined as long as there is none. */
  result?: string;
}

/** A reading with its digest and the line that is its evidence. */
export interface KeptReading {
  reading: Signed<Reading>;
  digest: string;
  line: string;
}

/** How far an order has come, and how far a signer has it, by the sequences of its readings; 0 if a signer has none. */
export interface Delivery {
  orderId: bigint;
  last: bigint;
  delivered: bigint;
}

/** What a node writes down before it acts on it. */
export class NodeStore {
  constructor(
    private readonly db: Kysely<NodeTables>,
    private readonly nodeId: bigint,
  ) {}

  /** Takes an order on, unless it was. */
  async take(orderId: bigint, jobHash: string): Promise<void> {
    if ((await this.order(orderId)) !== undefined) return;
    step("node.order.before-store");
    await this.db
      .insertInto("node_orders")
      .values({ order_id: toBlob(orderId), job_hash: toBytes(jobHash), identity: "", refusal: "", result: null })
      .execute();
    step("node.order.stored");
  }

  /** Returns the orders of a job that nothing stands against, in ascending order. */
  async ordersOf(jobHash: string): Promise<bigint[]> {
    const rows = await this.db
      .selectFrom("node_orders")
      .select("order_id")
      .where("job_hash", "=", toBytes(jobHash))
      .where("refusal", "=", "")
      .orderBy("order_id")
      .execute();
    return rows.map(({ order_id }) => fromBlob(order_id));
  }

  /** Returns the orders that were taken on, the oldest place first. */
  async orderIds(): Promise<bigint[]> {
    const rows = await this.db.selectFrom("node_orders").select("order_id").orderBy("order_id").execute();
    return rows.map(({ order_id }) => fromBlob(order_id));
  }

  async order(orderId: bigint): Promise<KeptOrder | undefined> {
    const row = await this.db
      .selectFrom("node_orders")
      .selectAll()
      .where("order_id", "=", toBlob(orderId))
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const { identity, refusal, result } = row;
    const hash = result === null ? undefined : fromBytes(result);
    return { orderId, jobHash: fromBytes(row.job_hash), identity, refusal, result: hash };
  }

  async change(orderId: bigint, change: { identity?: string; refusal?: string; result?: string }): Promise<void> {
    const { result, ...texts } = change;
    step("node.order.before-store");
    await this.db
      .updateTable("node_orders")
      .set(result === undefined ? texts : { ...texts, result: toBytes(result) })
      .where("order_id", "=", toBlob(orderId))
      .execute();
    step("node.order.stored");
  }

  /** Returns the readings of an order after a sequence, ascending. */
  async readings(orderId: bigint, after: bigint, most: number): Promise<KeptReading[]> {
    const rows = await this.db
      .selectFrom("node_readings")
      .selectAll()
      .where("order_id", "=", toBlob(orderId))
      .where("sequence", ">", after)
      .orderBy("sequence")
      .limit(most)
      .execute();
    return rows.map((row) => this.keptOf(row));
  }

  async lastReading(orderId: bigint): Promise<KeptReading | undefined> {
    const row = await this.db
      .selectFrom("node_readings")
      .selectAll()
      .where("order_id", "=", toBlob(orderId))
      .orderBy("sequence", "desc")
      .limit(1)
      .executeTakeFirst();
    return row && this.keptOf(row);
  }

  async reading(orderId: bigint, sequence: bigint): Promise<KeptReading | undefined> {
    const [found] = await this.readings(orderId, sequence - 1n, 1);
    return found?.reading.sequence === sequence ? found : undefined;
  }

  /** Returns the orders that have readings, each with its last one, and the last one that a signer has acknowledged. */
  async deliveries(signer: string): Promise<Delivery[]> {
    const rows = await this.db
      .selectFrom("node_readings")
      .leftJoin("node_deliveries", (join) =>
        join.onRef("node_deliveries.order_id", "=", "node_readings.order_id").on("node_deliveries.signer", "=", signer),
      )
      .select("node_readings.order_id")
      .select(({ fn }) => [
        fn.max("node_readings.sequence").as("last"),
        fn.max("node_deliveries.sequence").as("delivered"),
      ])
      .groupBy("node_readings.order_id")
      .execute();
    return rows.map(({ order_id, last, delivered }) => ({
      orderId: fromBlob(order_id),
      last,
      delivered: delivered ?? 0n,
    }));
  }

  /**
   * Writes a reading down, before anybody hears of it.
   * @returns false if there is one of that sequence, which then is the only one ever
   */
  async addReading({ reading, digest, line }: KeptReading): Promise<boolean> {
    step("node.reading.before-store");
    try {
      await this.db
        .insertInto("node_readings")
        .values({
          order_id: toBlob(reading.orderId),
          sequence: reading.sequence,
          measured_at: reading.measuredAt,
          cumulative_tu: toBlob(reading.cumulativeTU),
          evidence: toBytes(reading.evidence),
          previous: toBytes(reading.previous),
          digest: toBytes(digest),
          signature: toBytes(reading.signature),
          line,
        })
        .execute();
    } catch (error) {
      if (isUniqueViolation(error)) return false;
      throw error;
    }
    step("node.reading.stored");
    return true;
  }

  /** Returns the sequence of the last reading of an order that a signer has acknowledged; 0 if none. */
  async delivered(signer: string, orderId: bigint): Promise<bigint> {
    const row = await this.db
      .selectFrom("node_deliveries")
      .select("sequence")
      .where("signer", "=", signer)
      .where("order_id", "=", toBlob(orderId))
      .executeTakeFirst();
    return row?.sequence ?? 0n;
  }

  async setDelivered(signer: string, orderId: bigint, sequence: bigint): Promise<void> {
    step("node.delivery.before-store");
    await this.db
      .insertInto("node_deliveries")
      .values({ signer, order_id: toBlob(orderId), sequence })
      .onConflict((conflict) => conflict.columns(["signer", "order_id"]).doUpdateSet({ sequence }))
      .execute();
    step("node.delivery.stored");
  }

  /** Returns the highest sequence of an order that any signer has acknowledged; 0 if none. */
  async deliveredToAny(orderId: bigint): Promise<bigint> {
    const row = await this.db
      .selectFrom("node_deliveries")
      .select((row) => row.fn.max("sequence").as("sequence"))
      .where("order_id", "=", toBlob(orderId))
      .executeTakeFirst();
    return row?.sequence ?? 0n;
  }

  /**
   * Keeps an acknowledgement, unless the one that is kept is of as much.
   * @param counts says whether the kept one still counts: its order may have been passed on
   */
  async acknowledge(
    { orderId, cumulativeTU, signature }: Acknowledgement,
    counts: (kept: Acknowledgement) => boolean,
  ): Promise<void> {
    const kept = await this.acknowledgement(orderId);
    if (kept !== undefined && kept.cumulativeTU >= cumulativeTU && counts(kept)) return;
    const values = { cumulative_tu: toBlob(cumulativeTU), signature: toBytes(signature) };
    step("node.acknowledgement.before-store");
    await this.db
      .insertInto("node_acknowledgements")
      .values({ order_id: toBlob(orderId), ...values })
      .onConflict((conflict) => conflict.column("order_id").doUpdateSet(values))
      .execute();
    step("node.acknowledgement.stored");
  }

  async acknowledgement(orderId: bigint): Promise<Acknowledgement | undefined> {
    return (await this.acknowledgements()).find((each) => each.orderId === orderId);
  }

  async acknowledgements(): Promise<Acknowledgement[]> {
    const rows = await this.db.selectFrom("node_acknowledgements").selectAll().execute();
    return rows.map(({ order_id, cumulative_tu, signature }) => ({
      orderId: fromBlob(order_id),
      cumulativeTU: fromBlob(cumulative_tu),
      signature: fromBytes(signature),
    }));
  }

  private keptOf(row: NodeTables["node_readings"]): KeptReading {
    const reading = {
      orderId: fromBlob(row.order_id),
      nodeId: this.nodeId,
      sequence: row.sequence,
      cumulativeTU: fromBlob(row.cumulative_tu),
      measuredAt: row.measured_at,
      evidence: fromBytes(row.evidence),
      previous: fromBytes(row.previous),
      signature: fromBytes(row.signature),
    };
    return { reading, digest: fromBytes(row.digest), line: row.line };
  }
}
