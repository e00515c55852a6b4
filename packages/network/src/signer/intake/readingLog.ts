import type { Kysely, Selectable, Transaction } from "kysely";

import type { Reading, Signed } from "@turingfog/sdk/wire";
import { BulkInsert, fromBlob, fromBytes, toBlob, toBytes } from "../../store/index.js";
import type { RuledReading } from "../rules/index.js";
import type { IntakeTables, ReadingRow } from "./tables.js";

const COLUMNS = [
  ...(["order_id", "node_id", "sequence", "cumulative_tu", "measured_at", "evidence", "previous", "digest"] as const),
  ...(["signature", "meter_key"] as const),
];

/** The last reading of a chain, as far as the next one depends on it. */
export interface Head {
  sequence: bigint;
  digest: string;
  cumulativeTU: bigint;
  measuredAt: bigint;
}

/** Who writes a chain of readings: a node on an order. */
export interface Author {
  orderId: bigint;
  nodeId: bigint;
}

/** The readings that are stored, by their authors. */
export class ReadingLog {
  private readonly bulk = new BulkInsert<IntakeTables, ReadingRow>("readings", COLUMNS);

  constructor(private readonly db: Kysely<IntakeTables>) {}

  /** @throws an error of the store, for which `isUniqueViolation` holds if there is a reading of the same sequence */
  insert(transaction: Transaction<IntakeTables>, rows: readonly ReadingRow[]): Promise<void> {
    return this.bulk.execute(transaction, rows);
  }

  async head(author: Author): Promise<Head | undefined> {
    const row = await this.chainQuery(author).orderBy("sequence", "desc").limit(1).executeTakeFirst();
    return row === undefined ? undefined : headOf(row);
  }

  async at(author: Author, sequence: bigint): Promise<ReadingRow | undefined> {
    return this.chainQuery(author).where("sequence", "=", sequence).executeTakeFirst();
  }

  /** Returns readings of an author, from the one after a sequence on. */
  async after(author: Author, sequence: bigint, most: number): Promise<Signed<Reading>[]> {
    const rows = await this.chainQuery(author)
      .where("sequence", ">", sequence)
      .orderBy("sequence")
      .limit(most)
      .execute();
    return rows.map(readingOf);
  }

  /** Returns all readings of an author, in the form that the rules of metering take. */
  async chain(author: Author): Promise<RuledReading[]> {
    const rows = await this.chainQuery(author).orderBy("sequence").execute();
    return rows.map((row) => ({
      sequence: row.sequence,
      cumulativeTU: fromBlob(row.cumulative_tu),
      measuredAt: row.measured_at,
      evidence: fromBytes(row.evidence),
      digest: fromBytes(row.digest),
      previous: fromBytes(row.previous),
      meterKey: fromBytes(row.meter_key),
    }));
  }

  /** Returns the evidence of the last readings of an author, the last one first. */
  async evidence(author: Author, most: number): Promise<string[]> {
    const rows = await this.chainQuery(author).orderBy("sequence", "desc").limit(most).execute();
    return rows.map((row) => fromBytes(row.evidence));
  }

  /** Returns the last reading of an author. */
  async last(author: Author): Promise<Signed<Reading> | undefined> {
    const row = await this.chainQuery(author).orderBy("sequence", "desc").limit(1).executeTakeFirst();
    return row === undefined ? undefined : readingOf(row);
  }

  private chainQuery({ orderId, nodeId }: Author) {
    return this.db
      .selectFrom("readings")
      .selectAll()
      .where("order_id", "=", toBlob(orderId))
      .where("node_id", "=", toBlob(nodeId));
  }
}

export function headOf({ sequence, digest, cumulative_tu, measured_at }: Selectable<ReadingRow>): Head {
  return { sequence, digest: fromBytes(digest), cumulativeTU: fromBlob(cumulative_tu), measuredAt: measured_at };
}

/** Returns a reading as it was sent. */
export function readingOf(row: ReadingRow): Signed<Reading> {
  return {
    orderId: fromBlob(row.order_id),
    nodeId: fromBlob(row.node_id),
    sequence: row.sequence,
    cumulativeTU: fromBlob(row.cumulative_tu),
    measuredAt: row.measured_at,
    evidence: fromBytes(row.evidence),
    previous: fromBytes(row.previous),
    signature: fromBytes(row.signature),
  };
}

export function rowOf(
  reading: Signed<Reading>,
  digest: Uint8Array,
  signature: Uint8Array,
  meterKey: string,
): ReadingRow {
  return {
    order_id: toBlob(reading.orderId),
    node_id: toBlob(reading.nodeId),
    sequence: reading.sequence,
    cumulative_tu: toBlob(reading.cumulativeTU),
    measured_at: reading.measuredAt,
    evidence: toBytes(reading.evidence),
    previous: toBytes(reading.previous),
    digest,
    signature,
    meter_key: toBytes(meterKey),
  };
}
