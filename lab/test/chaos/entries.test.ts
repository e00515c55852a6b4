import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

import { DatabaseSync } from "@photostructure/sqlite";
import { expect } from "chai";
import { id, toBeHex, TypedDataEncoder, ZeroHash } from "ethers";

import { FalseStoreError, readMeters } from "../../chaos/entries";

const [ESCROW, NODE, ORDER] = [`0x${"e5".repeat(20)}`, 7n, 5n];
const DOMAIN = { name: "TuringFog Meter", version: "1", chainId: 31_337n, verifyingContract: ESCROW };
const FIELDS = "uint256 orderId,uint256 nodeId,uint64 sequence,uint96 cumulativeTU,uint40 measuredAt,bytes32 evidence";
const READING = `${FIELDS},bytes32 previous`.split(",").map((field) => {
  const [type, name] = field.split(" ");
  return { name, type };
});
const bytes = (hex: string) => Buffer.from(hex.slice(2), "hex");

/** A node's store with readings of one order, each of which names the hash before it. */
class Store {
  private readonly database: InstanceType<typeof DatabaseSync>;

  constructor(readonly file: string) {
    this.database = new DatabaseSync(file);
    this.database.exec(
      "CREATE TABLE node_readings (order_id BLOB, sequence INTEGER, measured_at INTEGER, cumulative_tu BLOB, evidence BLOB, " +
        "previous BLOB, digest BLOB)",
    );
  }

  /** Adds a reading, and returns its digest. */
  add(sequence: bigint, cumulativeTU: bigint, previous: string): string {
    const measuredAt = 1_000n + sequence * 60n;
    const reading = {
      orderId: ORDER,
      nodeId: NODE,
      sequence,
      cumulativeTU,
      measuredAt,
      evidence: id("line"),
      previous,
    };
    const digest = TypedDataEncoder.hash(DOMAIN, { Reading: READING }, reading);
    this.database
      .prepare("INSERT INTO node_readings VALUES (?, ?, ?, ?, ?, ?, ?)")
      .run(
        bytes(toBeHex(ORDER, 32)),
        sequence,
        measuredAt,
        bytes(toBeHex(cumulativeTU, 32)),
        bytes(id("line")),
        bytes(previous),
        bytes(digest),
      );
    return digest;
  }

  close(): void {
    this.database.close();
  }
}

async function inStore(test: (store: Store, read: () => ReturnType<typeof readMeters>) => void): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), "turingfog-meters-"));
  const store = new Store(path.join(folder, "node.db"));
  try {
    test(store, () => readMeters(store.file, NODE, 31_337n, ESCROW));
  } finally {
    store.close();
    await rm(folder, { recursive: true });
  }
}

describe("The meters of an agent's store", () => {
  it("are read by the last reading, also behind readings that a restored store lacks", () =>
    inStore((store, read) => {
      const first = store.add(1n, 10n, ZeroHash);
      store.add(2n, 20n, first);
      store.add(5n, 50n, id("the fourth"));
      expect(read()).to.have.lengthOf(1);
      expect(read()[0]).to.include({ orderId: ORDER, nodeId: NODE, workedTU: 50n, until: 1_300n });
    }));

  it("are no chain if a reading names another than the one before, or TU fall", () =>
    Promise.all([
      inStore((store, read) => {
        store.add(1n, 10n, ZeroHash);
        store.add(2n, 20n, id("another"));
        expect(read).to.throw(FalseStoreError, "reading 2 of order 5 does not continue its chain");
      }),
      inStore((store, read) => {
        store.add(1n, 10n, ZeroHash);
        store.add(4n, 9n, id("the third"));
        expect(read).to.throw(FalseStoreError, "reading 4 of order 5");
      }),
    ]).then(() => undefined));
});
