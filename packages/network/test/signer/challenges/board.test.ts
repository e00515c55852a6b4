import {
  type BoardOptions,
  ChallengeBoard,
  CHALLENGE_MIGRATIONS,
  type ChallengeTables,
  challengeFor,
  Draws,
  Product,
} from "@turingfog/network";
import { CHALLENGE_ANSWER, type Challenge, HEARTBEAT } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id } from "ethers";
import { Registry } from "prom-client";

import { LOG, StoppedClock } from "../../helpers/intake";
import { Meter, METER_DOMAIN, START } from "../../helpers/meters";
import { Stores } from "../../helpers/stores";

const SIGNER = `0x${"51".repeat(20)}`;
const SLOT = 60n;
const PATIENCE = 300n;
const TERMS = { perTU: 1_000_000n, work: 1n, grace: 30n };

/** A board of one signer, one node and its order, whose time a test moves. */
class Table {
  readonly clock = new StoppedClock();
  /** The last readings of orders. */
  heads: Awaited<ReturnType<BoardOptions["heads"]>>;
  /** Of the order. */
  endsAt = START + 10n * 86_400n;
  closed = false;
  readonly board: ChallengeBoard;

  private constructor(
    readonly meter: Meter,
    private readonly db: BoardOptions["db"],
  ) {
    this.heads = [{ orderId: meter.orderId, nodeId: meter.nodeId, measuredAt: this.clock.time }];
    this.board = this.open();
  }

  static async of(stores: Stores): Promise<Table> {
    const { db } = await stores.openNew<ChallengeTables>(CHALLENGE_MIGRATIONS);
    return new Table(await Meter.of(1), db);
  }

  /** Opens another board on what is stored. */
  open(): ChallengeBoard {
    const { clock, db } = this;
    return new ChallengeBoard({
      ...{ signer: SIGNER, db, clock, log: LOG, terms: TERMS, slot: SLOT, oneIn: 1n, patience: PATIENCE },
      draws: new Draws(Buffer.alloc(32, 1)),
      interval: 3_600n,
      chain: {
        blockTime: () => clock.time,
        block: () => ({ hash: id("block") }),
        order: () => ({ endsAt: this.endsAt, closed: this.closed }),
        node: () => this.meter.node(),
        openOrdersOf: () => [{ startedAt: START }],
      },
      heads: async () => this.heads,
      isMeterKey: async (_, key) => key === this.meter.key,
      domain: METER_DOMAIN,
      metrics: new Registry(),
    });
  }

  /** Lets a slot pass, in which every node at work is drawn. */
  async passSlot(): Promise<void> {
    await this.board.advance();
    this.clock.time += SLOT;
    await this.board.advance();
  }

  /** Asks for challenges as the node does. */
  async ask(change: { receiver?: string; sentAt?: bigint } = {}, by = this.meter.wallet): Promise<Challenge[]> {
    const heartbeat = { nodeId: this.meter.nodeId, receiver: SIGNER, sentAt: this.clock.time, ...change };
    return this.board.open(await HEARTBEAT.sign(by, METER_DOMAIN, heartbeat));
  }

  async answer(challenge: string, root: string, by = this.meter.wallet) {
    return this.board.answer(await CHALLENGE_ANSWER.sign(by, METER_DOMAIN, { challenge, root }));
  }

  /** Answers a challenge rightly to its end. */
  async pass(challenge: Challenge): Promise<void> {
    const product = Product.of(challenge);
    const { rows } = await this.answer(challenge.id, product.root);
    await this.board.prove({ challenge: challenge.id, paths: product.paths(rows) });
  }

  /** Returns what became of the node's challenges. */
  async outcomes(): Promise<(string | null)[]> {
    const rows = await this.db.selectFrom("challenges").select("outcome").orderBy("drawn_at").execute();
    return rows.map(({ outcome }) => outcome);
  }

  /** Puts the giving of challenges so many milliseconds back. */
  async backdate(milliseconds: bigint): Promise<void> {
    await this.db
      .updateTable("challenges")
      .set(({ eb }) => ({ given_ms: eb("given_ms", "-", milliseconds) }))
      .execute();
  }

  /** Makes challenges such that nobody has asked for them. */
  async forgetGiving(): Promise<void> {
    await this.db.updateTable("challenges").set({ given_at: null, given_ms: null }).execute();
  }
}

async function withTable(test: (table: Table) => Promise<void>): Promise<void> {
  const stores = new Stores();
  try {
    await test(await Table.of(stores));
  } finally {
    await stores.close();
  }
}

const refusal = (asking: Promise<unknown>): Promise<unknown> =>
  asking.then(
    () => "taken",
    (error: { error?: string }) => error.error,
  );

