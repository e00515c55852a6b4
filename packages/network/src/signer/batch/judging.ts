import { MAX_REFUSED, type MeteredReceipt, type ProposalAnswer, type RefusedReceipt } from "@turingfog/sdk/wire";
import { objectionTo, type Verdict } from "../rules/index.js";

/** Bytes of a receipt file beside its receipts, and the most of a receipt, whose ids are those of orders and nodes. */
const FRAME_BYTES = 256;
const RECEIPT_BYTES = 256;

/** Returns the most bytes of a file that has a receipt of each pair of an open order and a node that may work on it. */
export function limitOf(pairs: number): number {
  return FRAME_BYTES + RECEIPT_BYTES * pairs;
}

/** Verdicts by order and node. */
export class Verdicts {
  private readonly byChain: ReadonlyMap<string, Verdict>;

  constructor(readonly all: readonly Verdict[]) {
    this.byChain = new Map(all.map((verdict) => [keyOf(verdict), verdict]));
  }

  of(receipt: { orderId: bigint; nodeId: bigint }): Verdict | undefined {
    return this.byChain.get(keyOf(receipt));
  }
}

/** Returns the answer to a proposal that cannot be signed as it stands; undefined if it can. */
export function answerTo(
  dataHash: string,
  receipts: Iterable<MeteredReceipt>,
  verdicts: Verdicts,
): ProposalAnswer | undefined {
  const refused: RefusedReceipt[] = [];
  let index = 0n;
  let last: MeteredReceipt | undefined;
  for (const receipt of receipts) {
    if (refused.length === MAX_REFUSED) return { dataHash, judged: index, refused };
    const isSecond = last !== undefined && keyOf(last) === keyOf(receipt);
    const objection = isSecond
      ? { reason: "second-receipt", sequence: 0n, digest: `0x${"00".repeat(32)}`, cumulativeTU: 0n }
      : objectionTo(receipt, verdicts.of(receipt));
    if (objection !== undefined) refused.push({ index, ...objection });
    last = receipt;
    ++index;
  }
  return refused.length === 0 ? undefined : { dataHash, judged: index, refused };
}

function keyOf({ orderId, nodeId }: { orderId: bigint; nodeId: bigint }): string {
  return `${orderId} ${nodeId}`;
}
