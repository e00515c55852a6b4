import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { TuringFogError } from "@turingfog/sdk";
import { MAX_CLOSINGS, type Closing, type RoundClaim, type Signed, type TrainingState } from "@turingfog/sdk/wire";
import {
  attemptAfter,
  closingOf,
  coordinatorOf,
  faultOf,
  forkOf,
  goesOn,
  type JointStart,
  moveOf,
  parametersOf,
  shapesOf,
  startAfter,
  stoppedAfter,
  WeightsStore,
} from "@turingfog/training";
import type { Logger } from "pino";

import { reasonOf, step } from "../runtime/index.js";
import { imagesOfRound, type TrainingJob } from "./job.js";
import { RunBook } from "./runBook.js";
import { TrainerError, TrainerThread } from "./trainerThread.js";
import type { JointNetwork, Worker } from "./workers.js";

export const TRAINING_STEPS = [
  "training.claim.before-store",
  "training.claim.stored",
  "training.closing.before-store",
  "training.closing.stored",
] as const;

/** Looks at the other workers in the time that a coordinator waits for stragglers, and the most milliseconds between two. */
const LOOKS = 20;
const MAX_PAUSE = 1_000;

export interface JointRunOptions {
  orderId: bigint;
  nodeId: bigint;
  job: TrainingJob;
  /** The run's folder. */
  folder: string;
  /** Folder with the job's data. */
  input: string;
  network: JointNetwork;
  /** Signs a claim by the node's meter key. */
  sign: (claim: RoundClaim) => Promise<Signed<RoundClaim>>;
  /** Milliseconds that a coordinator waits for stragglers. */
  patience: number;
  /** Hears of each round, as a line. */
  note: (line: string) => Promise<void>;
  /** Hears for how long a round was trained. */
  trained: (milliseconds: number) => Promise<void>;
  log: Logger;
}

/** Thrown when what another worker says does not hold, or what a run needs is nowhere to be had at present. */
export class JointRunError extends TuringFogError {}

/** What is known of the present round. */
interface Present {
  /** Claims of this round and start, by their nodes. */
  claims: Map<bigint, Signed<RoundClaim>>;
  /** Workers that have answered. */
  answering: Set<bigint>;
}

/**
 * One worker's part in a run of joint training: it trains the round that is open, claims it, and takes the rounds that are
 * over from the coordinator, or closes them itself when it is its turn. Workers ask each other, and tell nobody unasked.
 */
export class JointRun {
  readonly store: WeightsStore;
  /** The bytes of a set of weights. */
  readonly bytes: number;
  private trainer: TrainerThread | undefined;
  private start: JointStart | undefined;
  private attempt = 0n;
  private since = performance.now();
  private seen: Present = { claims: new Map(), answering: new Set() };

  private constructor(
    private readonly options: JointRunOptions,
    readonly book: RunBook,
    private readonly weights: string,
  ) {
    const { model } = options.job.plan;
    this.store = new WeightsStore(weights, model);
    this.bytes = 4 * parametersOf(shapesOf(model)).reduce((sum, { length }) => sum + length, 0);
  }

  static async open(options: JointRunOptions): Promise<JointRun> {
    const weights = path.join(options.folder, "weights");
    await mkdir(weights, { recursive: true });
    return new JointRun(options, await RunBook.open(path.join(options.folder, "rounds")), weights);
  }

  /** The images of all rounds that were claimed. */
  get images(): bigint {
    return this.book.claims.reduce((sum, { images }) => sum + images, 0n);
  }

  pause(isPaused: boolean): void {
    this.thread.pause(isPaused);
  }

  async close(): Promise<void> {
    await this.trainer?.close();
  }

  /** Returns what other workers ask for: own claims and rounds after one. */
  stateAfter(round: bigint): TrainingState {
    const { closings, claims } = this.book;
    return {
      claims: claims.filter((each) => each.round > round).slice(0, MAX_CLOSINGS),
      closings: closings.slice(Number(round), Number(round) + MAX_CLOSINGS),
    };
  }

