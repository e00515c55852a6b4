import {
  GATEWAY_MIGRATIONS,
  type GatewayTables,
  SessionChangedError,
  type SessionRow,
  Sessions,
} from "@turingfog/network";
import { expect } from "chai";

import { onBothEngines } from "../helpers/stores";

const HIGHEST = new Uint8Array(32).fill(0xff);

/** A quote with the highest amounts that there can be. */
function quote(id: string): SessionRow {
  return {
    ...{ id, state: "quoted", created_at: 1n, changed_at: 1n, currency: "eur", price: 99_999_999n, refund_fee: 0n },
    ...{
      margin: 500n,
      rate: "0.9",
      node_id: HIGHEST,
      asset: new Uint8Array(20),
      payer: new Uint8Array(20),
      tu_amount: HIGHEST,
      unit_price: HIGHEST,
    },
    ...{ deposit: HIGHEST, duration: 2n ** 40n, job: "{}", quote_expires_at: 100n, checkout_expires_at: null },
    ...{
      session: null,
      url: null,
      payment_intent: null,
      paid_at: null,
      paid_currency: null,
      approved_at: null,
      reached: null,
    },
    ...{ order_id: null, paid_deposit: null, handed_at: null, acknowledged_tu: null, delivered_at: null },
    ...{ paid_back: null, due: null, refunded: null, refusals: 0n, reason: "", dispute: null, disputed: null },
  };
}

onBothEngines("the sessions of a gateway", (stores) => {
  async function open(now = 10n) {
    const { db } = await stores().openNew<GatewayTables>(GATEWAY_MIGRATIONS);
    return new Sessions(db, () => now);
  }

  it("are read as they were written", async () => {
    const sessions = await open();
    await sessions.create(quote("a"));
    const read = (await sessions.byId("a")) as SessionRow;
    const plain = (row: SessionRow) =>
      Object.fromEntries(
        Object.entries(row).map(([name, value]) => [name, value instanceof Uint8Array ? [...value] : value]),
      );
    expect(plain(read)).to.deep.equal(plain(quote("a")));
  });

  it("change once from each state, and not while a dispute was not seen", async () => {
    const sessions = await open();
    await sessions.create(quote("a"));
    const row = (await sessions.byId("a")) as SessionRow;
    const checkout = await sessions.change("checkout", row, { state: "checkout", session: "cs_1" });
    for (const stale of [row, { ...checkout, dispute: "open" as const }]) {
      const changing = sessions.change("payment", stale, { state: "paid" });
      expect(await changing.catch((error: unknown) => error)).to.be.instanceOf(SessionChangedError);
    }
    const disputed = await sessions.change("dispute", checkout, { dispute: "open", disputed: 5n });
    const changing = sessions.change("payment", checkout, { state: "paid" });
    expect(await changing.catch((error: unknown) => error)).to.be.instanceOf(SessionChangedError);
    await sessions.change("payment", disputed, { state: "paid", paid_at: 3n });
    expect((await sessions.bySession("cs_1"))?.state).to.equal("paid");
  });

  it("have one checkout session each", async () => {
    const sessions = await open();
    for (const id of ["a", "b"]) await sessions.create(quote(id));
    await sessions.change("checkout", quote("a"), { state: "checkout", session: "cs_1" });
    const again = sessions.change("checkout", quote("b"), { state: "checkout", session: "cs_1" });
    expect(await again.catch(() => "refused")).to.equal("refused");
  });

  it("count in the day's limit only while they may have an order", async () => {
    const sessions = await open();
    const states = { approved: {}, opened: { order_id: HIGHEST }, owed: {}, refunded: { order_id: HIGHEST } };
    for (const [id, values] of Object.entries(states)) {
      await sessions.create({ ...quote(id), state: id as SessionRow["state"], approved_at: 5n, ...values });
    }
    const ids = (await sessions.approvedSince(4n)).map(({ id }) => id);
    expect(ids).to.have.members(["approved", "opened", "refunded"]);
    // what is still to be opened may be sent at any time
    expect((await sessions.approvedSince(5n)).map(({ id }) => id)).to.deep.equal(["approved"]);
    const { states: counted, disputed } = await sessions.counts();
    expect([counted.get("owed"), disputed]).to.deep.equal([1, 0]);
  });

  it("are told of each webhook once", async () => {
    const sessions = await open();
    for (let i = 0; i < 2; ++i) await sessions.take({ id: "evt_1", type: "t", subject: "cs_1" });
    const [event, ...others] = await sessions.waiting();
    expect(others).to.deep.equal([]);
    await sessions.handled(event);
    await sessions.take({ id: "evt_1", type: "t", subject: "cs_1" });
    expect(await sessions.waiting()).to.deep.equal([]);
  });

  it("are forgotten as quotes that nobody has accepted in time, and as nothing else", async () => {
    const sessions = await open();
    await sessions.create(quote("old"));
    await sessions.create({ ...quote("accepted"), checkout_expires_at: 1n });
    await sessions.create({ ...quote("fresh"), quote_expires_at: 1_000n });
    expect(await sessions.forgetQuotes(101n)).to.deep.equal(["old"]);
    expect((await sessions.all()).map(({ id }) => id)).to.deep.equal(["accepted", "fresh"]);
  });
});
