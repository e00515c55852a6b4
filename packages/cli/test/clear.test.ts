import path from "node:path";

import { program, runCommand, UsageError } from "@turingfog/cli";
import { type BatchTables, type ChainTables, initSigner, openSignerStore } from "@turingfog/network";
import { expect } from "chai";
import { id } from "ethers";
import type { Kysely } from "kysely";

import { temporaryFolder } from "../../../test/helpers/tuLogs";

const bytesOf = (name: string) => Buffer.from(id(name).slice(2), "hex");

/** Writes a signer that has signed a file of interval 7 and read until block 42, and returns its configuration. */
async function signerWith({ isVetoed }: { isVetoed: boolean }): Promise<string> {
  const folder = path.join(temporaryFolder(), "signer");
  const places = { folder, network: "localhost", deployments: temporaryFolder(), endpoint: "http://127.0.0.1:1" };
  const { config } = await initSigner({ ...places, port: 1, peers: [] });
  const store = await openSignerStore({ store: path.join(folder, "signer.db") });
  const db = store.db as unknown as Kysely<BatchTables & ChainTables>;
  const data_hash = bytesOf("file");
  const hashes = { data_hash, receipts_root: bytesOf("root"), proposer: bytesOf("proposer") };
  const numbers = { number: 1n, interval: 7n, bytes: 1n, stored_at: 1n, quorum_at: 1n, gone: 0n };
  await db
    .insertInto("batch_files")
    .values({ ...hashes, ...numbers })
    .execute();
  await db
    .insertInto("chain_cursor")
    .values({ id: 1n, block: 42n, hash: bytesOf("block"), time: 86_400n })
    .execute();
  if (isVetoed) await db.insertInto("batch_vetoes").values({ data_hash, cleared: 0n }).execute();
  await store.close();
  return config;
}

async function clear(config: string, ...options: string[]): Promise<{ code: number; said: string }> {
  const lines: string[] = [];
  const { log } = console;
  console.log = (line: string) => lines.push(line);
  try {
    const args = ["signer", "clear", "--config", config, ...options];
    return { code: await runCommand(await program(args), args), said: lines.join("\n") };
  } finally {
    console.log = log;
  }
}

describe("turingfog signer clear", () => {
  it("clears a veto by its root, in whatever case, and says where to go on", async () => {
    const config = await signerWith({ isVetoed: true });
    const root = id("root");
    const { code, said } = await clear(config, "--root", `0x${root.slice(2).toUpperCase()}`);
    expect(code).to.equal(0);
    expect(said).to.equal(
      `The veto of root ${root} (data hash ${id("file")}, interval 7) is cleared here. Next: the same on every other signer`,
    );
    const again = await clear(config, "--root", "7");
    expect(again.code).to.equal(1);
    expect(again.said).to.contain("was cleared here before; no veto is left to clear here");
  });

  it("says until which block no veto was seen, and when to come back", async () => {
    const { code, said } = await clear(await signerWith({ isVetoed: false }), "--root", id("file"));
    expect(code).to.equal(1);
    expect(said)
      .to.contain(`No veto of root ${id("root")}`)
      .and.contain("was seen (up to block 42, 1970-01-02")
      .and.contain("run this again once the signer's /health names it under vetoes");
  });

  it("names what is vetoed when another root is meant", async () => {
    const { code, said } = await clear(await signerWith({ isVetoed: true }), "--root", id("another"));
    expect(code).to.equal(1);
    expect(said)
      .to.contain(`This signer has signed no file of ${id("another")}`)
      .and.contain(`vetoed and not cleared: root ${id("root")}`);
  });

  it("refuses what is neither a hash nor an interval", async () => {
    const config = await signerWith({ isVetoed: true });
    await clear(config, "--root", "0x5c").then(
      () => expect.fail("was taken"),
      (error: unknown) => expect(error).to.be.instanceOf(UsageError).with.property("message").that.contains("0x5c"),
    );
  });

  it("says of a node that is not stopped where it may be", async () => {
    const { code, said } = await clear(await signerWith({ isVetoed: false }), "--node", "7");
    expect(code).to.equal(1);
    expect(said).to.contain("Node 7 is not stopped here");
  });
});
