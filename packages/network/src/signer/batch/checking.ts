import {
  type MeteredReceipt,
  PROPOSAL,
  PROPOSAL_ANSWER,
  type Proposal,
  type SignerDocument,
} from "@turingfog/sdk/wire";
import { HttpError, RefusedError } from "../../http/index.js";
import { reasonOf, step } from "../../runtime/index.js";
import { fromBytes, isUniqueViolation, toBytes } from "../../store/index.js";
import type { KeptFile, ReadFile } from "./files.js";
import { answerTo, limitOf, Verdicts } from "./judging.js";
import { type BatchOptions, placesAfter } from "./options.js";
import type { Signing } from "./signing.js";

export const CHECKING_STEPS = [
  "signer.announcement.before-store",
  "signer.announcement.stored",
  "signer.answer.before-store",
  "signer.answer.stored",
] as const;

/** Intervals behind the last one that has ended for which a proposal is still taken. */
const LATE = 1n;

/** The proposals of other signers. */
export class Checking {
  private readonly running = new Map<string, Promise<void>>();

  constructor(
    private readonly options: BatchOptions,
    private readonly signing: Signing,
  ) {}

  /**
   * Takes an announcement: one and one repeat of each signer in an interval.
   * @throws RefusedError
   */
  async take(from: SignerDocument, proposal: Proposal): Promise<void> {
    const { chain, clock, db, delay, interval } = this.options;
    if (!chain.signers().signers.includes(from.signer)) {
      throw new RefusedError(403, "no-signer", `${from.signer} is no signer`);
    }
    const ended = clock.now() / interval - 1n;
    if (proposal.interval === ended + 1n) {
      throw new RefusedError(425, "too-early", `Interval ${proposal.interval} is not over yet: send it again`);
    }
    if (proposal.interval > ended || proposal.interval < ended - LATE) {
      throw new RefusedError(409, "other-interval", `The interval that has ended is ${ended}`);
    }
    const set = chain.signers();
    const turn = placesAfter(set, from.signer, Number(proposal.interval % BigInt(set.signers.length))) * delay;
    const due = (proposal.interval + 1n) * interval + turn;
    if (clock.now() < due) {
      // a file of one receipt would stand for the interval, and leave out all others
      throw new RefusedError(425, "too-early", `It is ${from.signer}'s turn at ${due}: send it again then`);
    }
    const { attempt, dataHash } = proposal;
    const row = { sender: toBytes(from.signer), interval: proposal.interval, attempt, data_hash: toBytes(dataHash) };
    step("signer.announcement.before-store");
    try {
      await db
        .insertInto("batch_proposals")
        .values({ ...row, body: PROPOSAL.encode(proposal), state: "new" })
        .execute();
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      await this.checkSame(row, dataHash);
    }
    step("signer.announcement.stored");
  }

  /** Begins to look at what was announced, of one proposal of each signer at a time. */
  async advance(): Promise<void> {
    const { db, documentOf, log, metrics } = this.options;
    const rows = await db
      .selectFrom("batch_proposals")
      .selectAll()
      .where("state", "=", "new")
      .orderBy("interval")
      .execute();
    for (const row of rows) {
      const sender = fromBytes(row.sender);
      const from = documentOf(sender);
      if (from === undefined || this.running.has(sender)) continue;
      const proposal = PROPOSAL.decode(row.body);
      const looked = this.look(from, proposal)
        .catch(async (error: unknown) => {
          const { dataHash } = proposal;
          log.warn({ sender, dataHash, reason: reasonOf(error) }, "proposal not checked");
          metrics.proposals.inc({ by: "another", outcome: "not-checked" });
          if (this.isOver(proposal)) await this.conclude(sender, proposal, "refused");
        })
        .finally(() => this.running.delete(sender));
      this.running.set(sender, looked);
    }
  }

  /** Resolves when nothing is being looked at. */
  async settled(): Promise<void> {
    await Promise.all(this.running.values());
  }

  private async look(from: SignerDocument, proposal: Proposal): Promise<void> {
    const { catchUp, checkDisk, clock, files, fetch, judge, log, metrics, pairs } = this.options;
    const { dataHash, interval } = proposal;
    const kept = await files.find(dataHash);
    if (kept?.interval === interval) return this.conclude(from.signer, proposal, "signed");
    if (kept !== undefined) return this.signAgain(from, proposal, kept);
    await checkDisk();
    clock.check();
    await catchUp(from).catch((error: unknown) => log.warn({ reason: reasonOf(error) }, "readings not fetched"));
    const maxBytes = limitOf(pairs());
    if (proposal.bytes > BigInt(maxBytes)) {
      log.warn({ proposer: from.signer, dataHash, bytes: String(proposal.bytes), maxBytes }, "proposal too large");
      return this.refuse(from, proposal);
    }
    const file = await this.read(fetch(from, proposal), proposal);
    if (file === undefined) return this.refuse(from, proposal);

    const verdicts = new Verdicts(await judge());
    const answer = answerTo(dataHash, file.receipts.metered(), verdicts);
    if (answer === undefined) {
      await files.keep(file, { interval, proposer: from.signer, now: clock.now() });
      await this.conclude(from.signer, proposal, "signed");
      await this.signing.sign((await files.find(dataHash)) as KeptFile);
      metrics.proposals.inc({ by: "another", outcome: "signed" });
      return log.info({ proposer: from.signer, dataHash, receipts: file.receipts.length }, "proposal signed");
    }
    await files.drop(file);
    for (const { reason } of answer.refused) metrics.refusals.inc({ reason });
    metrics.proposals.inc({ by: "another", outcome: "refused" });
    const shown = answer.refused
      .slice(0, 10)
      .map((each) => ({ ...describe(file, Number(each.index)), reason: each.reason }));
    log.warn(
      { proposer: from.signer, dataHash, refused: answer.refused.length, of: file.receipts.length, shown },
      "proposal refused",
    );
    await this.conclude(from.signer, proposal, "refused", PROPOSAL_ANSWER.encode(answer));
  }

