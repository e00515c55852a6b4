import {
  type BatchTables,
  type ChainTables,
  clearNode,
  clearRoot,
  type IntakeTables,
  openSignerStore,
  Vetoes,
} from "@turingfog/network";
import { expect } from "chai";
import { id } from "ethers";
import type { Kysely } from "kysely";

import { meters, openIntake } from "../helpers/intake";
import { Stores } from "../helpers/stores";

const bytesOf = (name: string) => Buffer.from(id(name).slice(2), "hex");

/** Runs a test with a signer's store in which files of an interval are signed, and vetoed if their names begin so. */
async function withSigned(
  files: Record<string, bigint>,
  test: (store: string, vetoes: Vetoes, chain: Kysely<ChainTables>) => Promise<void>,
): Promise<void> {
  const stores = new Stores();
  const store = stores.location();
  const opened = await openSignerStore({ store });
  const db = opened.db as unknown as Kysely<BatchTables>;
  try {
    for (const [i, [name, interval]] of Object.entries(files).entries()) {
      const file = { data_hash: bytesOf(name), receipts_root: bytesOf(`root of ${name}`), interval };
      const rest = {
        number: BigInt(i),
        proposer: bytesOf("proposer"),
        bytes: 1n,
        stored_at: 1n,
        quorum_at: 1n,
        gone: 0n,
      };
      await db
        .insertInto("batch_files")
        .values({ ...file, ...rest })
        .execute();
      if (!name.startsWith("vetoed")) continue;
      await db.insertInto("batch_vetoes").values({ data_hash: file.data_hash, cleared: 0n }).execute();
    }
    await test(store, new Vetoes(db), opened.db as unknown as Kysely<ChainTables>);
  } finally {
    await opened.close();
    await stores.close();
  }
}

describe("clearNode", () => {
  it("lets a stopped node's readings in again, while the signer runs, and says if there was none", async () => {
    const stores = new Stores();
    try {
      const [meter, other] = await meters(2);
      const store = stores.location();
      const opened = await openSignerStore({ store });
      const db = opened.db as unknown as Kysely<IntakeTables>;
      const { intake } = await openIntake(stores, [meter, other], { db });
      const reading = meter.next();
      await intake.take([reading, meter.sign({ ...reading, cumulativeTU: 1n })]);
      expect(await clearNode({ store }, other.nodeId)).to.equal(false);
      expect((await intake.take([meter.next()]))[0].result).to.equal("stopped-node");
      expect(await clearNode({ store }, meter.nodeId)).to.equal(true);
      expect(await clearNode({ store }, meter.nodeId)).to.equal(false);
      await intake.readStopped();
      expect(intake.isStopped(meter.nodeId)).to.equal(false);
      await opened.close();
    } finally {
      await stores.close();
    }
  });
});

describe("clearRoot", () => {
  for (const [by, name] of [
    ["data hash", { hash: id("vetoed") }],
    ["root", { hash: id("root of vetoed") }],
    ["interval", { interval: 7n }],
  ] as const) {
    it(`clears the one veto that the ${by} names, and no other`, () =>
      withSigned({ vetoed: 7n, fine: 7n, "vetoed later": 8n }, async (store, vetoes) => {
        const { isCleared, named, open } = await clearRoot({ store }, name);
        expect(isCleared).to.equal(true);
        expect(named.map(({ dataHash }) => dataHash)).to.deep.equal([id("vetoed")]);
        expect(open.map(({ dataHash }) => dataHash)).to.deep.equal([id("vetoed later")]);
        expect([...(await vetoes.open())]).to.deep.equal([id("vetoed later")]);
        const again = await clearRoot({ store }, name);
        expect(again.isCleared).to.equal(false);
        expect(again.named[0]).to.include({ dataHash: id("vetoed"), veto: "cleared" });
      }));
  }

  it("clears none of two vetoes of an interval", () =>
    withSigned({ vetoed: 7n, "vetoed too": 7n }, async (store, vetoes) => {
      const { isCleared, named } = await clearRoot({ store }, { interval: 7n });
      expect(isCleared).to.equal(false);
      expect(named.map(({ dataHash }) => dataHash)).to.deep.equal([id("vetoed"), id("vetoed too")]);
      expect((await vetoes.open()).size).to.equal(2);
    }));

  it("tells of a root without a veto until which block none was seen", () =>
    withSigned({ fine: 7n }, async (store, _, chain) => {
      expect((await clearRoot({ store }, { hash: id("fine") })).seen).to.equal(undefined);
      await chain
        .insertInto("chain_cursor")
        .values({ id: 1n, block: 42n, hash: bytesOf("block"), time: 99n })
        .execute();
      const { isCleared, named, seen } = await clearRoot({ store }, { hash: id("root of fine") });
      expect({ isCleared, seen }).to.deep.equal({ isCleared: false, seen: { block: 42n, time: 99n } });
      expect(named[0]).to.include({ dataHash: id("fine"), interval: 7n, veto: "none" });
    }));

  it("knows nothing of a root that the signer has not signed", () =>
    withSigned({ vetoed: 7n }, async (store) => {
      const { isCleared, named, open } = await clearRoot({ store }, { hash: id("another") });
      expect({ isCleared, named }).to.deep.equal({ isCleared: false, named: [] });
      expect(open.map(({ receiptsRoot }) => receiptsRoot)).to.deep.equal([id("root of vetoed")]);
    }));
});
