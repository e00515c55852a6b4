import { Counter, Gauge, type Registry } from "prom-client";

/** What operators watch and alarm on. */
export class BatchMetrics {
  readonly proposals: Counter<"by" | "outcome">;
  readonly refusals: Counter<"reason">;
  readonly signatures: Gauge;
  readonly waiting: Gauge;
  readonly vetoed: Gauge;
  readonly lastQuorum: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.proposals = new Counter({
      name: "turingfog_signer_proposals_total",
      help: "Proposals, by this signer or another, and what became of them",
      labelNames: ["by", "outcome"],
      registers,
    });
    this.refusals = new Counter({
      name: "turingfog_signer_refused_receipts_total",
      help: "Receipts of other signers that this one refused, by reason",
      labelNames: ["reason"],
      registers,
    });
    this.signatures = new Gauge({
      name: "turingfog_signer_signatures",
      help: "Signatures of the latest file that this signer signs, of the signer set in force",
      registers,
    });
    this.waiting = new Gauge({
      name: "turingfog_signer_waiting_roots",
      help: "Files with a quorum whose root is not on the chain",
      registers,
    });
    this.vetoed = new Gauge({
      name: "turingfog_signer_vetoed_files",
      help: "Files whose root was vetoed and that nobody has cleared",
      registers,
    });
    this.lastQuorum = new Gauge({
      name: "turingfog_signer_last_quorum_seconds",
      help: "Unix time at which a file last had a quorum",
      registers,
    });
  }
}