  /**
   * Takes part until all rounds are over, or this worker is stopped.
   * @throws TrainerError if this worker cannot train
   */
  async train(signal: AbortSignal): Promise<void> {
    const { orderId, job, log, patience } = this.options;
    this.start = { orderId, startHash: await this.thread.run("start", {}) };
    this.attempt = attemptAfter(this.book.closings);
    this.since = performance.now();
    while (!signal.aborted && !this.isStopped && this.book.closings.length < job.plan.rounds) {
      const isNews = await this.advance().catch((error: unknown) => {
        if (error instanceof TrainerError) throw error;
        log.warn({ orderId: String(orderId), reason: reasonOf(error) }, "round waits");
        return false;
      });
      if (!isNews) await sleep(Math.min(patience / LOOKS, MAX_PAUSE), undefined, { signal }).catch(() => undefined);
    }
  }

  /** Whether the other workers have stopped this one. */
  get isStopped(): boolean {
    return stoppedAfter(this.book.closings).has(this.options.nodeId);
  }

  /** Writes the model, and returns how well it does on the data that nobody learns from. */
  async finish(file: string) {
    const hash = startAfter(this.begun, this.book.closings);
    await this.need(hash);
    await this.thread.run("export", { hash, file });
    return this.thread.run("evaluate", { hash });
  }

  private async advance(): Promise<boolean> {
    return (await this.look()) || (await this.claimRound()) || this.move();
  }

  /** Asks the coordinator, or all if this worker is it, and takes a branch that goes on. Returns whether it took one. */
  private async look(isThorough = false): Promise<boolean> {
    const workers = await this.workers();
    const coordinator = this.coordinatorAmong(workers);
    const { nodeId } = this.options;
    const others = workers.filter((each) => each.nodeId !== nodeId);
    const isAll = isThorough || coordinator === nodeId;
    const asked = isAll ? others : others.filter((each) => each.nodeId === coordinator);
    this.seen = { claims: new Map(), answering: new Set([nodeId]) };
    const own = this.book.claim(this.round);
    if (own?.startHash === this.startHash) this.seen.claims.set(nodeId, own);
    const branches = await Promise.all(asked.map((worker) => this.branchOf(worker)));
    let isTaken = false;
    for (const [i, branch] of branches.entries()) {
      if (branch !== undefined && goesOn(branch, this.book.closings)) isTaken ||= await this.take(branch, asked[i]);
    }
    return isTaken;
  }

  /** Returns a worker's rounds, and notes its claim of the present one; undefined if it does not answer. */
  private async branchOf(worker: Worker): Promise<Closing[] | undefined> {
    const { network, orderId, log } = this.options;
    const { closings: own } = this.book;
    const ask = (after: number) => network.state(worker, orderId, BigInt(after));
    try {
      let after = Math.max(0, own.length - 1);
      let state = await ask(after);
      const [first] = state.closings;
      if (first !== undefined && first.startHash !== startAfter(this.begun, own.slice(0, after))) {
        state = await ask((after = 0));
      }
      const branch = own.slice(0, after);
      for (
        let page = state.closings;
        page.length > 0;
        page = page.length < MAX_CLOSINGS ? [] : (await ask(branch.length)).closings
      ) {
        branch.push(...page);
      }
      this.seen.answering.add(worker.nodeId);
      for (const claim of state.claims) if (this.isOfRound(worker, claim)) this.seen.claims.set(worker.nodeId, claim);
      return branch;
    } catch (error) {
      log.debug({ worker: String(worker.nodeId), reason: reasonOf(error) }, "worker not reached");
      return undefined;
    }
  }

  private isOfRound(worker: Worker, claim: Signed<RoundClaim>): boolean {
    const { orderId, network, job } = this.options;
    const expected = { orderId, nodeId: worker.nodeId, round: this.round, startHash: this.startHash };
    const isSo = Object.entries(expected).every(([key, value]) => claim[key as keyof typeof expected] === value);
    return isSo && claim.images === imagesOfRound(job) && network.isSigned(claim, worker);
  }

