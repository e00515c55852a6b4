import { existsSync } from "node:fs";
import { mkdir, readFile, rm, rmdir } from "node:fs/promises";
import path from "node:path";

import { toJson, TuringFogError } from "@turingfog/sdk";
import { writeAtomically } from "@turingfog/sdk/node";
import { type Job, JOB } from "@turingfog/sdk/wire";
import { z } from "zod";

import { type AgeKey, newAgeKey, readFolder, sealBundle, writeSecret } from "../job/index.js";
import { readSecret } from "../runtime/index.js";

/** Thrown when a folder is none of an order. */
export class NoRentalError extends TuringFogError {
  constructor(
    readonly folder: string,
    reason: string,
  ) {
    super(`${folder} ${reason}`);
  }
}

/** Thrown when a folder has an order with other terms than those that were given. */
export class OtherTermsError extends TuringFogError {
  constructor(folder: string, term: string, kept: string, given: string) {
    super(`${folder} has an order whose ${term} is ${kept}, got ${given}: leave it out, or name another folder`);
  }
}

/** Thrown when a result is of another job. */
export class OtherResultError extends TuringFogError {
  constructor(readonly folder: string) {
    super(`The result is of another job than that of ${folder}: the node has confused two orders, or lies`);
  }
}

const integer = z.string().regex(/^\d+$/).transform(BigInt);

const record = z.object({
  network: z.string(),
  nodeId: integer,
  asset: z.string(),
  tuAmount: integer,
  maxUnitPrice: integer,
  duration: integer,
  renter: z.string(),
  jobHash: z.string(),
  /** Usable once per payer, so that the order is opened once, however often it is tried. */
  paymentRef: z.string(),
  /** The node's address and its age recipient, as its document says. */
  endpoint: z.string(),
  recipient: z.string(),
  /** Whether its document may be fetched from a private address. */
  allowPrivate: z.boolean().optional(),
  /** Undefined until the order is open. */
  orderId: integer.optional(),
});

/** What a renter knows of an order of theirs. */
export type RentalRecord = z.infer<typeof record>;

/** What a renter has seen of a node's work, each time that it answered. */
export interface Sighting {
  /** Unix seconds. */
  at: bigint;
  cumulativeTU: bigint;
}

const sightings = z.array(z.object({ at: integer, cumulativeTU: integer }));

const FILES = {
  record: "order.json",
  job: "job.json",
  bundle: "bundle.age",
  jobKey: "job.key",
  resultKey: "result.key",
  seen: "seen.json",
  hasResult: "result.fetched",
};

/** Returns the slots of a job as a text, the same for the same slots. */
export function slotsText(slots: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(slots).map(([name, value]) => `${name}=${value}`);
  return pairs.sort().join(" ");
}

/** A renter's folder of one order: its terms, its bundle, the keys of job and result, and what was seen of the work. */
export class Rental {
  constructor(readonly folder: string) {}

  get bundle(): string {
    return this.at(FILES.bundle);
  }

  /** Checks whether an order was prepared in the folder. */
  get isPrepared(): boolean {
    return existsSync(this.at(FILES.record));
  }

  /**
   * Draws the keys, seals the bundle and writes down what is to be opened. Nothing is on the chain yet.
   * @param folder files of the job; none if left out
   * @param terms the job without its keys, and the order without its hash
   */
  async prepare(
    folder: string | undefined,
    job: Omit<Job, "resultTo">,
    terms: Omit<RentalRecord, "jobHash" | "orderId">,
  ): Promise<RentalRecord> {
    const files = folder === undefined ? [] : await readFolder(folder);
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    // what an earlier try has left is of no order: its record is written last
    await rm(this.bundle, { force: true });
    const result = await newAgeKey();
    const whole = { ...job, resultTo: result.recipient };
    const { hash, key } = await sealBundle(whole, files, this.bundle);
    await this.writeKey(FILES.resultKey, result);
    await this.writeKey(FILES.jobKey, key);
    await writeAtomically(this.at(FILES.job), JOB.encode(whole));
    return this.write({ ...terms, jobHash: hash });
  }

  /** Removes an order that was not opened, and the folder if nothing else is in it. */
  async discard(): Promise<void> {
    for (const name of Object.values(FILES)) await rm(this.at(name), { force: true });
    await rmdir(this.folder).catch(() => undefined);
  }

  /** @throws NoRentalError */
  async read(): Promise<RentalRecord> {
    const text = await readFile(this.at(FILES.record), "utf8").catch(() => {
      throw new NoRentalError(
        this.folder,
        `has no ${FILES.record}: name the folder that turingfog order open has written`,
      );
    });
    return record.parse(JSON.parse(text));
  }

  /** Returns the record of an order that is open. @throws NoRentalError */
  async readOpen(): Promise<RentalRecord & { orderId: bigint }> {
    const { orderId, ...rest } = await this.read();
    if (orderId !== undefined) return { ...rest, orderId };
    throw new NoRentalError(this.folder, "has an order that was not opened: run turingfog order open with it again");
  }

  /**
   * Checks that an order which was begun is the one that is meant.
   * @param given terms by their name, as texts; those that are undefined were not given
   * @throws OtherTermsError, NoRentalError
   */
  async checkTerms(given: Readonly<Record<string, string | undefined>>): Promise<void> {
    const { network, renter, nodeId, asset, tuAmount, duration } = await this.read();
    const { runner, slots, imagesPerTU, progress } = await this.job();
    const kept: Record<string, string> = {
      ...{ network, renter, node: String(nodeId), asset, tu: String(tuAmount), duration: String(duration), runner },
      ...{ slots: slotsText(slots), imagesPerTU: String(imagesPerTU), progress },
    };
    for (const [term, text] of Object.entries(given)) {
      if (text !== undefined && text !== kept[term]) throw new OtherTermsError(this.folder, term, kept[term], text);
    }
  }

  async write(rental: RentalRecord): Promise<RentalRecord> {
    await writeAtomically(this.at(FILES.record), `${toJson(rental)}\n`);
    return rental;
  }

  async job(): Promise<Job> {
    return JOB.decode(await readFile(this.at(FILES.job)));
  }

  /**
   * Checks that an unpacked result is of this order's job, and writes down that it was fetched.
   * @param job the one that the result begins with
   * @throws OtherResultError
   */
  async checkResult(job: Job): Promise<void> {
    if (job.salt !== (await this.job()).salt) throw new OtherResultError(this.folder);
    await writeAtomically(this.at(FILES.hasResult), "");
  }

  /** Whether the result was fetched, and was the one that the last reading names. */
  get hasResult(): boolean {
    return existsSync(this.at(FILES.hasResult));
  }

  /** Returns the age identity of the job's key. */
  jobIdentity(): Promise<string> {
    return readSecret(this.at(FILES.jobKey));
  }

  /** Returns the age identity that opens the result. */
  resultIdentity(): Promise<string> {
    return readSecret(this.at(FILES.resultKey));
  }

  async seen(): Promise<Sighting[]> {
    const text = await readFile(this.at(FILES.seen), "utf8").catch(() => "[]");
    return sightings.parse(JSON.parse(text));
  }

  /** Writes down what was seen of the work. */
  async see(sighting: Sighting): Promise<void> {
    await writeAtomically(this.at(FILES.seen), `${toJson([...(await this.seen()), sighting])}\n`);
  }

  private async writeKey(name: string, { identity }: AgeKey): Promise<void> {
    const file = this.at(name);
    await rm(file, { force: true });
    await writeSecret(file, identity);
  }

  private at(name: string): string {
    return path.join(this.folder, name);
  }
}
