import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";

import { type Engine, type Migrations, openStore, type Store } from "@turingfog/network";

import { POSTGRES_MISSING, PostgresCluster, postgresPrograms } from "./postgres";

/** Locations of new stores of one engine, and the stores that were opened there. */
export class Stores {
  private readonly folder = mkdtempSync(path.join(tmpdir(), "turingfog-store-"));
  private readonly open: { close(): Promise<void> }[] = [];
  private files = 0;

  constructor(private readonly cluster?: PostgresCluster) {}

  /** Returns the location of a store that does not exist yet. */
  location(): string {
    return this.cluster?.create() ?? path.join(this.folder, `${++this.files}.sqlite`);
  }

  async openAt<DB>(location: string, migrations: Migrations): Promise<Store<DB>> {
    const store = await openStore<DB>(location, migrations);
    this.open.push(store);
    return store;
  }

  async openNew<DB>(migrations: Migrations): Promise<Store<DB>> {
    return this.openAt(this.location(), migrations);
  }

  async close(): Promise<void> {
    await Promise.all(this.open.splice(0).map((each) => each.close()));
    this.cluster?.stop();
    rmSync(this.folder, { recursive: true });
  }
}

/**
 * Describes what must hold on both engines, with the stores of each. Without PostgreSQL a pending test stands for those
 * on it; where CI is set that is a failure.
 */
export function onBothEngines(title: string, describeOn: (stores: () => Stores, engine: Engine) => void): void {
  const programs = postgresPrograms();
  for (const engine of ["sqlite", "postgres"] as const) {
    describe(`${title} on ${engine}`, () => {
      if (engine === "postgres" && programs === undefined && process.env.CI !== "true") {
        it(POSTGRES_MISSING);
        return;
      }
      const started: Stores[] = [];
      before(() => {
        if (engine === "sqlite") return void started.push(new Stores());
        if (programs === undefined) throw new Error(POSTGRES_MISSING);
        started.push(new Stores(PostgresCluster.start(programs)));
      });
      after(() => Promise.all(started.map((each) => each.close())));
      describeOn(() => started[0], engine);
    });
  }
}
