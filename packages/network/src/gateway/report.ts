import {
  type Addresses,
  connectContracts,
  readEvents,
  type SystemContracts,
  timelockWitness,
} from "@turingfog/sdk/ethers";
import { getAddress, type Provider } from "ethers";

import { CHAIN_MIGRATIONS, chainOf } from "../chain/index.js";
import { readKey } from "../runtime/index.js";
import { fromBlob, openStore } from "../store/index.js";
import { Cards, type CheckoutFacts } from "./cards.js";
import type { GatewayConfig } from "./config.js";
import { currencyOf, restOf } from "./money.js";
import { secret, STRIPE_KEY, STRIPE_WEBHOOK_SECRET } from "./run.js";
import { paidIn, payerOf, paymentRefOf, Sessions } from "./sessions.js";
import { GATEWAY_MIGRATIONS, type GatewayTables, type SessionRow } from "./tables.js";

/** A session in all three books: the store's, Stripe's and the chain's. Card amounts are in minor units. */
export interface ReportLine {
  session: string;
  state: string;
  currency: string;
  price: bigint;
  /** Of Stripe: what was paid and what went back, in the currency of the payment. */
  paid: bigint;
  refunded: bigint;
  paidCurrency: string;
  /** What it has kept, in the currency in which the account is settled. */
  fees: bigint;
  feeCurrency: string;
  orderId?: bigint;
  /** Base units of the asset, of the chain: what went into the order, and what came back of it. */
  deposit: bigint;
  paidBack: bigint;
  /** What of the three does not agree; empty if all does. */
  differences: string[];
}

export interface GatewayReport {
  lines: ReportLine[];
  /** By currency, in minor units: payments by theirs, fees by that in which they were kept. */
  totals: Record<string, { sessions: number; paid: bigint; refunded: bigint; fees: bigint }>;
  orders: number;
  /** Base units of the asset: what went into orders, and what came back. */
  deposit: bigint;
  paidBack: bigint;
  differences: number;
}

/** An order as the chain's events tell it. */
interface OnChain {
  orderId: bigint;
  paymentRef: string;
  /** In lower case. */
  payer: string;
  deposit: bigint;
  refund?: bigint;
}

/** Compares what the store of a gateway says with what Stripe and the chain say. Changes nothing. */
export async function reportOf(config: GatewayConfig): Promise<GatewayReport> {
  const { book, connect } = await chainOf(config.chain);
  const provider = await connect();
  const key = await readKey(config.payer);
  const cards = await Cards.open({
    ...{ ...config.stripe, endpoint: config.endpoint },
    key: await secret(config.stripe.key, STRIPE_KEY, "stripe.key"),
    webhookSecret: await secret(config.stripe.webhookSecret, STRIPE_WEBHOOK_SECRET, "stripe.webhookSecret"),
  });
  const store = await openStore<GatewayTables>(config.store, { ...CHAIN_MIGRATIONS, ...GATEWAY_MIGRATIONS });
  try {
    const rows = (await new Sessions(store.db, () => 0n).all()).filter(({ session }) => session !== null);
    const since = rows.reduce<bigint>((first, { created_at: at }) => (at < first ? at : first), NOW());
    const paid = new Map((await cards.paidSince(since - 86_400n)).map((each) => [each.session, each]));
    const payers = new Set([key.address, ...rows.map((row) => getAddress(payerOf(row, key.address)))]);
    const contracts = connectContracts(book.addresses, provider);
    const found = await Promise.all([...payers].map((payer) => ordersOf(contracts, book, provider, payer)));
    const orders = found.flat();
    const lines: ReportLine[] = [];
    for (const row of rows) {
      const own = orders.filter(({ paymentRef }) => paymentRef === paymentRefOf(row.session as string));
      const payer = payerOf(row, key.address);
      own.sort((a, b) => Number(b.payer === payer) - Number(a.payer === payer));
      lines.push(await lineOf(row, paid.get(row.session as string), own, cards));
    }
    const known = new Set(rows.map(({ session }) => session));
    for (const facts of paid.values()) if (!known.has(facts.session)) lines.push(await unknownLine(facts, cards));
    const refs = new Set(rows.map(({ session }) => paymentRefOf(session as string)));
    for (const order of orders) if (!refs.has(order.paymentRef)) lines.push(strangeLine(order));
    return summed(lines);
  } finally {
    await store.close();
  }
}

const NOW = () => BigInt(Math.floor(Date.now() / 1_000));

