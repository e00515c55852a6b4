import { randomBytes, randomInt } from "node:crypto";

import { max, min } from "@turingfog/sdk";
import {
  type Challenge,
  CHALLENGE_ANSWER,
  type ChallengeAnswer,
  type ChallengeProof,
  type ChallengeRows,
  HEARTBEAT,
  type Heartbeat,
  type Signed,
} from "@turingfog/sdk/wire";
import type { TypedDataDomain } from "ethers";
import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { Counter, type Registry } from "prom-client";

import { RefusedError } from "../../http/index.js";
import { type Clock, step } from "../../runtime/index.js";
import { fromBlob, fromBytes, toBlob, toBytes } from "../../store/index.js";
import type { Draws } from "../draws.js";
import type { RuledChallenge } from "../rules/index.js";
import { checkRowsAside } from "./aside.js";
import type { ChallengeTables } from "./tables.js";
import { challengeFor, type ChallengeTerms } from "./terms.js";

export const CHALLENGE_STEPS = [
  "signer.challenge.before-store",
  "signer.challenge.stored",
  "signer.challenge.before-giving",
  "signer.challenge.given",
  "signer.challenge.before-root",
  "signer.challenge.root-stored",
  "signer.challenge.before-outcome",
  "signer.challenge.outcome-stored",
] as const;

/** Rows that are asked for: who has left out half of the work passes one time in 256. */
const ROWS = 8;

/** Seconds between a heartbeat and its arrival, either way. */
const MAX_HEARTBEAT_AGE = 60n;

/** Proofs that are checked at a time: each has a thread. */
const MAX_PROOFS = 2;

/** Seconds for which what became of a challenge is kept at least: an order of that time may not be final yet. */
const KEPT = 86_400n;

/** The one row of the slots. */
const ONLY = 1n;

/** A chain of readings, as far as challenges need it. */
export interface Head {
  orderId: bigint;
  nodeId: bigint;
  /** Of its last reading. */
  measuredAt: bigint;
}

export interface BoardOptions {
  /** This signer, in lower case. */
  signer: string;
  db: Kysely<ChallengeTables>;
  draws: Draws;
  terms: ChallengeTerms;
  /** Seconds of a slot of time; each is drawn once for each node, and one in `oneIn` is a challenge. */
  slot: bigint;
  oneIn: bigint;
  /** Seconds in which a node must ask for a challenge, and show its rows. */
  patience: bigint;
  /** Seconds of an interval of draws. */
  interval: bigint;
  chain: {
    blockTime(): bigint;
    block(): { hash: string };
    order(orderId: bigint): { endsAt: bigint; closed: boolean } | undefined;
    node(nodeId: bigint): { ratePerDay: bigint } | undefined;
    openOrdersOf(nodeId: bigint): { startedAt: bigint }[];
  };
  /** Returns the last reading of each chain of an open order. */
  heads: () => Promise<Head[]>;
  /** Says whether a key is the meter key of a node's document in force. */
  isMeterKey: (nodeId: bigint, key: string, now: bigint) => Promise<boolean>;
  /** The domain of what meter keys sign. */
  domain: TypedDataDomain;
  clock: Clock;
  log: Logger;
  metrics: Registry;
}

type Row = ChallengeTables["challenges"];

/** The challenges that this signer gives to nodes, and what became of them. */
export class ChallengeBoard {
  private readonly outcomes: Counter<"outcome">;
  /** Challenges whose proofs are being checked. */
  private readonly proving = new Set<string>();

  constructor(private readonly options: BoardOptions) {
    this.outcomes = new Counter({
      name: "turingfog_signer_challenges_total",
      help: "Challenges that are over, by what became of them",
      labelNames: ["outcome"],
      registers: [options.metrics],
    });
  }

  /** Ends challenges that nobody answers any more, and draws new ones. */
  async advance(): Promise<void> {
    const { chain, clock, db, oneIn, slot, draws, interval, patience } = this.options;
    const now = clock.now();
    for (const row of await this.running()) {
      if (now <= (row.given_at ?? row.drawn_at) + patience) continue;
      await this.conclude(
        row,
        row.given_at === null ? "not-fetched" : row.root === null ? "not-answered" : "not-shown",
      );
    }
    const heads = await this.options.heads();
    const busy = new Set((await this.running()).map((row) => fromBlob(row.node_id)));
    for (const head of heads.filter(({ nodeId }) => !busy.has(nodeId))) {
      if (await this.isLast(head)) {
        await this.create(head.nodeId, head.orderId);
        busy.add(head.nodeId);
      }
    }

    const current = chain.blockTime() / slot;
    const { slot: drawn = current } = (await db.selectFrom("challenge_slots").select("slot").executeTakeFirst()) ?? {};
    const working = new Set(heads.filter(({ orderId }) => this.isRunning(orderId)).map(({ nodeId }) => nodeId));
    for (const nodeId of working) {
      // the block's hash is that of a final block which is later than the slots that have ended
      const isDrawn = Array.from({ length: Number(current - drawn) }, (_, i) => drawn + BigInt(i)).some((each) =>
        draws.isDrawn(chain.blockTime() / interval, `challenge ${nodeId} ${each}`, chain.block().hash, oneIn),
      );
      if (isDrawn && !busy.has(nodeId)) await this.create(nodeId, null);
    }
    if (current !== drawn) await this.prune();
    await db
      .insertInto("challenge_slots")
      .values({ id: ONLY, slot: current })
      .onConflict((conflict) => conflict.column("id").doUpdateSet({ slot: current }))
      .execute();
  }

