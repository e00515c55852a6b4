import { keccak256, toUtf8Bytes } from "ethers";

/** What moved from a card, or back to it, in the order of time. */
export interface CardEntry {
  kind: "payment" | "refund" | "dispute";
  session: string;
  /** Minor units; below 0 for a refund that the bank sent back, and for a lost dispute that was won after all. */
  amount: bigint;
  currency: string;
}

/** What cards of a currency are charged and given back, stated apart from the gateway. */
export interface CardTerms {
  /** Minor units for base units of the asset, as a fraction, and what every amount is rounded to. */
  price: readonly [minor: bigint, units: bigint];
  step: bigint;
  /** Minor units that are kept of a rest. */
  fee: bigint;
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
  nodeId: bigint;
  /** Seconds. */
  duration: bigint;
}

/** What a customer has asked for and paid, and whether its result is there. */
export interface CardSale {
  nodeId: bigint;
  /** Seconds. */
  duration: bigint;
  /** Whether the node takes its job and no bank took its payment back, so that it should have a result. */
  isServed: boolean;
  hasResult: boolean;
}

export interface CardBooks {
  cards: readonly CardEntry[];
  /** Those of the gateway's payer. */
  orders: readonly OrderEntry[];
  /** By session. */
  sales: ReadonlyMap<string, CardSale>;
  /** By the currencies that are sold in. */
  terms: Readonly<Record<string, CardTerms>>;
}

/** The totals of the books, and every session that does not add up. */
export interface ClosedBooks {
  /** Paid ones. */
  sessions: number;
  orders: number;
  refunds: number;
  /** Refunds that the bank sent back, and disputes that were lost. */
  sentBack: number;
  lostDisputes: number;
  /** Those that orders were paid in. */
  currencies: string[];
  doubleOrders: number;
  doubleRefunds: number;
  /** Minor units by which cards got less or more than they should. */
  lostCents: bigint;
  findings: string[];
}

/** Of so many payments one has an order at least: a gateway that refunds everything loses no cent either. */
const LEAST_SHARE = 5;

/** Of so many orders that should have a result one has it at least: some end while the gateway is dead. */
const RESULTS_SHARE = 2;

/**
 * Checks that each paid session has either one order, which is what was asked for and is closed, and whose rest went back, or
 * all of its payment back; and that most orders that should have a result have one.
 * The rest is the share of the payment that the contract did not spend, less the fee, rounded down. What a lost dispute takes
 * counts as given back. It may be more than was due; a refund never is.
 */
export function closeCardBooks({ cards, orders, sales, terms }: CardBooks): ClosedBooks {
  const findings: string[] = [];
  let [doubleOrders, doubleRefunds, lostCents] = [0, 0, 0n];
  const sessions = [...new Set(cards.map(({ session }) => session))];
  const byRef = new Map(sessions.map((session) => [keccak256(toUtf8Bytes(`stripe:${session}`)), session]));
  for (const { orderId, paymentRef } of orders) {
    if (byRef.has(paymentRef)) continue;
    ++doubleOrders;
    findings.push(`order ${orderId} is of no payment`);
  }
  const currencies = new Set<string>();
  let [served, results] = [0, 0];
  for (const [paymentRef, session] of byRef) {
    const entries = cards.filter((each) => each.session === session);
    const payments = entries.filter(({ kind }) => kind === "payment");
    const paid = payments.reduce((sum, { amount }) => sum + amount, 0n);
    const [{ currency }] = entries;
    const own = orders.filter((order) => order.paymentRef === paymentRef);
    doubleOrders += Math.max(own.length - 1, 0);
    if (own.length > 1) findings.push(`${session} has ${own.length} orders`);
    const [order] = own;
    const its = terms[currency] as CardTerms | undefined;
    if (order !== undefined) {
      currencies.add(currency);
      if (order.refund === undefined) findings.push(`${session}: order ${order.orderId} is open`);
      const sale = sales.get(session);
      const [got, asked] = [order, sale].map((each) => `node ${each?.nodeId} for ${each?.duration} s`);
      if (got !== asked) findings.push(`${session}: order ${order.orderId} is of ${got}, asked for was ${asked}`);
      if (sale?.isServed === true) {
        ++served;
        if (sale.hasResult) ++results;
      }
      const price = its === undefined ? "nothing that is sold" : `${priceOf(order.quoted, its)}`;
      if (price !== `${paid}`)
        findings.push(
          `${session}: order ${order.orderId} was opened at a price of ${price}, ${paid} ${currency} were paid`,
        );
    }
    const due = order === undefined ? paid : restOf(paid, order, its);
    const { given, most } = givenOf(entries);
    const above = most > due ? most - due : 0n;
    const missing = given < due ? due - given : 0n;
    if (above > 0n) ++doubleRefunds;
    lostCents += above + missing;
    const what = order === undefined ? "without an order" : `whose order ${order.orderId} gave ${order.refund} back`;
    if (above + missing > 0n)
      findings.push(
        `${session}, ${what}: ${paid} ${currency} paid, ${due} due back, ${given} back, ${most} after a refund`,
      );
  }
  if (orders.length * LEAST_SHARE < sessions.length)
    findings.push(`${orders.length} orders of ${sessions.length} payments are less than one of ${LEAST_SHARE}`);
  if (results * RESULTS_SHARE < served)
    findings.push(
      `${results} of ${served} orders that should have a result have one, less than one of ${RESULTS_SHARE}`,
    );
  const count = (kind: CardEntry["kind"], isGiven = true) =>
    cards.filter((each) => each.kind === kind && each.amount > 0n === isGiven).length;
  return {
    ...{ sessions: sessions.length, orders: orders.length, refunds: count("refund") },
    ...{ sentBack: count("refund", false), lostDisputes: count("dispute"), currencies: [...currencies].sort() },
    ...{ doubleOrders, doubleRefunds, lostCents, findings },
  };
}

/** Returns what is back on a card in the end, and the most that was at any time after a refund. */
function givenOf(entries: readonly CardEntry[]): { given: bigint; most: bigint } {
  let [given, most] = [0n, 0n];
  for (const { kind, amount } of entries) {
    if (kind === "payment") continue;
    given += amount;
    if (kind === "refund" && amount > 0n && given > most) most = given;
  }
  return { given, most };
}

function priceOf(deposit: bigint, { price: [minor, units], step }: CardTerms): bigint {
  const one = units * step;
  return ((deposit * minor + one - 1n) / one) * step;
}

function restOf(paid: bigint, { quoted, deposit, refund = 0n }: OrderEntry, terms?: CardTerms): bigint {
  const { fee, step } = terms ?? { fee: 0n, step: 1n };
  const share = (paid * (quoted - deposit + refund)) / quoted - fee;
  return share > 0n ? (share / step) * step : 0n;
}