describe("ChallengeBoard", () => {
  it("draws for a node at work once a slot, of none before the first, and not while one is open", () =>
    withTable(async (table) => {
      await table.board.advance();
      expect(await table.outcomes()).to.deep.equal([]);
      await table.passSlot();
      expect(await table.outcomes()).to.deep.equal([null]);
      await table.passSlot();
      expect(await table.outcomes()).to.deep.equal([null]);
    }));

  it("draws for no node whose orders have ended or are closed, or that has no readings", () =>
    withTable(async (table) => {
      table.closed = true;
      await table.passSlot();
      table.closed = false;
      table.heads = [];
      await table.passSlot();
      expect(await table.outcomes()).to.deep.equal([]);
    }));

  it("gives a challenge as hard as the node's rate to a heartbeat by its meter key, for this signer, of this time", () =>
    withTable(async (table) => {
      await table.passSlot();
      const { time } = table.clock;
      const stranger = (await Meter.of(2)).wallet;
      expect(await refusal(table.ask({ receiver: `0x${"52".repeat(20)}` }))).to.equal("other-receiver");
      expect(await refusal(table.ask({ sentAt: time - 61n }))).to.equal("other-time");
      expect(await refusal(table.ask({ sentAt: time + 61n }))).to.equal("other-time");
      expect(await refusal(table.ask({}, stranger))).to.equal("bad-signature");
      const [given] = await table.ask({ sentAt: time - 60n });
      const { size, seconds } = challengeFor(table.meter.node().ratePerDay, TERMS);
      expect([given.size, given.seconds]).to.deep.equal([size, seconds]);
      // again to who has forgotten
      expect(await table.ask({ sentAt: time + 60n })).to.deep.equal([given]);
    }));

  it("is passed by the rows of the root that was told first, and says so after a restart", () =>
    withTable(async (table) => {
      await table.passSlot();
      const [given] = await table.ask();
      await table.pass(given);
      const passed = [{ at: table.clock.time, passed: true }];
      expect((await table.board.results()).get(table.meter.nodeId)).to.deep.equal(passed);
      expect((await table.open().results()).get(table.meter.nodeId)).to.deep.equal(passed);
      expect(await table.ask()).to.deep.equal([]);
      expect(await refusal(table.answer(given.id, id("again")))).to.equal("over");
    }));

  it("asks for the same rows again, takes no second root, and none by another key or of another challenge", () =>
    withTable(async (table) => {
      await table.passSlot();
      const [given] = await table.ask();
      const { root } = Product.of(given);
      expect(await refusal(table.answer(id("another"), root))).to.equal("unknown-challenge");
      expect(await refusal(table.answer(given.id, root, (await Meter.of(2)).wallet))).to.equal("bad-signature");
      expect(await refusal(table.board.prove({ challenge: given.id, paths: [] }))).to.equal("not-answered");
      const asked = await table.answer(given.id, root);
      expect(asked.rows).to.have.lengthOf(8);
      expect(await table.answer(given.id, root)).to.deep.equal(asked);
      expect(await refusal(table.answer(given.id, id("root")))).to.equal("answered");
    }));

  it("is failed by rows that are not the root's", () =>
    withTable(async (table) => {
      await table.passSlot();
      const [given] = await table.ask();
      const { rows } = await table.answer(given.id, id("guess"));
      const paths = Product.of(given).paths(rows);
      expect(await refusal(table.board.prove({ challenge: given.id, paths }))).to.equal("wrong-rows");
      expect(await table.outcomes()).to.deep.equal(["wrong-rows"]);
    }));

  it("takes a root within the seconds that it gives, and fails the node afterwards", () =>
    withTable(async (table) => {
      for (const [milliseconds, result] of [
        [-5_000n, "taken"],
        [1n, "too-late"],
      ] as const) {
        await table.passSlot();
        const [given] = await table.ask();
        await table.backdate(given.seconds * 1_000n + milliseconds);
        expect(await refusal(table.pass(given))).to.equal(result);
      }
      expect(await table.outcomes()).to.deep.equal(["passed", "too-late"]);
    }));

  it("takes no root of a challenge that was not asked for", () =>
    withTable(async (table) => {
      await table.passSlot();
      const [given] = await table.ask();
      await table.forgetGiving();
      expect(await refusal(table.answer(given.id, id("root")))).to.equal("not-given");
    }));

  for (const [what, outcome, act] of [
    ["asked for", "not-fetched", async () => undefined],
    ["answered", "not-answered", (table: Table) => table.ask()],
    [
      "shown",
      "not-shown",
      async (table: Table) => {
        const [given] = await table.ask();
        await table.answer(given.id, Product.of(given).root);
      },
    ],
  ] as const) {
    it(`waits ${PATIENCE} s for one to be ${what}, and no longer`, () =>
      withTable(async (table) => {
        await table.passSlot();
        await act(table);
        table.clock.time += PATIENCE;
        await table.board.advance();
        expect(await table.outcomes()).to.deep.equal([null]);
        table.heads = [];
        table.clock.time += 1n;
        await table.board.advance();
        expect(await table.outcomes()).to.deep.equal([outcome]);
      }));
  }

  it("decides the rest of an order that has ended by one last challenge, if none was passed after its last reading", () =>
    withTable(async (table) => {
      const { clock } = table;
      table.endsAt = clock.time;
      await table.board.advance();
      expect(await table.outcomes()).to.deep.equal([null]);
      const [given] = await table.ask();
      await table.pass(given);
      clock.time += 10n * SLOT;
      await table.board.advance();
      expect(await table.outcomes()).to.deep.equal(["passed"]);
    }));

  it("gives no last challenge on an order that is closed, or whose last reading one that was passed has covered", () =>
    withTable(async (table) => {
      await table.passSlot();
      await table.pass((await table.ask())[0]);
      table.endsAt = table.clock.time;
      await table.board.advance();
      expect(await table.outcomes()).to.deep.equal(["passed"]);
      table.heads = table.heads.map((head) => ({ ...head, measuredAt: table.clock.time + 1n }));
      table.closed = true;
      await table.board.advance();
      expect(await table.outcomes()).to.deep.equal(["passed"]);
      table.closed = false;
      await table.board.advance();
      expect(await table.outcomes()).to.deep.equal(["passed", null]);
    }));
});
