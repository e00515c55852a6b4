import { BATCH_SIGNATURE, type BatchSignature, type OracleMessages } from "@turingfog/sdk/wire";

import { RefusedError } from "../../http/index.js";
import { step } from "../../runtime/index.js";
import { fromBytes, toBytes } from "../../store/index.js";
import type { KeptFile } from "./files.js";
import { type BatchOptions, othersOf, placesAfter } from "./options.js";

export const SIGNING_STEPS = [
  "signer.signature.before-store",
  "signer.signature.stored",
  "signer.signature.before-taking",
  "signer.signature.taken",
  "signer.quorum.before-store",
  "signer.quorum.stored",
] as const;

/** Intervals, this one included, whose files are signed though they had no quorum yet. */
const RECENT = 2n;

/** The signatures of the files that this signer signs, by it and by others. */
export class Signing {
  constructor(
    private readonly options: BatchOptions,
    /** Says whether a signature of another signer is right. */
    private readonly isRight: (batch: OracleMessages["ReceiptBatch"], by: BatchSignature) => Promise<boolean>,
  ) {}

  /**
   * Signs a kept file under the signer set in force, and tells the others.
   * @returns false if that was done before
   */
  async sign(file: KeptFile): Promise<boolean> {
    const { signer, db, chain, sign } = this.options;
    const { version, signers } = chain.signers();
    if (!signers.includes(signer)) return true;
    if ((await this.of(file.dataHash)).some((each) => each.signer === signer)) return false;
    const { receiptsRoot, dataHash } = file;
    const batch = { receiptsRoot, dataHash, signerSetVersion: version };
    const given = { ...batch, signer, signature: await sign(batch) };
    step("signer.signature.before-store");
    await db.transaction().execute(async (transaction) => {
      await this.store(given, transaction);
      await this.send(given, transaction);
    });
    step("signer.signature.stored");
    return true;
  }

  /** Tells the others once more that this signer has signed a file. */
  async tell({ receiptsRoot, dataHash }: KeptFile): Promise<void> {
    const { chain, db, signer } = this.options;
    const own = (await this.of(dataHash)).find((each) => each.signer === signer);
    if (own !== undefined) {
      await this.send({ receiptsRoot, dataHash, signerSetVersion: chain.signers().version, ...own }, db);
    }
  }

  private async send(given: BatchSignature, db: Pick<BatchOptions["db"], "insertInto">): Promise<void> {
    const { clock, interval, outbox } = this.options;
    const path = `/v1/proposals/${given.dataHash}/signatures`;
    const until = clock.now() + interval;
    await outbox.add(othersOf(this.options), path, BATCH_SIGNATURE.encode(given), until, db);
  }

  /**
   * Takes another signer's signature.
   * @throws RefusedError
   */
  async take(given: BatchSignature): Promise<void> {
    const { chain, db, files, signer } = this.options;
    const { version, signers } = chain.signers();
    if (given.signerSetVersion !== version) {
      throw new RefusedError(404, "other-signer-set", `The signer set in force is ${version}`);
    }
    if (!signers.includes(given.signer)) throw new RefusedError(403, "no-signer", `${given.signer} is no signer`);
    const file = await files.find(given.dataHash);
    if (file === undefined) throw new RefusedError(404, "unknown-file", "This signer does not sign the file");
    const { receiptsRoot, dataHash } = file;
    if (given.receiptsRoot !== receiptsRoot) {
      throw new RefusedError(400, "other-root", `The file's root is ${receiptsRoot}`);
    }
    if (!(await this.isRight({ receiptsRoot, dataHash, signerSetVersion: version }, given))) {
      throw new RefusedError(400, "bad-signature", `The signature is not by ${given.signer}`);
    }
    step("signer.signature.before-taking");
    await db.transaction().execute(async (transaction) => {
      await this.store(given, transaction);
      const repeats = transaction.selectFrom("batch_proposals").select("sender");
      const isOwed = await repeats
        .where("sender", "=", toBytes(signer))
        .where("attempt", "=", "repeat")
        .where("data_hash", "=", toBytes(dataHash))
        .executeTakeFirst();
      if (isOwed === undefined) return;
      await transaction.deleteFrom("batch_owing").where("signer", "=", toBytes(given.signer)).execute();
    });
    step("signer.signature.taken");
  }

  /** Returns the signers that were to sign a repeat of this signer, and have signed none since. */
  async owing(): Promise<Set<string>> {
    const rows = await this.options.db.selectFrom("batch_owing").selectAll().execute();
    return new Set(rows.map((row) => fromBytes(row.signer)));
  }

