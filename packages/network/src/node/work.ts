import { createHash } from "node:crypto";

import { ModelError } from "@turingfog/training";
import type { TypedDataDomain, Wallet } from "ethers";
import type { Logger } from "pino";

import { max, TuringFogError } from "@turingfog/sdk";
import {
  BundleTooLargeError,
  checkJob,
  EVIDENCE,
  InvalidBundleError,
  InvalidMessageError,
  type Job,
  JobMismatchError,
  MessageTooLargeError,
  READING,
  type Reading,
  type Signed,
} from "@turingfog/sdk/wire";
import { type ChainFacts, mayWorkOn, type OrderFacts } from "../chain/index.js";
import { UndecipherableError } from "../job/index.js";
import { checkSlots, type Runner, type Sample, SlotRefusedError } from "../runner/index.js";
import { checkDisk, type Clock } from "../runtime/index.js";
import { countTU, type Counted, dateOf, evidenceOf } from "./meter.js";
import type { KeptOrder, KeptReading, NodeStore } from "./nodeStore.js";
import type { OrderFiles } from "./orderFiles.js";
import type { Uploads } from "./uploads.js";

const ZERO_HASH = `0x${"00".repeat(32)}`;

export interface WorkOptions {
  chainId: bigint;
  escrow: string;
  nodeId: bigint;
  folder: string;
  filesOf(orderId: bigint): OrderFiles;
  store: NodeStore;
  uploads: Uploads;
  runners: readonly Runner[];
  facts: Pick<ChainFacts, "attestedAt" | "node" | "openOrders" | "order">;
  clock: Clock;
  meter: Wallet;
  /** That of readings. */
  domain: TypedDataDomain;
  maxUnpacked: number;
  /** Seconds. */
  readingSeconds: bigint;
  finishSeconds: bigint;
  log: Logger;
}

/** State of an order at its node, as anybody may know it. */
export interface OrderState {
  state: "unknown" | "waiting" | "refused" | "queued" | "running" | "paused" | "ended" | "released";
  /** Why it waits or was refused; empty otherwise. */
  reason: string;
  heldSeconds: number;
  images: number;
  /** TU in the last reading, 18 decimals. */
  cumulativeTU: bigint;
  /** The SHA-256 of the result's ciphertext, once it is there. */
  result?: string;
  /** The line that is the evidence of the last reading. */
  evidence?: string;
}

/** An order that is worked on, and all that is known of it. */
interface Standing {
  order: OrderFacts;
  kept: KeptOrder;
  files: OrderFiles;
  job: Job;
  runner: Runner;
  sample: Sample;
}

/** Thrown when an order's job is none that this node takes. */
class JobRefusedError extends TuringFogError {}

/**
 * Works on a node's orders, one run at a time, because a node has its rate once. Each step can be repeated: what was done
 * stands in the store and in the orders' folders.
 */
export class Work {
  /** Runs stand still while a challenge is answered. */
  private isPaused = false;
  /** Why the owner does not let the node work now. */
  private resting: string | undefined;
  /** Orders of which nothing is left to do but to hand their result out. */
  private readonly done = new Set<bigint>();

  constructor(private readonly options: WorkOptions) {}

  filesOf(orderId: bigint): OrderFiles {
    return this.options.filesOf(orderId);
  }

  /** Does what is to be done on every order. Resolves to the failures, of which none keeps the others. */
  async tick(): Promise<Error[]> {
    const { facts, nodeId, store } = this.options;
    const own = facts.openOrders().filter((each) => mayWorkOn(facts, nodeId, each) && each.jobHash !== ZERO_HASH);
    const failures: Error[] = [];
    for (const { orderId, jobHash } of own) await store.take(orderId, jobHash);
    for (const orderId of await store.orderIds()) {
      await this.advance(orderId).catch((error: unknown) => failures.push(error as Error));
    }
    return failures;
  }

  /** Pauses the run, or lets it go on; a run that starts meanwhile waits. */
  async pause(isPaused: boolean): Promise<void> {
    this.isPaused = isPaused;
    for (const { runner, files, sample } of (await this.active()).filter(isRunning)) {
      if ((sample.phase === "paused") !== this.isStill) await runner.pause(files.run, this.isStill);
    }
  }

  /** Has the runs stand still from the next tick on, and none begin. @param reason why; undefined to let them go on */
  rest(reason: string | undefined): void {
    this.resting = reason;
  }

  /** Returns the CPU seconds that the runs have used which have not ended. */
  async cpuSeconds(): Promise<number> {
    return (await this.active()).reduce((sum, { sample }) => sum + sample.cpuSeconds, 0);
  }

