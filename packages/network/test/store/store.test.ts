import { DatabaseSync } from "@photostructure/sqlite";
import {
  fromBlob,
  fromBytes,
  isUniqueViolation,
  type Migrations,
  openStore,
  StoreError,
  toBlob,
  toBytes,
} from "@turingfog/network";
import { expect } from "chai";
import { type Kysely, sql } from "kysely";

import { onBothEngines } from "../helpers/stores";

interface Tables {
  things: { author: Uint8Array; sequence: bigint; hash: Uint8Array; words: string };
}

const MIGRATIONS: Migrations = {
  "things-1": async (db, { blob, integer, text }) => {
    await db.schema
      .createTable("things")
      .addColumn("author", blob, (column) => column.notNull())
      .addColumn("sequence", integer, (column) => column.notNull())
      .addColumn("hash", blob, (column) => column.notNull().unique())
      .addColumn("words", text, (column) => column.notNull())
      .addPrimaryKeyConstraint("things_key", ["author", "sequence"])
      .execute();
  },
};

const hash = (byte: number) => toBytes(`0x${byte.toString(16).padStart(2, "0").repeat(32)}`);

const thing = (sequence: bigint, byte = Number(sequence & 255n)) => ({
  author: toBlob(7n),
  sequence,
  hash: hash(byte),
  words: "ünïcode and\u0001",
});

