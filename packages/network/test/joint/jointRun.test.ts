import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";

import { type JointNetwork, JointRun, saveHashed, type Worker } from "@turingfog/network";
import { ROUND_CLAIM, type RoundClaim, type Signed, type StoppedWorker } from "@turingfog/sdk/wire";
import { initialWeights, type TrainingPlan } from "@turingfog/training";
import { expect } from "chai";
import { id, Wallet } from "ethers";

import { inFolder } from "../helpers/folders";
import { LOG } from "../helpers/intake";
import { METER_DOMAIN } from "../helpers/meters";
import { dataFiles, SHARDS, tinyPlan, trainedAlone } from "../helpers/training";

const ORDER = 4n;
const NODES = [1n, 2n, 3n];
const PLAN = tinyPlan({ rounds: 6 });

const meterOf = (nodeId: bigint) => new Wallet(id(`joint worker ${nodeId}`));
const keyOf = (nodeId: bigint) => meterOf(nodeId).address.toLowerCase();

interface Options {
  plan?: TrainingPlan;
  least?: number;
  /** Changes what a worker claims, given where it keeps its weights. */
  change?: (claim: RoundClaim, run: JointRun) => Promise<RoundClaim>;
  patience?: number;
}

/** Waits until something is so. */
async function eventually(isSo: () => boolean): Promise<void> {
  for (let looks = 0; !isSo(); looks++) {
    if (looks > 4_000) throw new Error(`it is never so: ${isSo.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Workers in one process, who reach each other as a test has it. */
class Together {
  readonly runs = new Map<bigint, JointRun>();
  /** Workers whom nobody reaches. */
  readonly away = new Set<bigint>();
  stopped: StoppedWorker[] = [];
  private readonly ends: AbortController[] = [];

  constructor(private readonly folder: string) {}

  /** Opens a worker's run, again if it was closed. */
  async open(nodeId: bigint, { plan = PLAN, least = 2, change, patience = 400 }: Options = {}): Promise<JointRun> {
    const sign = async (claim: RoundClaim): Promise<Signed<RoundClaim>> => {
      const claimed = change === undefined ? claim : await change(claim, this.runs.get(nodeId) as JointRun);
      return ROUND_CLAIM.sign(meterOf(nodeId), METER_DOMAIN, claimed);
    };
    const run = await JointRun.open({
      ...{ orderId: ORDER, nodeId, job: { plan, shards: SHARDS, least }, sign, patience, log: LOG },
      ...{ network: this.networkOf(nodeId), note: async () => undefined, trained: async () => undefined },
      ...{ folder: path.join(this.folder, String(nodeId)), input: this.folder },
    });
    this.runs.set(nodeId, run);
    return run;
  }

  /** Has workers train until all rounds are over, or they are closed. */
  async train(...nodes: bigint[]): Promise<void> {
    await Promise.all(
      nodes.map(async (nodeId) => {
        const end = new AbortController();
        this.ends.push(end);
        await this.runs.get(nodeId)?.train(end.signal);
      }),
    );
  }

  /** Waits until a worker has so many rounds behind it. */
  async until(nodeId: bigint, rounds: number): Promise<void> {
    await eventually(() => this.endHashes(nodeId).length >= rounds);
  }

  endHashes(nodeId: bigint): string[] {
    return (this.runs.get(nodeId)?.book.closings ?? []).map(({ endHash }) => endHash);
  }

  workersOf(nodeId: bigint): string[] {
    return (this.runs.get(nodeId)?.book.closings ?? []).map(({ claims }) => claims.map((claim) => claim.nodeId).join());
  }

  async close(): Promise<void> {
    for (const end of this.ends) end.abort();
    for (const run of this.runs.values()) await run.close();
  }

  private networkOf(self: bigint): JointNetwork {
    const reach = ({ nodeId }: Worker): JointRun => {
      const run = this.runs.get(nodeId);
      if (run === undefined || this.away.has(nodeId) || this.away.has(self)) throw new Error(`${nodeId} is away`);
      return run;
    };
    return {
      workers: async () =>
        NODES.map((nodeId) => ({ nodeId, endpoint: "", meterKey: keyOf(nodeId), keys: [keyOf(nodeId)] })),
      state: async (worker, _, after) => reach(worker).stateAfter(after),
      weights: async (worker, _, hash, file) => {
        const { store } = reach(worker);
        if (!(await store.has(hash))) throw new Error(`${worker.nodeId} has no weights ${hash}`);
        await saveHashed(createReadStream(store.fileOf(hash)), hash, file);
      },
      stopped: async () => this.stopped,
      isSigned: (claim, { keys }) => keys.includes(String(ROUND_CLAIM.signerOf(METER_DOMAIN, claim))),
    };
  }
}

async function together(test: (all: Together) => Promise<void>): Promise<void> {
  await inFolder(async (folder) => {
    for (const { path: name, content } of await dataFiles()) await writeFile(path.join(folder, name), content);
    const all = new Together(folder);
    try {
      await test(all);
    } finally {
      await all.close();
    }
  });
}

describe("Workers of one run", () => {
  it("come to the bytes that the trainer alone makes of all their parts", () =>
    together(async (all) => {
      for (const nodeId of NODES) await all.open(nodeId, { least: 3 });
      await all.train(...NODES);
      const alone = trainedAlone(PLAN, () => NODES);
      for (const nodeId of NODES) expect(all.endHashes(nodeId)).to.deep.equal(alone);
      expect(NODES.map((nodeId) => all.runs.get(nodeId)?.images)).to.deep.equal([72n, 72n, 72n]);
    }));

  it("go on without one that never comes, whose turn as coordinator is passed over", () =>
    together(async (all) => {
      // the first coordinator is number 4 mod 3: node 2
      for (const nodeId of [1n, 3n]) await all.open(nodeId);
      await all.train(1n, 3n);
      expect(all.endHashes(1n)).to.deep.equal(trainedAlone(PLAN, () => [1n, 3n]));
      expect(all.endHashes(3n)).to.deep.equal(all.endHashes(1n));
    }));

  it("take one back that was ended, which claims no round twice and ends with the same weights", () =>
    together(async (all) => {
      const plan = tinyPlan({ rounds: 30 });
      for (const nodeId of NODES) await all.open(nodeId, { plan });
      const done = all.train(1n, 2n);
      const ended = all.train(3n).catch(() => undefined);
      await all.until(3n, 3);
      all.away.add(3n);
      await all.runs.get(3n)?.close();
      await ended;
      const before = all.runs.get(3n)?.book.claims ?? [];
      await all.until(1n, 10);

      // the others are not to be done before it is back
      for (const nodeId of [1n, 2n]) all.runs.get(nodeId)?.pause(true);
      const again = await all.open(3n, { plan });
      all.away.delete(3n);
      for (const nodeId of [1n, 2n]) all.runs.get(nodeId)?.pause(false);
      await Promise.all([done, all.train(3n)]);
      expect(again.book.claims.slice(0, before.length)).to.deep.equal(before);
      expect(all.endHashes(3n)).to.deep.equal(all.endHashes(1n));
      const took = all.workersOf(1n);
      expect(took).to.include("1,2");
      expect(took.at(-1)).to.equal("1,2,3");
    }));

  it("leave the weights out that nobody can have", () =>
    together(async (all) => {
      for (const nodeId of [1n, 2n]) await all.open(nodeId);
      await all.open(3n, { change: async (claim) => ({ ...claim, endHash: id(`nothing ${claim.round}`) }) });
      await Promise.all([all.train(1n, 2n), all.train(3n)]);
      expect(all.endHashes(3n)).to.deep.equal(trainedAlone(PLAN, () => [1n, 2n]));
    }));

  /** Claims, from a round on, weights that lead away from what was learned. */
  const poison = (from: bigint) => async (claim: RoundClaim, run: JointRun) => {
    if (claim.round < from) return claim;
    const [start, end] = [await run.store.get(claim.startHash), await run.store.get(claim.endHash)];
    return { ...claim, endHash: await run.store.put(start.map((weight, i) => weight - 6 * (end[i] - weight))) };
  };

  it("stop one whose claim signers have found to be false, and go back to the weights before it", () =>
    together(async (all) => {
      for (const nodeId of [1n, 2n]) await all.open(nodeId, { least: 2 });
      await all.open(3n, { change: poison(3n), least: 2 });
      const done = Promise.all([all.train(1n, 2n), all.train(3n)]);
      await all.until(1n, 3);
      all.stopped = [{ nodeId: 3n, round: 3n }];
      await done;
      const closings = all.runs.get(1n)?.book.closings ?? [];
      const at = closings.findIndex(({ stopped }) => stopped.length > 0);
      expect(closings[at].stopped).to.deep.equal([{ nodeId: 3n, round: 3n }]);
      expect(closings[at].endHash).to.equal(closings[1].endHash);
      expect(closings.slice(at + 1).every(({ claims }) => claims.every(({ nodeId }) => nodeId !== 3n))).to.equal(true);
      expect(all.endHashes(2n)).to.deep.equal(all.endHashes(1n));
      expect(all.runs.get(3n)?.isStopped).to.equal(true);
    }));

  it("stop nobody whose claim comes out right, whatever a signer says", () =>
    together(async (all) => {
      for (const nodeId of NODES) await all.open(nodeId, { least: 3 });
      all.stopped = [{ nodeId: 3n, round: 1n }];
      await all.train(...NODES);
      expect(all.endHashes(1n)).to.deep.equal(trainedAlone(PLAN, () => NODES));
    }));

  it("close no round that fewer have claimed than the job asks for", () =>
    together(async (all) => {
      await all.open(1n, { least: 2, patience: 40 });
      const alone = all.train(1n);
      while (all.runs.get(1n)?.images === 0n) await new Promise((resolve) => setTimeout(resolve, 5));
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(all.endHashes(1n)).to.deep.equal([]);
      await all.close();
      await alone.catch(() => undefined);
    }));

  it("come together on one branch after they could not reach each other", () =>
    together(async (all) => {
      const plan = tinyPlan({ rounds: 100_000 });
      all.away.add(3n);
      for (const nodeId of NODES) await all.open(nodeId, { plan, least: 1, patience: 100 });
      const done = all.train(...NODES);
      await all.until(3n, 4);
      await all.until(1n, 4);
      expect(all.endHashes(3n)[0]).to.not.equal(all.endHashes(1n)[0]);
      all.away.delete(3n);
      const firstOf = (nodeId: bigint) => all.endHashes(nodeId)[0];
      await eventually(() => firstOf(3n) === firstOf(1n) && firstOf(3n) === firstOf(2n));
      await all.close();
      await done.catch(() => undefined);
      expect(all.workersOf(1n).slice(0, 4).join(";")).to.match(/^((1|2|1,2)(;|$)){4}|^(3(;|$)){4}/);
    }));

  it("refuse a round whose end is not the mean of what is claimed", () =>
    together(async (all) => {
      for (const nodeId of NODES) await all.open(nodeId, { least: 3 });
      const liar = all.runs.get(2n) as JointRun;
      const wrong = await liar.store.put(initialWeights(PLAN.model, id("wrong")));
      const told = liar.stateAfter.bind(liar);
      liar.stateAfter = (round) => {
        const state = told(round);
        return { ...state, closings: state.closings.map((each) => ({ ...each, endHash: wrong })) };
      };
      await all.train(...NODES);
      expect(all.endHashes(1n)).to.not.include(wrong);
      expect(all.endHashes(3n)).to.not.include(wrong);
    }));
});