  /** Returns what anybody may know of an order. */
  async state(orderId: bigint): Promise<OrderState> {
    const { store, uploads } = this.options;
    const kept = await store.order(orderId);
    const nothing = { reason: "", heldSeconds: 0, images: 0, cumulativeTU: 0n };
    if (kept === undefined) return { ...nothing, state: "unknown" };
    if (kept.refusal !== "") return { ...nothing, state: "refused", reason: kept.refusal };
    if (uploads.bundleOf(orderId) === undefined) return { ...nothing, state: "waiting", reason: "for its bundle" };
    if (kept.identity === "") return { ...nothing, state: "waiting", reason: "for a grant of its key" };
    const standing = await this.standing(orderId);
    if (standing === undefined) return { ...nothing, state: "queued" };
    const first = standing.sample.phase === "prepared" ? await this.firstOf(standing.order) : undefined;
    if (first !== undefined) {
      return { ...nothing, state: "refused", reason: `order ${first} has the same job, has begun and is open` };
    }
    const { heldMs, images, phase } = standing.sample;
    const last = await store.lastReading(orderId);
    const told = { cumulativeTU: last?.reading.cumulativeTU ?? 0n, evidence: last?.line, result: kept.result };
    const states = {
      prepared: "queued",
      starting: "queued",
      running: "running",
      paused: "paused",
      ended: "ended",
    } as const;
    const isReleased = await this.isReleased(orderId);
    const state = isReleased ? "released" : states[phase];
    const reason = (state === "paused" || state === "queued") && this.resting !== undefined ? this.resting : "";
    return { state, reason, heldSeconds: heldMs / 1_000, images, ...told };
  }

  /** Checks whether an order's result may be handed out: the reading that names it was posted, or none can be. */
  async isReleased(orderId: bigint): Promise<boolean> {
    const { store, facts } = this.options;
    const [kept, last] = [await store.order(orderId), await store.lastReading(orderId)];
    const order = facts.order(orderId);
    if (kept?.result === undefined || order === undefined) return false;
    if (last !== undefined && namesResult(last, kept.result)) {
      return (await store.deliveredToAny(orderId)) >= last.reading.sequence;
    }
    return order.closed || dateOf(last?.reading, { order, now: order.endsAt }) === undefined;
  }

  private async advance(orderId: bigint): Promise<void> {
    const { store, uploads, facts, maxUnpacked } = this.options;
    if (this.done.has(orderId)) return;
    const kept = await store.order(orderId);
    const bundle = uploads.bundleOf(orderId);
    if (kept === undefined || kept.refusal !== "" || bundle === undefined || kept.identity === "") {
      // nothing is taken in any more for an order that is closed
      if (facts.order(orderId)?.closed === true) this.done.add(orderId);
      return;
    }
    const files = this.filesOf(orderId);
    try {
      if ((await files.job()) === undefined) await files.unpack(bundle, kept.identity, maxUnpacked);
      const standing = await this.standing(orderId);
      if (standing !== undefined) await this.go(standing);
    } catch (error) {
      // what the bundle is does not change; what the clock, the disk or the chain is may
      if (!isRefusal(error)) throw error;
      this.options.log.warn({ orderId: String(orderId), reason: error.message }, "order refused");
      await store.change(orderId, { refusal: error.message });
    }
  }

  private async standing(orderId: bigint): Promise<Standing | undefined> {
    const { store, facts, runners } = this.options;
    const [kept, order, files] = [await store.order(orderId), facts.order(orderId), this.filesOf(orderId)];
    const job = await files.job();
    if (kept === undefined || order === undefined || job === undefined) return undefined;
    const runner = runners.find(({ offer }) => offer.name === job.runner);
    if (runner === undefined) {
      throw new JobRefusedError(
        `It asks for the runner ${job.runner}: ${runners.map(({ offer }) => offer.name)} are offered`,
      );
    }
    return { order, kept, files, job, runner, sample: await runner.sample(files.run) };
  }

  private async go(standing: Standing): Promise<void> {
    const { phase } = standing.sample;
    if (phase === "prepared") return this.begin(standing);
    if (phase === "ended") return this.finish(standing);
    if (this.isOver(standing)) return standing.runner.stop(standing.files.run);
    if (!isRunning(standing)) return;
    if (this.isStill !== (phase === "paused")) await standing.runner.pause(standing.files.run, this.isStill);
    await this.readAtTimes(standing);
  }

  private async begin({ order, files, job, runner }: Standing): Promise<void> {
    const { chainId, escrow, clock, folder, finishSeconds } = this.options;
    const { nodeId, asset, tuAmount, closed, endsAt, payer, holder } = order;
    // the job names whom the order was opened for, who may have passed it on
    const renter = job.renter === payer ? payer : holder;
    checkJob(job, { chainId, escrow, nodeId, asset, tuAmount, renter });
    checkSlots(runner.offer, job.slots);
    if (job.imagesPerTU > 0n && !runner.countsImages) {
      throw new JobRefusedError(`It is metered by images, which the runner ${job.runner} does not count`);
    }
    if (closed || clock.now() >= endsAt - finishSeconds)
      throw new JobRefusedError("Its order ends before it could run");
    if (this.isStill || (await this.active()).length > 0 || (await this.firstOf(order)) !== undefined) return;
    clock.check();
    await checkDisk(folder);
    await runner.prepare(job, files.run, order.orderId);
    await runner.start(files.run);
    this.options.log.info({ orderId: String(order.orderId), runner: job.runner }, "run started");
  }

