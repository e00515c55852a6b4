import type { ChainFacts } from "../chain/index.js";
import type { Auditor } from "./audits/index.js";
import type { ReceiptFiles } from "./batch/files.js";
import { isIn, type Vetoes } from "./batch/vetoes.js";
import type { ChallengeBoard, Head } from "./challenges/board.js";
import type { Intake, NodeDocuments } from "./intake/index.js";
import type { Results } from "./results.js";
import { evaluate, type RuledChain, type Verdict } from "./rules/index.js";

export interface LedgerOptions {
  chain: ChainFacts;
  intake: Pick<Intake, "log" | "isStopped">;
  documents: Pick<NodeDocuments, "of">;
  challenges: Pick<ChallengeBoard, "results">;
  results: Pick<Results, "known">;
  files: Pick<ReceiptFiles, "receipts">;
  vetoes: Pick<Vetoes, "open">;
  auditor: Pick<Auditor, "limits">;
}

/** Brings together all that the rules of metering ask for. */
export class Ledger {
  constructor(private readonly options: LedgerOptions) {}

  /** Says what counts of each chain of an open order, by all that is known now. */
  async judge(): Promise<Verdict[]> {
    const { chain, intake, documents, challenges, results, files, vetoes, auditor } = this.options;
    const chains: RuledChain[] = [];
    for (const { orderId, nodeId } of this.pairs()) {
      const readings = await intake.log.chain({ orderId, nodeId });
      if (readings.length > 0) chains.push({ orderId, nodeId, readings });
    }
    const [outcomes, hasResult, index, vetoed, audited] = await Promise.all([
      challenges.results(),
      results.known(),
      files.receipts(),
      vetoes.open(),
      auditor.limits(),
    ]);
    return evaluate(chains, {
      order: (orderId) => chain.order(orderId),
      node: (nodeId) => chain.node(nodeId),
      documents: (nodeId) => documents.of(nodeId),
      challenges: (nodeId) => outcomes.get(nodeId) ?? [],
      isStopped: (nodeId) => intake.isStopped(nodeId),
      hasResult: (orderId, nodeId, { evidence }) => hasResult({ orderId, nodeId }, evidence),
      audited,
      signed: (orderId, nodeId) => index.of(orderId, nodeId).filter(({ dataHash }) => !vetoed.has(dataHash)),
      isVetoed: (orderId, nodeId) => isIn(vetoed, index, orderId, nodeId),
    });
  }

  /** Returns the last reading of each chain of an open order. */
  async heads(): Promise<Head[]> {
    const heads: Head[] = [];
    for (const author of this.pairs()) {
      const head = await this.options.intake.log.head(author);
      if (head !== undefined) heads.push({ ...author, measuredAt: head.measuredAt });
    }
    return heads;
  }

  /** Returns the pairs of an open order and a node that may work on it. */
  pairs(): { orderId: bigint; nodeId: bigint }[] {
    const { chain } = this.options;
    return chain
      .nodesAtWork()
      .flatMap((nodeId) => chain.openOrdersOf(nodeId).map(({ orderId }) => ({ orderId, nodeId })));
  }
}