  /**
   * Returns the challenges of a node that asks for them, also one that it has answered and not shown the rows of: it may
   * have forgotten, and answers with the same root again. The time for each begins with the first answer.
   * @throws RefusedError
   */
  async open(heartbeat: Signed<Heartbeat>): Promise<Challenge[]> {
    const { signer, clock, db, domain } = this.options;
    const { nodeId, receiver, sentAt } = heartbeat;
    const now = clock.now();
    if (receiver !== signer) throw new RefusedError(400, "other-receiver", `The heartbeat is for ${receiver}`);
    if (sentAt < now - MAX_HEARTBEAT_AGE || sentAt > now + MAX_HEARTBEAT_AGE) {
      throw new RefusedError(400, "other-time", `The heartbeat is of ${sentAt}, it is ${now}`);
    }
    await this.checkKey(nodeId, () => HEARTBEAT.signerOf(domain, heartbeat));
    const rows = await this.running(nodeId);
    for (const row of rows.filter(({ given_at }) => given_at === null)) {
      step("signer.challenge.before-giving");
      await db
        .updateTable("challenges")
        .set({ given_at: now, given_ms: BigInt(Date.now()) })
        .where("id", "=", row.id)
        .where("given_at", "is", null)
        .execute();
      step("signer.challenge.given");
    }
    return rows.map(({ id, seed, size, seconds }) => ({ id: fromBytes(id), seed: fromBytes(seed), size, seconds }));
  }

  /**
   * Takes the root of a product, and asks for rows; the same rows again if it is asked again.
   * @throws RefusedError
   */
  async answer(given: Signed<ChallengeAnswer>): Promise<ChallengeRows> {
    const { db, domain } = this.options;
    // before anything that others may keep this signer busy with
    const arrivedAt = BigInt(Date.now());
    const row = await this.find(given.challenge);
    await this.checkKey(fromBlob(row.node_id), () => CHALLENGE_ANSWER.signerOf(domain, given));
    if (row.root !== null && row.rows !== null) {
      if (fromBytes(row.root) === given.root) return { challenge: given.challenge, rows: parseRows(row.rows) };
      throw new RefusedError(409, "answered", "The challenge was answered with another root");
    }
    if (row.given_ms === null) throw new RefusedError(409, "not-given", "The challenge was not asked for yet");
    if (arrivedAt > row.given_ms + row.seconds * 1_000n) {
      await this.conclude(row, "too-late");
      throw new RefusedError(409, "too-late", `The answer was due within ${row.seconds} s`);
    }
    const rows = Array.from({ length: ROWS }, () => randomInt(Number(row.size))).join(" ");
    step("signer.challenge.before-root");
    await db
      .updateTable("challenges")
      .set({ root: toBytes(given.root), rows })
      .where("id", "=", row.id)
      .execute();
    step("signer.challenge.root-stored");
    return { challenge: given.challenge, rows: parseRows(rows) };
  }

  /**
   * Takes the proof of the rows that were asked for.
   * @throws RefusedError if they are not those of the root, or other proofs are being checked
   */
  async prove(proof: ChallengeProof): Promise<void> {
    const { challenge } = proof;
    if (this.proving.has(challenge) || this.proving.size >= MAX_PROOFS) {
      throw new RefusedError(
        503,
        "busy",
        `${this.proving.size} proofs are being checked: send it again in a few seconds`,
      );
    }
    this.proving.add(challenge);
    try {
      await this.checkProof(proof);
    } finally {
      this.proving.delete(challenge);
    }
  }

  private async checkProof({ challenge, paths }: ChallengeProof): Promise<void> {
    const row = await this.find(challenge);
    if (row.root === null || row.rows === null) throw new RefusedError(409, "not-answered", "The root comes first");
    const terms = { seed: fromBytes(row.seed), size: row.size };
    const isRight = await checkRowsAside(terms, fromBytes(row.root), parseRows(row.rows), paths);
    await this.conclude(row, isRight ? "passed" : "wrong-rows");
    if (!isRight) throw new RefusedError(400, "wrong-rows", "The rows are not those of the root");
  }

