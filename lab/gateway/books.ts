import { keccak256, toUtf8Bytes } from "ethers";

/** What moved from a card, or back to it, in minor units, in the order of time. */
export interface CardEntry {
  kind: "payment" | "refund" | "dispute";
  session: string;
  amount: bigint;
}

/** An order as the chain has it. Amounts are base units of the asset. */
export interface OrderEntry {
  orderId: bigint;
  paymentRef: string;
  /** What it could have cost at most, which is what the card was charged for, and what it has cost. */
  quoted: bigint;
  deposit: bigint;
  /** What came back; undefined while it is open. */
  refund?: bigint;
}

export interface CardBooks {
  cards: readonly CardEntry[];
  /** Those of the gateway's payer. */
  orders: readonly OrderEntry[];
  /** Minor units that are kept of a rest. */
  fee: bigint;
}

/** The totals of the books, and every session that does not add up. */
export interface ClosedBooks {
  /** Paid ones. */
  sessions: number;
  orders: number;
  refunds: number;
  doubleOrders: number;
  doubleRefunds: number;
  /** Minor units by which cards got less or more than they should. */
  lostCents: bigint;
  findings: string[];
}

/**
 * Checks that each paid session has either one order, which is closed and whose rest went back, or all of its payment back.
 * The rest is the share of the payment that the contract did not spend, less the fee, rounded down.
 */
export function closeCardBooks({ cards, orders, fee }: CardBooks): ClosedBooks {
  const findings: string[] = [];
  let [doubleOrders, doubleRefunds, lostCents] = [0, 0, 0n];
  const sum = (session: string, kind: CardEntry["kind"]) =>
    cards
      .filter((each) => each.session === session && each.kind === kind)
      .reduce((all, { amount }) => all + amount, 0n);
  const sessions = [...new Set(cards.map(({ session }) => session))];
  const byRef = new Map(sessions.map((session) => [keccak256(toUtf8Bytes(`stripe:${session}`)), session]));
  for (const { orderId, paymentRef } of orders) {
    if (byRef.has(paymentRef)) continue;
    ++doubleOrders;
    findings.push(`order ${orderId} is of no payment`);
  }
  for (const [paymentRef, session] of byRef) {
    const own = orders.filter((order) => order.paymentRef === paymentRef);
    const [paid, refunded] = [sum(session, "payment"), sum(session, "refund")];
    doubleOrders += Math.max(own.length - 1, 0);
    if (own.length > 1) findings.push(`${session} has ${own.length} orders`);
    const [order] = own;
    if (order !== undefined && order.refund === undefined) findings.push(`${session}: order ${order.orderId} is open`);
    const due = order === undefined ? paid : restOf(paid, order, fee);
    if (refunded === due) continue;
    if (refunded > due) ++doubleRefunds;
    lostCents += refunded > due ? refunded - due : due - refunded;
    const what = order === undefined ? "without an order" : `whose order ${order.orderId} gave ${order.refund} back`;
    findings.push(`${session}, ${what}: ${paid} paid, ${due} due back, ${refunded} refunded`);
  }
  const refunds = cards.filter(({ kind }) => kind === "refund").length;
  return {
    sessions: sessions.length,
    orders: orders.length,
    refunds,
    doubleOrders,
    doubleRefunds,
    lostCents,
    findings,
  };
}

function restOf(paid: bigint, { quoted, deposit, refund = 0n }: OrderEntry, fee: bigint): bigint {
  const share = (paid * (quoted - deposit + refund)) / quoted - fee;
  return share > 0n ? share : 0n;
}