  /** Takes a branch in place of the own one, if all that it says holds. */
  private async take(branch: readonly Closing[], from: Worker): Promise<boolean> {
    const { network, orderId, log } = this.options;
    const workers = await network.workers(orderId);
    const isSigned = (claim: Signed<RoundClaim>) => {
      const worker = workers.find(({ nodeId }) => nodeId === claim.nodeId);
      return worker !== undefined && network.isSigned(claim, worker);
    };
    try {
      for (let i = forkOf(branch, this.book.closings); i < branch.length; i++) {
        const fault = faultOf(this.begun, branch.slice(0, i), branch[i], isSigned);
        if (fault !== undefined) throw new JointRunError(`round ${i + 1}: ${fault}`);
        if (branch[i].claims.length < this.options.job.least) throw new JointRunError(`round ${i + 1}: too few claims`);
      }
      await this.checkEnd(branch[branch.length - 1], from);
    } catch (error) {
      log.warn({ worker: String(from.nodeId), reason: reasonOf(error) }, "rounds of a worker refused");
      return false;
    }
    await this.adopt(branch);
    return true;
  }

  /** Checks the end of the last round by the weights themselves; earlier ones are confirmed by the claims of later rounds. */
  private async checkEnd({ round, claims, endHash, stopped }: Closing, from: Worker): Promise<void> {
    if (stopped.length > 0) {
      for (const each of stopped) await this.checkStopped(each.nodeId, each.round, from);
      return this.need(endHash, from);
    }
    const ends = claims.map((claim) => ({ nodeId: claim.nodeId, hash: claim.endHash }));
    for (const { hash } of ends) await this.need(hash, from);
    const mean = await this.thread.run("mean", { ends });
    if (mean !== endHash) throw new JointRunError(`round ${round}: endHash is ${endHash}, the mean is ${mean}`);
  }

  /** Checks by recomputation that a worker's claim was false, so that nobody stops a worker by a word. */
  private async checkStopped(nodeId: bigint, round: bigint, from: Worker): Promise<void> {
    const claim = this.book.closings.at(Number(round) - 1)?.claims.find((each) => each.nodeId === nodeId);
    if (claim === undefined) throw new JointRunError(`node ${nodeId} has no claim of round ${round} here`);
    await this.need(claim.startHash, from);
    const problems = await this.thread.run("verify", { claim });
    if (problems.length === 0) throw new JointRunError(`the claim of node ${nodeId} of round ${round} is right`);
  }

  /** Trains and claims the present round, once. Returns whether it did. */
  private async claimRound(): Promise<boolean> {
    const { nodeId, orderId, sign, note, trained, job } = this.options;
    const { round, startHash } = this;
    if (this.book.claimedRound >= round) return false;
    await this.need(startHash);
    const began = performance.now();
    const { endHash, images, loss } = await this.thread.run("train", { round, nodeId, startHash });
    await trained(performance.now() - began);
    const claim = await sign({ orderId, nodeId, round, startHash, endHash, images });
    step("training.claim.before-store");
    await this.book.addClaim(claim);
    step("training.claim.stored");
    this.seen.claims.set(nodeId, claim);
    await note(`round ${round} of ${job.plan.rounds}: loss ${loss.toFixed(4)}`);
    return true;
  }

  /** Closes the round, or goes on to the next attempt, when it is time. Returns whether it did. */
  private async move(): Promise<boolean> {
    const { nodeId, patience, job } = this.options;
    const workers = await this.workers();
    const coordinator = this.coordinatorAmong(workers);
    const isCoordinator = coordinator === nodeId;
    const { claims, answering } = this.seen;
    const turn = {
      ...{ now: performance.now(), since: this.since, patience, isCoordinator, least: job.least },
      isAnswering: answering.has(coordinator),
      present: workers.map((each) => each.nodeId).filter((each) => answering.has(each)),
      claimed: [...claims.keys()],
    };
    const move = moveOf(turn);
    if (move === "close") return this.closeRound([...claims.values()], workers);
    if (move === "wait") return false;
    // whoever has closed the round meanwhile is found before somebody closes it again
    if (turn.isAnswering && (await this.look(true))) return true;
    this.attempt++;
    this.since = performance.now();
    return false;
  }

