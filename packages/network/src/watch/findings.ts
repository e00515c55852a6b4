import { attainableTU, formatInstant, max } from "@turingfog/sdk";
import type { Receipt } from "@turingfog/sdk/wire";
import { formatUnits } from "ethers";

import type { ChainFacts, OrderFacts, RootFacts } from "../chain/index.js";

/** Names of what may be wrong with a file and its receipts. Programs compare them, so they never change. */
export type FindingName =
  | "root-wrong"
  | "file-malformed"
  | "unknown-order"
  | "unknown-node"
  | "other-node"
  | "before-start"
  | "after-submission"
  | "over-rate"
  | "over-order"
  | "sold-twice"
  | "after-end"
  | "not-attested"
  | "below-settled"
  | "spike";

/**
 * What does not contradict the chain as signers see it: a stop or a revocation may come to be final after they have signed,
 * and one that lacked an older file may say less. The escrow pays nothing for it.
 */
const DOUBTS: readonly FindingName[] = ["after-end", "not-attested", "below-settled", "spike"];

/** A fault of a file, by its first example. */
export interface Finding {
  name: FindingName;
  /** Whether honest signers never sign it. */
  isContradiction: boolean;
  /** Number of receipts, or files, that have it. */
  count: number;
  example: string;
}

/** Findings by name, each with its first example. */
export class Findings {
  private readonly byName = new Map<FindingName, Finding>();

  add(name: FindingName, example: string): void {
    const found = this.byName.get(name);
    if (found !== undefined) ++found.count;
    else this.byName.set(name, { name, isContradiction: !DOUBTS.includes(name), count: 1, example });
  }

  get all(): Finding[] {
    return [...this.byName.values()];
  }
}

/** Seconds that a reading's time may be ahead of the signers' clocks. */
const AHEAD = 60n;

/** A receipt, its order, and what is wrong with it by itself. */
interface Claimed {
  order: OrderFacts;
  receipt: Receipt;
  fault?: FindingName;
}

/** A time in which a node counts TU, above what was settled by acknowledgement. */
interface Work {
  from: bigint;
  until: bigint;
  tu: bigint;
}

/** Holds the receipts of a file against what final blocks tell, and adds what is wrong. */
export function checkReceipts(
  receipts: Iterable<Receipt>,
  { submittedAt }: Pick<RootFacts, "submittedAt">,
  facts: Pick<ChainFacts, "order" | "node" | "attestedAt">,
  findings: Findings,
): void {
  const highest = new Map<string, Claimed>();
  for (const receipt of receipts) {
    const { orderId, nodeId, cumulativeTU } = receipt;
    const order = facts.order(orderId);
    const fault = order === undefined ? "unknown-order" : faultOf(receipt, order, submittedAt, facts);
    if (fault !== undefined) findings.add(fault, describe(receipt));
    if (order === undefined) continue;
    // a file may have several receipts of one order and node, of which the highest says it all
    const chain = `${orderId} ${nodeId}`;
    if (cumulativeTU >= (highest.get(chain)?.receipt.cumulativeTU ?? 0n)) highest.set(chain, { order, receipt, fault });
  }
  const ofOrders = new Map<OrderFacts, bigint>();
  const ofNodes = new Map<bigint, Work[]>();
  for (const { order, receipt, fault } of highest.values()) {
    const { nodeId, cumulativeTU, measuredAt } = receipt;
    ofOrders.set(order, (ofOrders.get(order) ?? 0n) + cumulativeTU);
    if (fault !== undefined && !DOUBTS.includes(fault)) continue;
    const works = ofNodes.get(nodeId) ?? [];
    works.push({ from: order.startedAt, until: measuredAt, tu: max(cumulativeTU - order.acknowledgedTU, 0n) });
    ofNodes.set(nodeId, works);
  }
  for (const [{ orderId, tuAmount }, tu] of ofOrders) {
    if (tu > tuAmount) findings.add("over-order", `order ${orderId} has ${tuOf(tu)} of ${tuOf(tuAmount)} TU`);
  }
  for (const [nodeId, works] of ofNodes) {
    const rate = facts.node(nodeId)?.ratePerDay;
    const sold = rate === undefined ? undefined : soldTwice(works, rate);
    if (sold !== undefined) findings.add("sold-twice", `node ${nodeId} has ${tuOf(sold.tu)} TU ${timeOf(sold)}`);
  }
}

function faultOf(
  { nodeId, cumulativeTU, measuredAt }: Receipt,
  order: OrderFacts,
  submittedAt: bigint,
  facts: Pick<ChainFacts, "node" | "attestedAt">,
): FindingName | undefined {
  const node = facts.node(nodeId);
  if (node === undefined) return "unknown-node";
  if (order.nodeId !== 0n && order.nodeId !== nodeId) return "other-node";
  if (measuredAt < order.startedAt) return "before-start";
  if (measuredAt > submittedAt + AHEAD) return "after-submission";
  // what was settled by acknowledgement takes nothing of the rate
  const attainable = attainableTU(node.ratePerDay, measuredAt - order.startedAt);
  if (cumulativeTU > order.acknowledgedTU + attainable) return "over-rate";
  if (measuredAt > order.endsAt) return "after-end";
  if (!facts.attestedAt(nodeId, measuredAt)) return "not-attested";
  const settled = order.settledTU(nodeId);
  return cumulativeTU < settled && settled > order.acknowledgedTU ? "below-settled" : undefined;
}

/**
 * Returns a time in which a node's orders have more TU together than it attains in it; undefined if there is none. An
 * order's TU count only if it lies in that time as a whole.
 */
function soldTwice(works: readonly Work[], ratePerDay: bigint): Work | undefined {
  const within: Work[] = [];
  for (const work of [...works].sort((a, b) => (a.from > b.from ? -1 : 1))) {
    const at = within.findIndex(({ until }) => until > work.until);
    within.splice(at < 0 ? within.length : at, 0, work);
    let tu = 0n;
    for (const { until, tu: more } of within) {
      tu += more;
      if (tu > attainableTU(ratePerDay, max(until - work.from, 0n))) return { from: work.from, until, tu };
    }
  }
  return undefined;
}

function describe({ orderId, nodeId, cumulativeTU, measuredAt }: Receipt): string {
  return `order ${orderId}, node ${nodeId}: ${tuOf(cumulativeTU)} TU at ${formatInstant(measuredAt)}`;
}

function timeOf({ from, until }: Work): string {
  return `from ${formatInstant(from)} until ${formatInstant(until)}`;
}

function tuOf(tu: bigint): string {
  return formatUnits(tu, 18);
}
