import { setTimeout as sleep } from "node:timers/promises";

import { HttpError, Product } from "@turingfog/network";
import { attainableTU, DAY, max, min } from "@turingfog/sdk";
import {
  CHALLENGE_ANSWER,
  CHALLENGE_PROOF,
  CHALLENGE_ROWS,
  CHALLENGES,
  EVIDENCE,
  HEARTBEAT,
  HEARTBEAT_HEADER,
  meterDomain,
  NODE_DOCUMENT,
  nodeDomain,
  READING,
  type Reading,
  READING_ANSWERS,
  READINGS,
  type Signed,
} from "@turingfog/sdk/wire";
import { sha256, toUtf8Bytes, Wallet, ZeroHash } from "ethers";

import { openOrder } from "../../test/helpers/market";
import type { MeterEntry } from "./books";
import { PRICES } from "./genesis";
import type { Member } from "./member";
import { CHAIN_ID, type World } from "./world";

const HOURS = 12n * 3_600n;

/** What a meter says of an order. */
export interface Told {
  startedAt: bigint;
  tuAmount: bigint;
  readings: Signed<Reading>[];
}

/** A node without an agent, which says what it is told to, in the network's own formats, and passes its challenges. */
export class Meter {
  readonly orders = new Map<bigint, Told>();
  private readonly key = Wallet.createRandom();
  /** When it asked for the last challenge that it passed, by signer. */
  private readonly passed = new Map<string, bigint>();
  private isOver = false;
  private answering = Promise.resolve();

  private constructor(
    private readonly world: World,
    readonly nodeId: bigint,
    readonly ratePerDay: bigint,
  ) {}

  /** @param index of the nodes without an agent */
  static async start(world: World, index: number): Promise<Meter> {
    const { owner, nodeId } = world.genesis.others[index];
    const { contracts, addresses } = world.protocol;
    const { rate } = await contracts.registry.standing(nodeId);
    const meter = new Meter(world, nodeId, rate);
    const document = await NODE_DOCUMENT.sign(owner, nodeDomain(CHAIN_ID, addresses.registry), {
      nodeId,
      sequence: 1n,
      expiresAt: world.seconds + 100n * DAY,
      endpoint: "http://127.0.0.1:1",
      meterKey: meter.key.address.toLowerCase(),
      encryptionKey: `age1${"q".repeat(58)}`,
      runners: [{ kind: "process", name: "none", slots: {} }],
    });
    const text = Buffer.from(NODE_DOCUMENT.encode(document)).toString("base64");
    await world.chain.alone(() =>
      contracts.registry.connect(owner).setMetadataURI(nodeId, `data:application/json;base64,${text}`),
    );
    meter.answering = meter.answerChallenges();
    return meter;
  }

  async stop(): Promise<void> {
    this.isOver = true;
    await this.answering;
  }

  /** Has a renter open an order of 12 hours with this node, without a job unless the terms have one. */
  async open(terms: { tuAmount: bigint; jobHash?: string }): Promise<bigint> {
    const { protocol, chain } = this.world;
    const { tft, escrow } = protocol.contracts;
    const whole = { nodeId: this.nodeId, maxUnitPrice: PRICES.tft, duration: HOURS, jobHash: ZeroHash, ...terms };
    const orderId = await chain.alone(() => openOrder(protocol, protocol.actors.renters[0], tft, whole));
    this.join(orderId, terms.tuAmount, (await escrow.order(orderId)).startedAt);
    return orderId;
  }

  /** Begins to say something of an order that is there. */
  join(orderId: bigint, tuAmount: bigint, startedAt: bigint): void {
    this.orders.set(orderId, { startedAt, tuAmount, readings: [] });
  }

  /** TU that the node can have worked on an order until a time, if it did nothing else. */
  possible(orderId: bigint, at: bigint): bigint {
    const { startedAt, tuAmount } = this.orders.get(orderId) as Told;
    return min((this.ratePerDay * max(at - startedAt, 0n)) / DAY, tuAmount);
  }

  /** Signs the reading that comes next on an order, as it should be unless something differs. */
  async next(orderId: bigint, cumulativeTU: bigint, differing: Partial<Reading> = {}): Promise<Signed<Reading>> {
    const last = this.orders.get(orderId)?.readings.at(-1);
    const evidence = EVIDENCE.encode({ counted: "seconds", amount: this.world.seconds, result: ZeroHash });
    return READING.sign(this.key, this.domain, {
      orderId,
      nodeId: this.nodeId,
      sequence: (last?.sequence ?? 0n) + 1n,
      cumulativeTU,
      measuredAt: this.world.seconds,
      evidence: sha256(toUtf8Bytes(evidence)),
      previous: last === undefined ? ZeroHash : READING.digest(this.domain, last),
      ...differing,
    });
  }