  /**
   * Returns another order of the same job that is open and has begun: a job is done once. Whoever opens an order of
   * another's job cannot grant its key, and its terms are not the job's, so that it never begins.
   */
  private async firstOf({ orderId, jobHash }: OrderFacts): Promise<bigint | undefined> {
    const { store, facts } = this.options;
    for (const each of await store.ordersOf(jobHash)) {
      if (each === orderId || facts.order(each)?.closed !== false) continue;
      const phase = (await this.standing(each))?.sample.phase;
      if (phase !== undefined && phase !== "prepared") return each;
    }
    return undefined;
  }

  private isOver({ order, job, sample }: Standing): boolean {
    const { clock, finishSeconds } = this.options;
    const now = clock.now();
    const isFull = this.count({ order, job, sample, now }) >= order.tuAmount;
    return isFull || order.closed || now >= order.endsAt - finishSeconds;
  }

  /** Writes a reading every so often, and none so late that the last one would not have its place behind it. */
  private async readAtTimes(standing: Standing): Promise<void> {
    const { store, clock, readingSeconds, finishSeconds } = this.options;
    const { order, job, sample } = standing;
    const now = clock.now();
    const last = await store.lastReading(order.orderId);
    const due = (last?.reading.measuredAt ?? order.startedAt) + readingSeconds;
    if (now < due || now > order.endsAt - finishSeconds - readingSeconds) return;
    await this.read({ order, job, sample, now, ratePerDay: this.ratePerDay }, ZERO_HASH);
  }

  /** Seals what a run has left, writes the reading that names it, and leaves it to be handed out once that was posted. */
  private async finish({ order, kept, files, job, sample }: Standing): Promise<void> {
    const { store, clock } = this.options;
    let { result } = kept;
    if (result === undefined) {
      result = (await files.seal(job, sample)).hash;
      await store.change(order.orderId, { result });
      this.options.log.info({ orderId: String(order.orderId), outcome: sample.outcome, result }, "run ended");
    }
    const last = await store.lastReading(order.orderId);
    if (order.closed || namesResult(last, result)) return void this.done.add(order.orderId);
    await this.read({ order, job, sample, now: clock.now(), ratePerDay: this.ratePerDay }, result);
  }

  /** Writes the next reading of an order down, if one may be dated now. Whoever posts readings finds it. */
  private async read(counted: Counted & { order: OrderFacts; job: Job }, result: string): Promise<void> {
    const { store, clock, meter, domain, nodeId, folder } = this.options;
    const { orderId } = counted.order;
    const last = await store.lastReading(orderId);
    const measuredAt = dateOf(last?.reading, counted);
    if (measuredAt === undefined) return;
    clock.check();
    await checkDisk(folder);
    const line = EVIDENCE.encode(evidenceOf(counted, result));
    const unsigned: Reading = {
      orderId,
      nodeId,
      sequence: (last?.reading.sequence ?? 0n) + 1n,
      cumulativeTU: max(countTU({ ...counted, now: measuredAt }), last?.reading.cumulativeTU ?? 0n),
      measuredAt,
      evidence: `0x${createHash("sha256").update(line).digest("hex")}`,
      previous: last?.digest ?? ZERO_HASH,
    };
    const reading: Signed<Reading> = await READING.sign(meter, domain, unsigned);
    await store.addReading({ reading, digest: READING.digest(domain, unsigned), line });
  }

  private get isStill(): boolean {
    return this.isPaused || this.resting !== undefined;
  }

  private count({ order, job, sample, now }: Omit<Counted, "ratePerDay">): bigint {
    return countTU({ order, job, sample, now, ratePerDay: this.ratePerDay });
  }

  private get ratePerDay(): bigint {
    const { facts, nodeId } = this.options;
    return facts.node(nodeId)?.ratePerDay ?? 0n;
  }

  /** Returns what was begun and has not ended. */
  private async active(): Promise<Standing[]> {
    const ids = (await this.options.store.orderIds()).filter((orderId) => !this.done.has(orderId));
    const all = await Promise.all(ids.map((orderId) => this.standing(orderId).catch(() => undefined)));
    return all
      .filter((each) => each !== undefined)
      .filter(({ sample: { phase } }) => phase !== "prepared" && phase !== "ended");
  }
}

/** Tells whether what a run is made of is there, so that it can be paused. */
function isRunning({ sample: { phase } }: Pick<Standing, "sample">): boolean {
  return phase === "running" || phase === "paused";
}

function namesResult(kept: KeptReading | undefined, result: string): boolean {
  return kept !== undefined && kept.line !== "" && EVIDENCE.decode(kept.line).result === result;
}

/** Tells whether an error is about the job, which stays as it is, and not about the node's present. */
function isRefusal(error: unknown): error is TuringFogError {
  return [
    JobRefusedError,
    JobMismatchError,
    SlotRefusedError,
    UndecipherableError,
    InvalidBundleError,
    BundleTooLargeError,
    InvalidMessageError,
    MessageTooLargeError,
    ModelError,
  ].some((type) => error instanceof type);
}