  /** Returns the signatures of a file under the signer set in force, by signers of that set. */
  async of(dataHash: string): Promise<{ signer: string; signature: string }[]> {
    const { db, chain } = this.options;
    const { version, signers } = chain.signers();
    const rows = await db
      .selectFrom("batch_signatures")
      .selectAll()
      .where("data_hash", "=", toBytes(dataHash))
      .where("version", "=", version)
      .execute();
    return rows
      .map((row) => ({ signer: fromBytes(row.signer), signature: fromBytes(row.signature) }))
      .filter(({ signer }) => signers.includes(signer));
  }

  async hasQuorum(dataHash: string): Promise<boolean> {
    return (await this.of(dataHash)).length >= this.options.chain.signers().quorum;
  }

  /**
   * Signs what was stored to be signed and is not: because the process ended in between, or because the signer set was
   * replaced, whose signatures are dropped. Of older files only those are signed that had a quorum.
   */
  async finish(): Promise<void> {
    const { db, chain, clock, interval, files, log } = this.options;
    const recent = clock.now() / interval - RECENT;
    const { version } = chain.signers();
    const { numDeletedRows } = await db
      .deleteFrom("batch_signatures")
      .where("version", "<", version)
      .executeTakeFirst();
    if (numDeletedRows > 0n) log.info({ version, dropped: Number(numDeletedRows) }, "signer set replaced");
    for (const file of await files.all()) {
      const isWanted = file.interval >= recent || file.quorumAt !== null;
      if (isWanted && this.isPending(file)) await this.sign(file);
    }
  }

  /** Notes which files have a quorum, and submits the first whose root the chain does not have and whose time has come. */
  async submit(): Promise<void> {
    const { chain, clock, files, submitter, log, metrics, health } = this.options;
    const pending = (await files.all()).filter((file) => this.isPending(file));
    const ready: KeptFile[] = [];
    for (const file of pending) {
      if (!(await this.hasQuorum(file.dataHash))) continue;
      if (file.quorumAt === null) await this.noteQuorum(file);
      ready.push(file);
    }
    metrics.waiting.set(ready.length);
    if (chain.isFrozen())
      return health.report("freeze", "waiting", `the network is frozen, ${ready.length} roots wait`);
    health.report("freeze", "ok");
    const { version } = chain.signers();
    const due = ready.filter((file) => clock.now() >= (file.quorumAt ?? clock.now()) + this.turnOf(file));
    // one that was found submitted, and of which final blocks do not tell, keeps no other waiting
    const next =
      due.find(({ receiptsRoot }) => !submitter.isDone({ receiptsRoot, signerSetVersion: version })) ?? due[0];
    if (next === undefined || submitter.isBusy) return;
    const { receiptsRoot, dataHash } = next;
    log.debug({ receiptsRoot, dataHash }, "root is due");
    submitter.start({ receiptsRoot, dataHash, signerSetVersion: version }, await this.of(dataHash));
  }

  /** Says whether the chain does not have a file's root, or has dropped it. */
  isPending({ dataHash }: Pick<KeptFile, "dataHash">): boolean {
    const root = this.options.chain.root(dataHash);
    return root === undefined || root.state === "expired";
  }

  private turnOf({ proposer }: KeptFile): bigint {
    const { chain, signer, delay } = this.options;
    const set = chain.signers();
    return placesAfter(set, signer, Math.max(set.signers.indexOf(proposer), 0)) * delay;
  }

  private async noteQuorum(file: KeptFile): Promise<void> {
    const { db, clock, log, metrics } = this.options;
    const now = clock.now();
    step("signer.quorum.before-store");
    await db
      .updateTable("batch_files")
      .set({ quorum_at: now })
      .where("data_hash", "=", toBytes(file.dataHash))
      .execute();
    step("signer.quorum.stored");
    file.quorumAt = now;
    metrics.lastQuorum.set(Number(now));
    log.info(
      { dataHash: file.dataHash, receiptsRoot: file.receiptsRoot, interval: String(file.interval) },
      "quorum reached",
    );
  }

  private async store(
    { dataHash, signerSetVersion, signer, signature }: BatchSignature,
    db: Pick<BatchOptions["db"], "insertInto">,
  ): Promise<void> {
    await db
      .insertInto("batch_signatures")
      .values({
        data_hash: toBytes(dataHash),
        version: signerSetVersion,
        signer: toBytes(signer),
        signature: toBytes(signature),
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}
