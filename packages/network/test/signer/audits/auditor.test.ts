import { copyFile, mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import {
  AUDIT_MIGRATIONS,
  type AuditedJob,
  Auditor,
  type AuditorOptions,
  type AuditTables,
  addAuditRoutes,
  Claims,
  HttpClient,
  openServer,
  type Store,
} from "@turingfog/network";
import {
  CLAIM_ANSWERS,
  ROUND_CLAIM,
  ROUND_CLAIMS,
  type RoundClaim,
  type Signed,
  STOPPED_WORKERS,
} from "@turingfog/sdk/wire";
import { initialWeights, shardOf, shardsOf, Trainer, type TrainingPlan, WeightsStore } from "@turingfog/training";
import { expect } from "chai";
import { id } from "ethers";
import { Registry } from "prom-client";

import { inFolder } from "../../helpers/folders";
import { LOG, meters, StoppedClock } from "../../helpers/intake";
import { type Meter, METER_DOMAIN, START, World } from "../../helpers/meters";
import { Stores } from "../../helpers/stores";
import { dataFiles, SHARDS, TINY, tinyPlan, TRAIN } from "../../helpers/training";

const TU = 10n ** 18n;

/** A signer that audits one worker alone on its order, and that worker's weights. */
class Bench {
  time = START;
  isDrawn = false;
  /** Whether the worker gives its weights away. */
  isGiving = true;
  readonly world: World;
  readonly claims: Claims;
  readonly auditor: Auditor;
  private readonly trainer: Trainer;
  private readonly weights: WeightsStore;
  private start: Float32Array;

  constructor(
    folder: string,
    readonly plan: TrainingPlan,
    readonly meter: Meter,
    store: Store<AuditTables>,
  ) {
    this.world = new World([meter]);
    this.trainer = new Trainer(plan);
    this.weights = new WeightsStore(path.join(folder, "worker"), TINY);
    this.start = initialWeights(TINY, plan.seed);
    const facts = Object.assign(this.world, { blockTime: () => this.time });
    this.claims = new Claims({
      ...{ db: store.db, facts, documents: this.world, domain: METER_DOMAIN, clock: new StoppedClock() },
    });
    const job: AuditedJob = {
      ...{ plan, shards: SHARDS, least: 1, imagesPerTU: 12n, input: folder, weights: path.join(folder, "signer") },
    };
    const options: AuditorOptions = {
      ...{ db: store.db, claims: this.claims, interval: 3_600n, oneIn: 16n, log: LOG, metrics: new Registry() },
      draws: { isDrawn: () => this.isDrawn },
      jobs: { isGranted: () => true, known: () => job, job: async () => job },
      chain: {
        blockTime: () => this.time,
        block: () => ({ hash: id("block") }),
        order: () => ({ ...this.meter.order(), settledTU: () => TU / 2n }),
      },
      source: {
        get: async (_, { hash }, file) => {
          if (!this.isGiving || !(await this.weights.has(hash))) return false;
          await mkdir(path.dirname(file), { recursive: true });
          await copyFile(this.weights.fileOf(hash), file);
          return true;
        },
      },
    };
    this.auditor = new Auditor(options);
  }

  /** Trains the next round as an honest worker, and returns its claim, with what is different in it. */
  async next(round: bigint, change: Partial<RoundClaim> = {}): Promise<Signed<RoundClaim>> {
    const { nodeId, orderId } = this.meter;
    const shard = shardsOf(TRAIN, SHARDS, this.plan.seed)[shardOf(nodeId, round, SHARDS)];
    const { weights, startHash, endHash, images } = this.trainer.train({ round, nodeId, start: this.start, shard });
    await this.weights.put(this.start);
    await this.weights.put(weights);
    this.start = weights;
    return this.sign({ orderId, nodeId, round, startHash, endHash, images, ...change });
  }

  sign(claim: RoundClaim): Promise<Signed<RoundClaim>> {
    return ROUND_CLAIM.sign(this.meter.wallet, METER_DOMAIN, claim);
  }

  async take(...claims: Signed<RoundClaim>[]): Promise<string[]> {
    return (await this.claims.take(claims)).map(({ result }) => result);
  }

  /** Lets the time of blocks pass, and audits until nothing more can be. */
  async audit(seconds = 60n): Promise<void> {
    this.time += seconds;
    for (let i = 0; i < 12; i++) {
      await this.auditor.advance();
      await this.auditor.settled();
    }
  }

  async limit(): Promise<{ limitTU: bigint; reason: string } | undefined> {
    const { orderId, nodeId } = this.meter;
    return (await this.auditor.limits())(orderId, nodeId);
  }
}

async function bench(test: (bench: Bench) => Promise<void>, plan = tinyPlan({ rounds: 9 })): Promise<void> {
  const stores = new Stores();
  await inFolder(async (folder) => {
    for (const { path: name, content } of await dataFiles()) await writeFile(path.join(folder, name), content);
    const [meter] = await meters(1);
    const store = await stores.openAt<AuditTables>(stores.location(), AUDIT_MIGRATIONS);
    const given = new Bench(folder, plan, meter, store);
    try {
      await test(given);
    } finally {
      await given.auditor.close();
      await stores.close();
    }
  });
}

describe("Claims", () => {
  it("are taken once each, by ascending rounds", () =>
    bench(async (each) => {
      const [first, second] = [await each.next(1n), await each.next(2n)];
      expect(await each.take(first, second, first)).to.deep.equal(["accepted", "accepted", "known"]);
      const fourth = await each.next(4n);
      expect(await each.take(fourth, await each.next(3n))).to.deep.equal(["accepted", "old-round"]);
      expect(await each.claims.after(each.meter, 1n, 10)).to.deep.equal([second, fourth]);
    }));

  it("that are two of one round stop their worker", () =>
    bench(async (each) => {
      const first = await each.next(1n);
      const other = await each.sign({ ...first, endHash: id("other") });
      expect(await each.take(first, other, await each.next(2n))).to.deep.equal([
        "accepted",
        "equivocation",
        "stopped-node",
      ]);
      await each.claims.readStopped();
      expect(each.claims.isStopped(each.meter)).to.equal(true);
      expect(await each.limit()).to.deep.equal({ limitTU: TU / 2n, reason: "false-claim" });
    }));

  it("are refused by name", () =>
    bench(async (each) => {
      const { meter, world } = each;
      const claim = await each.next(1n);
      const [stranger] = (await meters(2)).slice(1);
      const forged = { ...claim, signature: (await ROUND_CLAIM.sign(stranger.wallet, METER_DOMAIN, claim)).signature };
      expect(await each.take(forged, { ...claim, orderId: 1n }, { ...claim, nodeId: 2n })).to.deep.equal([
        "bad-signature",
        "unknown-order",
        "unknown-node",
      ]);
      expect(world.wanted).to.deep.equal([meter.nodeId]);
      world.nodes.set(2n, { ...meter.node(), nodeId: 2n });
      world.documents.delete(meter.nodeId);
      expect(await each.take(claim, { ...claim, nodeId: 2n })).to.deep.equal(["no-document", "other-node"]);
      world.orders.set(meter.orderId, meter.order({ closed: true }));
      expect(await each.take(claim)).to.deep.equal(["closed-order"]);
    }));
});

describe("Auditor", () => {
  it("audits the first three rounds and the last one of all in any case, others by its draw", () =>
    bench(async (each) => {
      for (let round = 1n; round <= 6n; round++) await each.take(await each.next(round));
      await each.audit();
      expect(await each.limit()).to.deep.equal({ limitTU: 2n * TU, reason: "unaudited" });
      each.isDrawn = true;
      await each.take(await each.next(7n));
      await each.audit();
      expect((await each.limit())?.limitTU).to.equal(6n * TU);
      each.isDrawn = false;
      await each.take(await each.next(8n), await each.next(9n));
      await each.audit();
      expect((await each.limit())?.limitTU).to.equal(9n * TU);
    }));

  it("draws no claim before a final block that is later than it", () =>
    bench(async (each) => {
      await each.take(await each.next(1n), await each.next(2n));
      await each.audit(0n);
      expect((await each.limit())?.limitTU).to.equal(0n);
      await each.audit();
      expect((await each.limit())?.limitTU).to.equal(TU);
    }));

  it("waits, and lets nothing more be paid, if nobody gives the weights", () =>
    bench(async (each) => {
      await each.take(await each.next(1n), await each.next(2n), await each.next(3n));
      each.isGiving = false;
      await each.audit();
      // the first weights follow from the plan
      expect((await each.limit())?.limitTU).to.equal(0n);
    }));

  const cheats: [string, bigint, (claim: Signed<RoundClaim>) => Partial<RoundClaim>][] = [
    ["other weights than come out", 2n, () => ({ endHash: id("poison") })],
    ["no work at all", 5n, ({ startHash }) => ({ endHash: startHash })],
    ["more images than it trains", 3n, () => ({ images: 1_000n })],
    ["other first weights than the plan's", 1n, () => ({ startHash: id("own") })],
  ];
  for (const [what, round, change] of cheats) {
    it(`finds a claim of ${what}, stops the worker, and pays no more than was settled`, () =>
      bench(async (each) => {
        for (let at = 1n; at <= 6n; at++) {
          const claim = await each.next(at);
          await each.take(at === round ? await each.sign({ ...claim, ...change(claim) }) : claim);
        }
        await each.audit();
        expect(await each.claims.lying(each.meter.orderId)).to.deep.equal([{ nodeId: each.meter.nodeId, round }]);
        expect(await each.limit()).to.deep.equal({ limitTU: TU / 2n, reason: "false-claim" });
        expect(await each.take(await each.next(7n))).to.deep.equal(["stopped-node"]);
      }));
  }

  it("audits a round that has changed nothing", () =>
    bench(async (each) => {
      const claims: Signed<RoundClaim>[] = [];
      for (let at = 1n; at <= 5n; at++) claims.push(await each.next(at));
      // no claim has ended with the first weights
      const { startHash } = claims[0];
      claims[4] = await each.sign({ ...claims[4], startHash, endHash: startHash });
      await each.take(...claims);
      await each.audit();
      expect(await each.claims.lying(each.meter.orderId)).to.deep.equal([{ nodeId: each.meter.nodeId, round: 5n }]);
    }));

  it("audits a round whose end another one has had before", () =>
    bench(async (each) => {
      const claims: Signed<RoundClaim>[] = [];
      for (let at = 1n; at <= 5n; at++) claims.push(await each.next(at));
      claims[4] = await each.sign({ ...claims[4], endHash: claims[3].endHash, startHash: claims[2].endHash });
      await each.take(...claims);
      await each.audit();
      expect(await each.claims.lying(each.meter.orderId)).to.deep.equal([{ nodeId: each.meter.nodeId, round: 5n }]);
    }));

  it("tells workers and other signers what they ask for", () =>
    bench(async (each) => {
      const jobs = { grant: async () => undefined } as never;
      const server = await openServer({ listen: { host: "127.0.0.1", port: 0 }, log: LOG }, (on) =>
        addAuditRoutes(on, each.claims, jobs),
      );
      const client = new HttpClient();
      const url = `http://127.0.0.1:${(server.server.address() as { port: number }).port}/v1`;
      try {
        const { orderId, nodeId } = each.meter;
        const claims = [await each.next(1n), await each.next(2n, { endHash: id("poison") })];
        const answer = CLAIM_ANSWERS.decode(await client.post(`${url}/claims`, ROUND_CLAIMS.encode({ claims })));
        expect(answer.answers).to.deep.equal([{ result: "accepted" }, { result: "accepted" }]);
        const told = ROUND_CLAIMS.decode(await client.get(`${url}/claims?author=${orderId}-${nodeId}&after=1`));
        expect(told.claims).to.deep.equal([claims[1]]);
        expect((await client.get(`${url}/claims?author=${orderId}-${nodeId}&after=2`)).length).to.equal(0);
        await each.audit();
        const { stopped } = STOPPED_WORKERS.decode(await client.get(`${url}/orders/${orderId}/stopped`));
        expect(stopped).to.deep.equal([{ nodeId, round: 2n }]);
        await expect(client.get(`${url}/claims?author=1&after=2`)).to.be.rejectedWith("author must be ORDER-NODE");
      } finally {
        client.close();
        await server.close();
      }
    }));
});