  /** Signs the file of an older interval that never had a quorum; another one says nothing new. */
  private async signAgain(from: SignerDocument, proposal: Proposal, kept: KeptFile): Promise<void> {
    const { clock, files, log, metrics } = this.options;
    const { dataHash, interval } = proposal;
    const said = { proposer: from.signer, dataHash, interval: String(interval), keptFor: String(kept.interval) };
    if (kept.interval > interval || kept.quorumAt !== null || !this.signing.isPending(kept)) {
      metrics.proposals.inc({ by: "another", outcome: "refused" });
      log.warn(said, "proposal of an old file");
      return this.conclude(from.signer, proposal, "refused");
    }
    await files.move(dataHash, { interval, proposer: from.signer, now: clock.now() });
    await this.conclude(from.signer, proposal, "signed");
    await this.signing.tell(kept);
    metrics.proposals.inc({ by: "another", outcome: "signed" });
    log.info(said, "proposal signed again");
  }

  /** Reads a file that must be as it was announced; undefined if it is not. */
  private async read(chunks: AsyncIterable<Uint8Array>, proposal: Proposal): Promise<ReadFile | undefined> {
    const { files, log } = this.options;
    const { dataHash, receiptsRoot, receipts, bytes } = proposal;
    const file = await files.read(chunks, Number(bytes)).catch((error: unknown) => {
      if (!isLie(error)) throw error;
      log.warn({ dataHash, reason: reasonOf(error) }, "file of a proposal refused");
      return undefined;
    });
    if (file === undefined) return undefined;
    const isSame =
      file.dataHash === dataHash &&
      file.receiptsRoot === receiptsRoot &&
      BigInt(file.receipts.length) === receipts &&
      BigInt(file.bytes) === bytes;
    if (isSame) return file;
    log.warn(
      { dataHash, got: file.dataHash, receiptsRoot: file.receiptsRoot },
      "file of a proposal is not what was announced",
    );
    await files.drop(file);
    return undefined;
  }

  private async refuse(from: SignerDocument, proposal: Proposal): Promise<void> {
    this.options.metrics.proposals.inc({ by: "another", outcome: "false" });
    const none = { dataHash: proposal.dataHash, judged: 0n, refused: [] };
    await this.conclude(from.signer, proposal, "refused", PROPOSAL_ANSWER.encode(none));
  }

  private async conclude(sender: string, { interval, attempt, dataHash }: Proposal, state: string, answer?: string) {
    const { db, clock, outbox } = this.options;
    step("signer.answer.before-store");
    await db.transaction().execute(async (transaction) => {
      await transaction
        .updateTable("batch_proposals")
        .set({ state })
        .where("sender", "=", toBytes(sender))
        .where("interval", "=", interval)
        .where("attempt", "=", attempt)
        .execute();
      const until = clock.now() + this.options.interval;
      if (answer !== undefined)
        await outbox.add([sender], `/v1/proposals/${dataHash}/answers`, answer, until, transaction);
    });
    step("signer.answer.stored");
  }

  private isOver(proposal: Proposal): boolean {
    const { clock, interval } = this.options;
    return proposal.interval < clock.now() / interval - 1n - LATE;
  }

  private async checkSame(
    { sender, interval, attempt }: { sender: Uint8Array; interval: bigint; attempt: string },
    dataHash: string,
  ): Promise<void> {
    const known = await this.options.db
      .selectFrom("batch_proposals")
      .select("data_hash")
      .where("sender", "=", sender)
      .where("interval", "=", interval)
      .where("attempt", "=", attempt)
      .executeTakeFirstOrThrow();
    if (fromBytes(known.data_hash) === dataHash) return;
    this.options.log.warn({ sender: fromBytes(sender), interval: String(interval), dataHash }, "second proposal");
    throw new RefusedError(
      409,
      "second-proposal",
      `One ${attempt} proposal an interval is taken, and there was another`,
    );
  }
}

/** Errors of the reader of receipt files, which say that the bytes are wrong, or are more than was announced. */
const LIES = [
  "ReceiptFileTooLargeError",
  "InvalidReceiptFileError",
  "OutOfRangeError",
  "DuplicateReceiptError",
  "NoReceiptsError",
];

function isLie(error: unknown): boolean {
  if (error instanceof HttpError) return error.error === "too-large";
  return error instanceof Error && LIES.includes(error.constructor.name);
}

function describe(file: ReadFile, index: number): { orderId: string; nodeId: string } {
  const { orderId, nodeId } = file.receipts.at(index) as MeteredReceipt;
  return { orderId: String(orderId), nodeId: String(nodeId) };
}
