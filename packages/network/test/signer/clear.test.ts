import { clearSigner, type BatchTables, type IntakeTables, openSignerStore, Vetoes } from "@turingfog/network";
import { expect } from "chai";
import { id } from "ethers";
import type { Kysely } from "kysely";

import { meters, openIntake } from "../helpers/intake";
import { Stores } from "../helpers/stores";

describe("clearSigner", () => {
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
      expect(await clearSigner({ store }, { nodeId: other.nodeId })).to.equal(false);
      expect((await intake.take([meter.next()]))[0].result).to.equal("stopped-node");
      expect(await clearSigner({ store }, { nodeId: meter.nodeId })).to.equal(true);
      expect(await clearSigner({ store }, { nodeId: meter.nodeId })).to.equal(false);
      await intake.readStopped();
      expect(intake.isStopped(meter.nodeId)).to.equal(false);
      await opened.close();
    } finally {
      await stores.close();
    }
  });

  it("clears the veto of a file, and says if there was none", async () => {
    const stores = new Stores();
    try {
      const store = stores.location();
      const opened = await openSignerStore({ store });
      const { db } = opened;
      const vetoes = new Vetoes(db as unknown as Kysely<BatchTables>);
      const data_hash = Buffer.from(id("file").slice(2), "hex");
      await db.insertInto("batch_vetoes").values({ data_hash, cleared: 0n }).execute();
      expect(await clearSigner({ store }, { dataHash: id("another") })).to.equal(false);
      expect([...(await vetoes.open())]).to.deep.equal([id("file")]);
      expect(await clearSigner({ store }, { dataHash: id("file") })).to.equal(true);
      expect(await clearSigner({ store }, { dataHash: id("file") })).to.equal(false);
      expect([...(await vetoes.open())]).to.deep.equal([]);
      await opened.close();
    } finally {
      await stores.close();
    }
  });
});
