import type { BatchSignature, OracleMessages } from "@turingfog/sdk/wire";

import { reasonOf } from "../../runtime/index.js";
import { Checking, CHECKING_STEPS } from "./checking.js";
import { FILE_STEPS } from "./files.js";
import type { BatchOptions } from "./options.js";
import { OUTBOX_STEPS } from "./outbox.js";
import { Proposing, PROPOSING_STEPS } from "./proposing.js";
import { prune } from "./publication.js";
import { Signing, SIGNING_STEPS } from "./signing.js";
import { SUBMITTER_STEPS } from "./submitter.js";
import { Vetoes, VETO_STEPS } from "./vetoes.js";

/** Where the batches stand before and after each durable write and each send. */
export const BATCH_STEPS = [
  ...FILE_STEPS,
  ...PROPOSING_STEPS,
  ...CHECKING_STEPS,
  ...SIGNING_STEPS,
  ...OUTBOX_STEPS,
  ...SUBMITTER_STEPS,
  ...VETO_STEPS,
] as const;

/**
 * Agrees with the other signers on receipt files, and brings their roots to the chain. No consensus is needed: receipts are
 * cumulative, so that two roots never contradict each other, and what one leaves out the next takes in.
 */
export class Batch {
  readonly signing: Signing;
  readonly proposing: Proposing;
  readonly checking: Checking;
  readonly vetoes: Vetoes;

  constructor(
    private readonly options: BatchOptions,
    isRight: (batch: OracleMessages["ReceiptBatch"], by: BatchSignature) => Promise<boolean>,
  ) {
    this.signing = new Signing(options, isRight);
    this.proposing = new Proposing(options, this.signing);
    this.checking = new Checking(options, this.signing);
    this.vetoes = new Vetoes(options.db);
  }

  /** Does all that is due. What fails is reported, and due again the next time. */
  async advance(): Promise<void> {
    const { clock, health, outbox } = this.options;
    try {
      clock.check();
      health.report("clock", "ok");
    } catch (error) {
      // a signer whose clock is wrong signs nothing
      return health.report("clock", "waiting", reasonOf(error));
    }
    await this.try("vetoes", () => this.vetoes.note(this.options), false);
    await this.try("signing", () => this.signing.finish());
    await this.try("proposals", () => this.proposing.advance());
    await this.try("checks", () => this.checking.advance());
    await this.try("roots", () => this.signing.submit());
    await this.try("messages", () => outbox.flush());
    await this.try("files", () => prune(this.options));
  }

  /** Resolves when nothing that was begun is under way. */
  async settled(): Promise<void> {
    await Promise.all([this.checking.settled(), this.options.outbox.settled(), this.options.submitter.settled()]);
  }

  /** @param saysOk whether success is reported here: the act may have a report of its own */
  private async try(part: string, act: () => Promise<void>, saysOk = true): Promise<void> {
    const { health } = this.options;
    try {
      await act();
      if (saysOk) health.report(part, "ok");
    } catch (error) {
      health.report(part, "waiting", reasonOf(error));
    }
  }
}