  /** Adds readings of what it says to be its work, a minute apart. */
  async measure(orderId: bigint, times: number, claim: (possible: bigint) => bigint): Promise<void> {
    const { readings, startedAt } = this.orders.get(orderId) as Told;
    for (let i = 0; i < times; ++i) {
      const due = (readings.at(-1)?.measuredAt ?? startedAt) + 60n;
      await this.world.until("A minute", async () => this.world.seconds >= due || undefined);
      const reading = await this.next(orderId, claim(this.possible(orderId, this.world.seconds)));
      readings.push(reading);
      await this.postUntilTaken(readings);
    }
  }

  /** Posts readings to all signers that are up, and resolves to the names of their answers. */
  async post(readings: readonly Signed<Reading>[]): Promise<string[]> {
    const body = READINGS.encode({ readings: [...readings] });
    const answers = await Promise.all(
      this.world.signers.map(async ({ options }) => {
        const answer = await this.world.client.post(`${options.endpoint}/v1/readings`, body).catch((error: unknown) => {
          if (error instanceof HttpError && error.status !== 0) this.world.refusals.add(error.error);
        });
        return answer ? READING_ANSWERS.decode(answer).answers : [];
      }),
    );
    const results = answers.flat().map(({ result }): string => result);
    for (const result of results) if (result !== "accepted" && result !== "known") this.world.refusals.add(result);
    return results;
  }

  /** Returns how many signers it has passed a challenge of since its last reading. */
  get confirmations(): number {
    const last = [...this.orders.values()].flatMap(({ readings }) => readings.at(-1)?.measuredAt ?? 0n).reduce(max);
    return [...this.passed.values()].filter((at) => at >= last).length;
  }

  /** Returns what its meter holds, for the books. */
  entries(owedTU: (orderId: bigint, workedTU: bigint) => bigint): MeterEntry[] {
    return [...this.orders].flatMap(([orderId, { readings, startedAt }]) => {
      const last = readings.at(-1);
      if (last === undefined) return [];
      const workedTU = min(last.cumulativeTU, attainableTU(this.ratePerDay, last.measuredAt - startedAt));
      return [{ orderId, nodeId: this.nodeId, workedTU, owedTU: owedTU(orderId, workedTU), until: last.measuredAt }];
    });
  }

  /** Posts until two signers have all, from whom the others pull. */
  private async postUntilTaken(readings: readonly Signed<Reading>[]): Promise<void> {
    await this.world.until("The taking of readings", async () => {
      const results = await this.post(readings);
      const taken = results.filter((result) => result === "accepted" || result === "known");
      return taken.length >= 2 * readings.length || undefined;
    });
  }

  private get domain() {
    return meterDomain(CHAIN_ID, this.world.protocol.addresses.escrow);
  }

  private async answerChallenges(): Promise<void> {
    for (; !this.isOver && !this.world.isClosed; await sleep(500)) {
      for (const signer of this.world.signers) if (signer.isUp) await this.answer(signer).catch(() => undefined);
    }
  }

  private async answer({ options: { endpoint }, address }: Member): Promise<void> {
    const { client } = this.world;
    const heartbeat = { nodeId: this.nodeId, receiver: address, sentAt: this.world.seconds };
    const headers = { [HEARTBEAT_HEADER]: HEARTBEAT.encode(await HEARTBEAT.sign(this.key, this.domain, heartbeat)) };
    const given = await client.get(`${endpoint}/v1/challenges?node=${this.nodeId}`, { headers });
    for (const { id, seed, size } of CHALLENGES.decode(given).challenges) {
      const product = Product.of({ seed, size });
      const answer = await CHALLENGE_ANSWER.sign(this.key, this.domain, { challenge: id, root: product.root });
      const url = `${endpoint}/v1/challenges/${id}`;
      const { rows } = CHALLENGE_ROWS.decode(await client.post(url, CHALLENGE_ANSWER.encode(answer)));
      await client.post(`${url}/rows`, CHALLENGE_PROOF.encode({ challenge: id, paths: product.paths(rows) }));
      this.passed.set(address, heartbeat.sentAt);
    }
  }
}