  private async closeRound(claims: readonly Signed<RoundClaim>[], workers: readonly Worker[]): Promise<boolean> {
    const { network, orderId, job, log } = this.options;
    const had: Signed<RoundClaim>[] = [];
    for (const claim of claims) {
      const from = workers.find(({ nodeId }) => nodeId === claim.nodeId);
      const isThere = await this.need(claim.endHash, from).then(
        () => true,
        () => false,
      );
      if (isThere) had.push(claim);
      else log.warn({ worker: String(claim.nodeId), round: String(claim.round) }, "weights of a claim not had");
    }
    if (had.length < job.least) return false;
    const before = this.book.closings;
    const stopped = await this.falseClaims(await network.stopped(orderId), before);
    const meanHash = await this.thread.run("mean", {
      ends: had.map(({ nodeId, endHash }) => ({ nodeId, hash: endHash })),
    });
    const end = { attempt: this.attempt, claims: had, meanHash, stopped };
    await this.adopt([...before, closingOf(this.begun, before, end)]);
    return true;
  }

  /** Returns those that signers have stopped, were not left out yet, and whose claims are false indeed. */
  private async falseClaims(told: readonly { nodeId: bigint; round: bigint }[], before: readonly Closing[]) {
    const earlier = stoppedAfter(before);
    const found: { nodeId: bigint; round: bigint }[] = [];
    for (const each of told.filter(({ nodeId }) => !earlier.has(nodeId))) {
      const isFalse = await this.checkStopped(each.nodeId, each.round, { nodeId: each.nodeId } as Worker).then(
        () => true,
        () => false,
      );
      if (isFalse) found.push(each);
    }
    return found;
  }

  private async adopt(branch: readonly Closing[]): Promise<void> {
    step("training.closing.before-store");
    await this.book.adopt(branch);
    step("training.closing.stored");
    this.attempt = attemptAfter(branch);
    this.since = performance.now();
    this.seen = { claims: new Map(), answering: this.seen.answering };
  }

  /** Gets weights from whoever has them, unless they are here. @throws JointRunError if nobody has them */
  private async need(hash: string, first?: Worker): Promise<void> {
    if (await this.store.has(hash)) return;
    const { network, orderId } = this.options;
    const others = (await network.workers(orderId)).filter(({ nodeId }) => nodeId !== this.options.nodeId);
    const order = [...others.filter((each) => each.nodeId === first?.nodeId), ...others];
    const partial = path.join(this.weights, `${hash.slice(2)}.part`);
    for (const worker of order) {
      try {
        await rm(partial, { force: true });
        await network.weights(worker, orderId, hash, partial, this.bytes);
        await rename(partial, this.store.fileOf(hash));
        if (await this.thread.run("check", { hash })) return;
        await rm(this.store.fileOf(hash), { force: true });
      } catch (error) {
        if (existsSync(partial)) await rm(partial, { force: true });
        this.options.log.debug({ worker: String(worker.nodeId), hash, reason: reasonOf(error) }, "weights not had");
      }
    }
    throw new JointRunError(`no worker has the weights ${hash}`);
  }

  /** Returns the workers that may take part in the present round, by ascending ids. */
  private async workers(): Promise<Worker[]> {
    const stopped = stoppedAfter(this.book.closings);
    return (await this.options.network.workers(this.options.orderId)).filter(({ nodeId }) => !stopped.has(nodeId));
  }

  private get thread(): TrainerThread {
    const { job, input } = this.options;
    return (this.trainer ??= new TrainerThread(job, input, this.weights));
  }

  private coordinatorAmong(workers: readonly Worker[]): bigint {
    return coordinatorOf(
      this.options.orderId,
      this.attempt,
      workers.map(({ nodeId }) => nodeId),
    );
  }

  private get begun(): JointStart {
    if (this.start === undefined) throw new JointRunError("the run has not begun");
    return this.start;
  }

  private get round(): bigint {
    return BigInt(this.book.closings.length + 1);
  }

  private get startHash(): string {
    return startAfter(this.begun, this.book.closings);
  }
}
