import {
  type MeteredReceipt,
  PROPOSAL,
  PROPOSAL_ANSWER,
  type Proposal,
  type ProposalAnswer,
  readMeteredReceiptFile,
  writeReceiptFile,
} from "@turingfog/sdk/wire";

import { RefusedError } from "../../http/index.js";
import { step } from "../../runtime/index.js";
import { fromBytes, toBytes } from "../../store/index.js";
import { receiptOf } from "../rules/index.js";
import { acceptedBy, bestSet, commonReceipts } from "./choice.js";
import type { KeptFile } from "./files.js";
import { Verdicts } from "./judging.js";
import { type BatchOptions, othersOf, placesAfter } from "./options.js";
import type { Signing } from "./signing.js";

export const PROPOSING_STEPS = [
  "signer.proposal.before-store",
  "signer.proposal.stored",
  "signer.vote.before-store",
  "signer.vote.stored",
] as const;

/** Part of the delay after which the answers to a proposal are counted, though some are missing. */
const HALF = 2n;

/** This signer's own proposals: one an interval if it is its turn, and one that leaves out what was refused. */
export class Proposing {
  constructor(
    private readonly options: BatchOptions,
    private readonly signing: Signing,
  ) {}

  /** Does what is due: a first proposal for the interval that has ended, or its repeat. */
  async advance(): Promise<void> {
    const { chain, clock, interval, signer, delay } = this.options;
    const set = chain.signers();
    const ended = clock.now() / interval - 1n;
    if (!set.signers.includes(signer) || chain.isFrozen()) return;
    if (await this.stands(ended)) return;

    const first = await this.own(ended, "first");
    const turn = placesAfter(set, signer, Number(ended % BigInt(set.signers.length))) * delay;
    const due = (ended + 1n) * interval + turn;
    if (first === undefined) {
      if (clock.now() >= due) await this.propose(ended);
    } else if ((await this.own(ended, "repeat")) === undefined) await this.repeat(ended, first);
  }