/** @param orders those of the session's reference, that of its payer first */
async function lineOf(
  row: SessionRow,
  facts: CheckoutFacts | undefined,
  orders: readonly OnChain[],
  cards: Cards,
): Promise<ReportLine> {
  const { state, currency, price, payment_intent: paymentIntent } = row;
  const session = row.session as string;
  const order = orders.at(0);
  const refunded = paymentIntent === null ? 0n : (await cards.refundsOf(paymentIntent)).given;
  const paidCurrency = facts?.currency ?? paidIn(row);
  const kept = paymentIntent === null ? undefined : await cards.feesOf(paymentIntent);
  const fees = { fees: kept?.amount ?? 0n, feeCurrency: kept?.currency ?? paidCurrency };
  const line = { session, state, currency, price, paid: facts?.amount ?? 0n, refunded, paidCurrency, ...fees };
  const whole = { ...line, orderId: order?.orderId, deposit: order?.deposit ?? 0n, paidBack: order?.refund ?? 0n };
  const several = `orders ${orders.map(({ orderId }) => orderId).join(" and ")} have its reference, by different payers`;
  return {
    ...whole,
    differences: [...differencesOf(row, facts, order, refunded), ...(orders.length > 1 ? [several] : [])],
  };
}

function differencesOf(
  row: SessionRow,
  facts: CheckoutFacts | undefined,
  order: OnChain | undefined,
  refunded: bigint,
): string[] {
  const { state, currency, price, dispute, disputed } = row;
  const isPaid = !["checkout", "expired"].includes(state);
  const found: string[] = [];
  if (isPaid !== (facts !== undefined)) found.push(isPaid ? "not paid at Stripe" : "paid at Stripe, not seen yet");
  if (row.order_id !== null && order === undefined) found.push("its order is not on the chain");
  if (row.order_id === null && order !== undefined && state !== "approved") found.push("its order was not seen yet");
  if (facts === undefined || !["owed", "refunded"].includes(state)) return found;
  const given = refunded + (dispute === "lost" ? (disputed ?? 0n) : 0n);
  const due = order === undefined ? facts.amount : restDue(row, order);
  if (given !== due) found.push(`${due} were due back, ${given} went back`);
  if (order !== undefined && order.refund === undefined) found.push("its order is open");
  if (order !== undefined && (facts.amount !== price || facts.currency !== currency))
    found.push("paid otherwise than quoted");
  return found;
}

function restDue(row: SessionRow, { deposit, refund = 0n }: OnChain): bigint {
  const quoted = fromBlob(row.deposit);
  const unused = quoted - deposit + refund;
  return restOf({ price: row.price, deposit: quoted, unused, fee: row.refund_fee, currency: currencyOf(row.currency) });
}

async function unknownLine(
  { session, amount, currency, paymentIntent }: CheckoutFacts,
  cards: Cards,
): Promise<ReportLine> {
  const refunded = paymentIntent === undefined ? 0n : (await cards.refundsOf(paymentIntent)).given;
  const amounts = { price: 0n, paid: amount, refunded, fees: 0n, deposit: 0n, paidBack: 0n };
  const currencies = { currency, paidCurrency: currency, feeCurrency: currency };
  return {
    session,
    state: "unknown",
    ...currencies,
    ...amounts,
    differences: ["paid at Stripe, and not in the store"],
  };
}

function strangeLine({ paymentRef, orderId, deposit, refund = 0n }: OnChain): ReportLine {
  const amounts = { price: 0n, paid: 0n, refunded: 0n, fees: 0n, deposit, paidBack: refund };
  const differences = ["an order of the payer that no session has"];
  const currencies = { currency: "", paidCurrency: "", feeCurrency: "" };
  return { session: paymentRef, state: "unknown", ...currencies, orderId, ...amounts, differences };
}

/** Returns the orders of a payer. */
async function ordersOf(
  { escrow, timelock }: SystemContracts,
  { firstBlock }: Addresses,
  provider: Provider,
  payer: string,
): Promise<OnChain[]> {
  const [opened, closed] = await readEvents(
    { provider, since: firstBlock ?? 0 },
    await timelockWitness(timelock),
    { contract: escrow, event: escrow.filters.OrderOpened, args: [null, null, getAddress(payer)] },
    { contract: escrow, event: escrow.filters.OrderClosed },
  );
  const refunds = new Map(closed.map(({ args }) => [args.orderId, args.refund]));
  return opened.map(({ args: { orderId, deposit, paymentRef } }) => ({
    ...{ orderId, paymentRef, payer: payer.toLowerCase(), deposit },
    refund: refunds.get(orderId),
  }));
}

function summed(lines: ReportLine[]): GatewayReport {
  const totals: GatewayReport["totals"] = {};
  const totalOf = (currency: string) => (totals[currency] ??= { sessions: 0, paid: 0n, refunded: 0n, fees: 0n });
  for (const { paidCurrency, paid, refunded, feeCurrency, fees } of lines) {
    if (paidCurrency === "") continue;
    const total = totalOf(paidCurrency);
    total.sessions += 1;
    total.paid += paid;
    total.refunded += refunded;
    totalOf(feeCurrency).fees += fees;
  }
  const sum = (of: (line: ReportLine) => bigint) => lines.reduce((all, line) => all + of(line), 0n);
  return {
    lines,
    totals,
    orders: lines.filter(({ orderId }) => orderId !== undefined).length,
    deposit: sum(({ deposit }) => deposit),
    paidBack: sum(({ paidBack }) => paidBack),
    differences: lines.reduce((count, { differences }) => count + differences.length, 0),
  };
}