onBothEngines("Store", (stores, engine) => {
  it("gives back bytes, integers of 63 bits and texts exactly as they were given", async () => {
    const { db } = await stores().openNew<Tables>(MIGRATIONS);
    const given = [
      thing(1n),
      thing(2n ** 53n + 1n, 2),
      { ...thing(2n ** 63n - 1n, 0), author: toBlob(2n ** 256n - 1n) },
    ];
    await db.insertInto("things").values(given).execute();

    const rows = await db.selectFrom("things").selectAll().orderBy("author").orderBy("sequence").execute();
    const shown = rows.map(({ author, sequence, hash, words }) => [fromBlob(author), sequence, fromBytes(hash), words]);
    expect(shown).to.deep.equal(
      given.map(({ author, sequence, hash, words }) => [fromBlob(author), sequence, fromBytes(hash), words]),
    );
    expect(Object.getPrototypeOf(rows[0].hash)).to.equal(Uint8Array.prototype);
  });

  it("counts with bigints", async () => {
    const { db } = await stores().openNew<Tables>(MIGRATIONS);
    await db
      .insertInto("things")
      .values([thing(1n), thing(2n)])
      .execute();
    const counted = await db
      .selectFrom("things")
      .select(({ fn }) => [fn.countAll<bigint>().as("count"), fn.max("sequence").as("last")])
      .executeTakeFirstOrThrow();
    expect({ ...counted }).to.deep.equal({ count: 2n, last: 2n });
  });

  it("sorts ids as the numbers do", async () => {
    const { db } = await stores().openNew<Tables>(MIGRATIONS);
    const authors = [2n ** 255n, 1n, 256n, 255n, 0n];
    await db
      .insertInto("things")
      .values(authors.map((author, i) => ({ ...thing(1n, i), author: toBlob(author) })))
      .execute();
    const rows = await db.selectFrom("things").select("author").orderBy("author").execute();
    expect(rows.map(({ author }) => fromBlob(author))).to.deep.equal([0n, 1n, 255n, 256n, 2n ** 255n]);
  });

  for (const [name, second] of [
    ["key", { ...thing(1n), hash: hash(9) }],
    ["unique value", { ...thing(2n), hash: hash(1) }],
  ] as const) {
    it(`tells a second row of the same ${name} from other errors`, async () => {
      const { db } = await stores().openNew<Tables>(MIGRATIONS);
      await db.insertInto("things").values(thing(1n)).execute();
      const error: unknown = await db
        .insertInto("things")
        .values(second)
        .execute()
        .catch((reason: unknown) => reason);
      expect(error).to.satisfy(isUniqueViolation);

      const other: unknown = await sql`insert into things (author) values (${toBlob(1n)})`
        .execute(db)
        .catch((reason: unknown) => reason);
      expect(other).to.be.an.instanceOf(Error);
      expect(other).not.to.satisfy(isUniqueViolation);
    });
  }

  it("keeps nothing of a transaction that fails", async () => {
    const { db } = await stores().openNew<Tables>(MIGRATIONS);
    const failed = db.transaction().execute(async (transaction) => {
      await transaction.insertInto("things").values(thing(1n)).execute();
      await transaction.insertInto("things").values(thing(1n)).execute();
    });
    await expect(failed).to.be.rejected;
    expect(await db.selectFrom("things").selectAll().execute()).to.deep.equal([]);
  });

  it("carries each migration out once", async () => {
    const location = stores().location();
    const { db } = await stores().openAt<Tables>(location, MIGRATIONS);
    await db.insertInto("things").values(thing(1n)).execute();
    const again = await stores().openAt<Tables>(location, MIGRATIONS);
    expect(await again.db.selectFrom("things").select("sequence").execute()).to.have.length(1);
  });

  it("carries out all of a migration or nothing, wherever the process ended", async () => {
    const column = async (db: Kysely<unknown>, name: string) =>
      db.schema.alterTable("things").addColumn(name, "text").execute();
    for (let ended = 0; ended < 3; ++ended) {
      const location = stores().location();
      await stores().openAt<Tables>(location, MIGRATIONS);
      const names = ["one", "two"];
      const dying: Migrations = {
        "things-2": async (db) => {
          for (const name of names.slice(0, ended)) await column(db, name);
          throw new Error("ended");
        },
      };
      await expect(openStore(location, { ...MIGRATIONS, ...dying })).to.be.rejectedWith("ended");
      const whole: Migrations = {
        "things-2": async (db) => {
          for (const name of names) await column(db, name);
        },
      };
      const { db } = await stores().openAt<{ things: { two: string } }>(location, { ...MIGRATIONS, ...whole });
      expect(await db.selectFrom("things").select("two").execute()).to.deep.equal([]);
    }
  });

  if (engine === "postgres") {
    it("may be opened by several processes at once", async () => {
      const location = stores().location();
      const opened = await Promise.all([1, 2, 3].map(() => stores().openAt<Tables>(location, MIGRATIONS)));
      await opened[0].db.insertInto("things").values(thing(1n)).execute();
      expect(await opened[2].db.selectFrom("things").select("sequence").execute()).to.have.length(1);
    });
  } else {
    it("lets no other process write from before the first statement of a migration", async () => {
      const location = stores().location();
      const other = new DatabaseSync(location, { timeout: 0 });
      const seen: unknown[] = [];
      const looking: Migrations = {
        "a-1": async () => {
          try {
            other.exec("begin immediate");
          } catch (error) {
            seen.push((error as Error).message);
          }
        },
      };
      await stores().openAt(location, looking);
      other.close();
      expect(seen).to.have.length(1);
      expect(seen[0]).to.include("database is locked");
    });

    it("writes ahead, and synchronises at each commit", async () => {
      const { db } = await stores().openNew<Tables>(MIGRATIONS);
      const { rows: journal } = await sql<{ journal_mode: string }>`pragma journal_mode`.execute(db);
      const { rows: synchronous } = await sql<{ synchronous: bigint }>`pragma synchronous`.execute(db);
      expect([journal[0].journal_mode, synchronous[0].synchronous]).to.deep.equal(["wal", 2n]);
    });
  }

  it("says why a migration cannot be carried out, and does not open", async () => {
    const failing: Migrations = { "a-1": async (db) => void (await sql`create nonsense`.execute(db)) };
    await expect(openStore(stores().location(), failing)).to.be.rejectedWith(StoreError, "nonsense");
  });
});