  /**
   * Takes another signer's answer to a proposal of this one.
   * @throws RefusedError
   */
  async take(from: string, answer: ProposalAnswer): Promise<void> {
    const { db, files, signer } = this.options;
    const file = await files.find(answer.dataHash);
    if (file?.proposer !== signer) throw new RefusedError(404, "unknown-file", "This signer has not proposed the file");
    step("signer.vote.before-store");
    await db
      .insertInto("batch_answers")
      .values({ data_hash: toBytes(answer.dataHash), signer: toBytes(from), body: PROPOSAL_ANSWER.encode(answer) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    step("signer.vote.stored");
  }

  /** Says whether a root of an interval stands: a file of it is on the chain, or has a quorum. */
  private async stands(interval: bigint): Promise<boolean> {
    for (const file of await this.options.files.all()) {
      if (file.interval !== interval) continue;
      if (!this.signing.isPending(file) || (await this.signing.hasQuorum(file.dataHash))) return true;
    }
    return false;
  }

  private async propose(interval: bigint): Promise<void> {
    const { judge, log } = this.options;
    const least = await this.leastOf();
    const all = (await judge()).flatMap((verdict) => receiptOf(verdict) ?? []);
    const fresh = new Set(all.filter((receipt) => receipt.cumulativeTU > least(receipt)));
    if (fresh.size === 0) return log.debug({ interval: String(interval) }, "nothing new to propose");

    // the same receipts make the same root, and the oracle takes none that was vetoed: one that says nothing new joins them
    const others = all.filter((receipt) => !fresh.has(receipt));
    for (const other of [undefined, ...others]) {
      const receipts = all.filter((receipt) => fresh.has(receipt) || receipt === other);
      if (!(await this.isVetoed(receipts))) return this.announce(interval, "first", receipts);
    }
    log.error({ interval: String(interval) }, "what is new makes no root but a vetoed one");
  }

  /** Says whether a file of these receipts has a root that was vetoed. */
  private async isVetoed(receipts: readonly MeteredReceipt[]): Promise<boolean> {
    const { chain, files } = this.options;
    const index = await files.receipts();
    const isOut = ({ dataHash }: { dataHash: string }) => chain.root(dataHash)?.state === "vetoed";
    if (!receipts.every(({ orderId, nodeId }) => index.of(orderId, nodeId).some(isOut))) return false;

    const file = await files.read(writeReceiptFile(receipts), Number.MAX_SAFE_INTEGER);
    await files.drop(file);
    return isOut(file);
  }

  /** Proposes what the signers of the best set all sign, once all have answered or their time is over. */
  private async repeat(interval: bigint, first: Proposal): Promise<void> {
    const { chain, clock, delay, files, judge, db, log, signer } = this.options;
    const { quorum } = chain.signers();
    const others = othersOf(this.options);
    const signed = new Set((await this.signing.of(first.dataHash)).map((each) => each.signer));
    const rows = await db
      .selectFrom("batch_answers")
      .selectAll()
      .where("data_hash", "=", toBytes(first.dataHash))
      .execute();
    const answers = new Map(rows.map((row) => [fromBytes(row.signer), PROPOSAL_ANSWER.decode(row.body)]));
    const heard = others.filter((each) => signed.has(each) || answers.has(each));
    // who refuses nothing by name and does not sign has not voted
    const voters = heard.filter((each) => signed.has(each) || answers.get(each)?.refused.length !== 0);
    const file = (await files.find(first.dataHash)) as KeptFile;
    const isOver = clock.now() >= file.storedAt + delay / HALF;
    if (voters.every((each) => signed.has(each)) || (heard.length < others.length && !isOver)) return;

    const receipts = await this.receiptsOf(file);
    const least = await this.leastOf();
    const bases = receipts.map(least);
    const owing = await this.signing.owing();
    const set = bestSet(
      voters.map((each) => ({
        signer: each,
        owes: owing.has(each),
        accepted: acceptedBy(receipts, signed.has(each) ? undefined : answers.get(each)),
      })),
      quorum - 1,
      bases,
    );
    if (set === undefined) return log.debug({ interval: String(interval), voters: voters.length }, "too few answers");
    const verdicts = new Verdicts(await judge());
    const refusing = set.flatMap((voter) => (signed.has(voter.signer) ? [] : (answers.get(voter.signer) ?? [])));
    const common = commonReceipts(receipts, refusing, (receipt) => verdicts.of(receipt), bases);
    log.info(
      { interval: String(interval), with: [signer, ...set.map((voter) => voter.signer)], left: common.length },
      "proposal cut",
    );
    const members = set.map((voter) => voter.signer);
    if (common.length > 0) await this.announce(interval, "repeat", common, members);
  }

  /** @param members signers that are to sign it */
  private async announce(
    interval: bigint,
    attempt: Proposal["attempt"],
    receipts: readonly MeteredReceipt[],
    members: readonly string[] = [],
  ): Promise<void> {
    const { clock, checkDisk, db, files, log, metrics, outbox, signer } = this.options;
    await checkDisk();
    const file = await files.read(writeReceiptFile(receipts), Number.MAX_SAFE_INTEGER);
    const { dataHash, receiptsRoot, bytes } = file;
    const origin = { interval, proposer: signer, now: clock.now() };
    await files.keep(file, origin);
    await files.move(dataHash, origin);
    const proposal = {
      interval,
      attempt,
      receiptsRoot,
      dataHash,
      bytes: BigInt(bytes),
      receipts: BigInt(receipts.length),
    };
    const body = PROPOSAL.encode(proposal);
    step("signer.proposal.before-store");
    await db.transaction().execute(async (transaction) => {
      const row = { sender: toBytes(signer), interval, attempt, data_hash: toBytes(dataHash), body, state: "signed" };
      await transaction.insertInto("batch_proposals").values(row).execute();
      for (const member of members) {
        await transaction
          .insertInto("batch_owing")
          .values({ signer: toBytes(member) })
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
      const until = clock.now() + this.options.interval;
      await outbox.add(othersOf(this.options), "/v1/proposals", body, until, transaction);
    });
    step("signer.proposal.stored");
    metrics.proposals.inc({ by: "this", outcome: attempt });
    log.info({ interval: String(interval), attempt, dataHash, receiptsRoot, receipts: receipts.length }, "proposed");
    const kept = (await files.find(dataHash)) as KeptFile;
    if (!(await this.signing.sign(kept))) await this.signing.tell(kept);
  }

  private async own(interval: bigint, attempt: Proposal["attempt"]): Promise<Proposal | undefined> {
    const row = await this.options.db
      .selectFrom("batch_proposals")
      .select("body")
      .where("sender", "=", toBytes(this.options.signer))
      .where("interval", "=", interval)
      .where("attempt", "=", attempt)
      .executeTakeFirst();
    return row && PROPOSAL.decode(row.body);
  }

  private async receiptsOf({ dataHash }: KeptFile): Promise<MeteredReceipt[]> {
    const { receipts } = await readMeteredReceiptFile(this.options.files.stream(dataHash), {
      maxBytes: Number.MAX_SAFE_INTEGER,
    });
    return [...receipts.metered()];
  }

  /** Returns what a receipt must be above to say something that no root on the chain says. */
  private async leastOf(): Promise<(receipt: MeteredReceipt) => bigint> {
    const { chain, files } = this.options;
    const index = await files.receipts();
    return ({ orderId, nodeId }) =>
      index.of(orderId, nodeId).reduce((most, { dataHash, cumulativeTU }) => {
        const state = chain.root(dataHash)?.state;
        return (state === "pending" || state === "final") && cumulativeTU > most ? cumulativeTU : most;
      }, 0n);
  }
}