  /** Returns what became of all challenges that are over, by node. */
  async results(): Promise<Map<bigint, RuledChallenge[]>> {
    const rows = await this.options.db.selectFrom("challenges").selectAll().where("outcome", "is not", null).execute();
    const results = new Map<bigint, RuledChallenge[]>();
    for (const row of rows) {
      const nodeId = fromBlob(row.node_id);
      const result = { at: row.given_at ?? row.drawn_at, passed: row.outcome === "passed" };
      const ofNode = results.get(nodeId);
      if (ofNode === undefined) results.set(nodeId, [result]);
      else ofNode.push(result);
    }
    return results;
  }

  /** Says whether an order has ended, whose last readings no challenge has decided on and none will. */
  private async isLast({ orderId, nodeId, measuredAt }: Head): Promise<boolean> {
    const { chain, db } = this.options;
    if (this.isRunning(orderId) || (chain.order(orderId)?.closed ?? true)) return false;
    const rows = await db.selectFrom("challenges").selectAll().where("node_id", "=", toBlob(nodeId)).execute();
    if (rows.some((row) => row.order_id !== null && fromBlob(row.order_id) === orderId)) return false;
    const passed = rows.filter(({ outcome }) => outcome === "passed");
    return passed.reduce((latest, row) => max(latest, row.given_at ?? 0n), -1n) < measuredAt;
  }

  private isRunning(orderId: bigint): boolean {
    const { chain } = this.options;
    const order = chain.order(orderId);
    return order !== undefined && !order.closed && chain.blockTime() < order.endsAt;
  }

  private async create(nodeId: bigint, orderId: bigint | null): Promise<void> {
    const { chain, clock, db, log, terms } = this.options;
    const { size, seconds } = challengeFor(chain.node(nodeId)?.ratePerDay ?? 0n, terms);
    const id = randomBytes(32);
    step("signer.challenge.before-store");
    await db
      .insertInto("challenges")
      .values({
        id,
        node_id: toBlob(nodeId),
        order_id: orderId === null ? null : toBlob(orderId),
        seed: randomBytes(32),
        size,
        seconds,
        drawn_at: clock.now(),
        given_at: null,
        given_ms: null,
        root: null,
        rows: null,
        outcome: null,
      })
      .execute();
    step("signer.challenge.stored");
    log.debug({ challenge: fromBytes(id), nodeId: String(nodeId), size: String(size) }, "challenge drawn");
  }

  private async conclude(row: Row, outcome: string): Promise<void> {
    const { db, log } = this.options;
    step("signer.challenge.before-outcome");
    await db.updateTable("challenges").set({ outcome }).where("id", "=", row.id).where("outcome", "is", null).execute();
    step("signer.challenge.outcome-stored");
    this.outcomes.inc({ outcome });
    const said = { challenge: fromBytes(row.id), nodeId: String(fromBlob(row.node_id)), outcome };
    if (outcome === "passed") log.info(said, "challenge passed");
    else log.warn(said, "challenge failed");
  }

  /** Returns the challenges that are not over: of a node, or all. */
  private running(nodeId?: bigint): Promise<Row[]> {
    const running = this.options.db.selectFrom("challenges").selectAll().where("outcome", "is", null);
    return (nodeId === undefined ? running : running.where("node_id", "=", toBlob(nodeId))).execute();
  }

  /** Deletes challenges that are over and older than every open order of their node. */
  private async prune(): Promise<void> {
    const { chain, clock, db } = this.options;
    const over = db.selectFrom("challenges").select("node_id").distinct().where("outcome", "is not", null);
    for (const { node_id } of await over.execute()) {
      const starts = chain.openOrdersOf(fromBlob(node_id)).map(({ startedAt }) => startedAt);
      await db
        .deleteFrom("challenges")
        .where("node_id", "=", node_id)
        .where("outcome", "is not", null)
        .where("drawn_at", "<", starts.reduce(min, clock.now() - KEPT))
        .execute();
    }
  }

  private async find(challenge: string): Promise<Row> {
    const row = await this.options.db
      .selectFrom("challenges")
      .selectAll()
      .where("id", "=", toBytes(challenge))
      .executeTakeFirst();
    if (row === undefined) throw new RefusedError(404, "unknown-challenge", "This signer has not given the challenge");
    if (row.outcome !== null) throw new RefusedError(409, "over", `The challenge is over: ${row.outcome}`);
    return row;
  }

  /** @param signerOf recovers the key, which takes longer than to see that the node is unknown */
  private async checkKey(nodeId: bigint, signerOf: () => string | undefined): Promise<void> {
    const { chain, clock, isMeterKey } = this.options;
    if (chain.node(nodeId) === undefined) {
      throw new RefusedError(404, "unknown-node", `No final block has a node ${nodeId}`);
    }
    const key = signerOf();
    if (key !== undefined && (await isMeterKey(nodeId, key, clock.now()))) return;
    throw new RefusedError(403, "bad-signature", `It is not signed by a meter key of node ${nodeId} in force`);
  }
}

function parseRows(text: string): bigint[] {
  return text.split(" ").map(BigInt);
}
