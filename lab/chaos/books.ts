/**
 * Closes the books of a network: holds what the chain has paid against what the nodes' own meters say, by its own sums. It
 * shares no code with the roles and none with the contracts' SDK, and nothing here may import any of it.
 */

const TU = 10n ** 18n;
const DAY = 86_400n;

/** Speed above the rated one that is paid for, in tenths. */
const TENTHS = 11n;

/** An order as it was opened and closed; amounts are base units of its asset, times unix seconds. */
export interface OrderEntry {
  orderId: bigint;
  /** 18 decimals. */
  tuAmount: bigint;
  /** For 1 TU. */
  unitPrice: bigint;
  deposit: bigint;
  startedAt: bigint;
  endsAt: bigint;
  /** Undefined while it is open. */
  refund?: bigint;
}

/** What was settled for a node on an order in one transaction. */
export interface SettlementEntry {
  orderId: bigint;
  nodeId: bigint;
  /** Who is rewarded for it, and in which bucket. */
  payout: string;
  bucketId: bigint;
  /** All TU settled so far, 18 decimals. */
  settledTU: bigint;
  /** What it has earned newly. */
  earned: bigint;
}

/** What a node's own meter says of an order. */
export interface MeterEntry {
  orderId: bigint;
  nodeId: bigint;
  /** TU that it may be paid at most, 18 decimals. */
  workedTU: bigint;
  /** TU that it must be paid: all of an honest node's, nothing of a cheat's. */
  owedTU: bigint;
  /** Time of its last reading. */
  until: bigint;
}

export interface BucketEntry {
  bucketId: bigint;
  /** TFT of all its miners. */
  reward: bigint;
}

/** TFT that the reward pool has sent to somebody. */
export interface PayoutEntry {
  to: string;
  amount: bigint;
}

export interface Books {
  orders: readonly OrderEntry[];
  /** In the order of the chain. */
  settlements: readonly SettlementEntry[];
  meters: readonly MeterEntry[];
  buckets: readonly BucketEntry[];
  payouts: readonly PayoutEntry[];
  /** TU a day of each node, 18 decimals. */
  rates: ReadonlyMap<bigint, bigint>;
}

export type FindingKind = "lost" | "paid twice" | "never worked" | "too fast";

export interface Finding {
  kind: FindingKind;
  what: string;
}

/** Returns all that does not come out; nothing if the books close. */
export function closeBooks(books: Books): Finding[] {
  return [
    ...checkWork(books),
    ...checkEarnings(books),
    ...checkOrders(books),
    ...checkSpeed(books),
    ...checkPayouts(books),
  ];
}

/** What was settled for a node on an order in all. */
interface Account {
  orderId: bigint;
  nodeId: bigint;
  settledTU: bigint;
  earned: bigint;
}

function accountsOf({ settlements }: Books): Account[] {
  const accounts = new Map<string, Account>();
  for (const { orderId, nodeId, settledTU, earned } of settlements) {
    const before = accounts.get(`${orderId} ${nodeId}`)?.earned ?? 0n;
    accounts.set(`${orderId} ${nodeId}`, { orderId, nodeId, settledTU, earned: before + earned });
  }
  return [...accounts.values()];
}

/** Holds what was settled against the meters. */
function checkWork(books: Books): Finding[] {
  const accounts = accountsOf(books);
  const settledTU = (entry: { orderId: bigint; nodeId: bigint }) => accounts.find(isOf(entry))?.settledTU ?? 0n;
  const unpaid = books.meters
    .filter((meter) => settledTU(meter) < meter.owedTU)
    .map((meter) => lost(`${nameOf(meter)}: ${meter.owedTU} TU were worked, ${settledTU(meter)} are settled`));
  const invented = accounts.flatMap((account): Finding[] => {
    const workedTU = books.meters.find(isOf(account))?.workedTU ?? 0n;
    if (account.settledTU <= workedTU) return [];
    const what = `${nameOf(account)}: ${account.settledTU} TU are settled, ${workedTU} may be`;
    return [{ kind: "never worked", what }];
  });
  return [...unpaid, ...invented];
}

/** Checks that each TU has earned its price once. */
function checkEarnings(books: Books): Finding[] {
  const findings: Finding[] = [];
  const last = new Map<string, bigint>();
  for (const settlement of books.settlements) {
    const before = last.get(nameOf(settlement)) ?? 0n;
    if (settlement.settledTU <= before)
      findings.push(twice(`${nameOf(settlement)}: ${settlement.settledTU} TU are settled after ${before}`));
    last.set(nameOf(settlement), settlement.settledTU);
  }
  for (const account of accountsOf(books)) {
    const { unitPrice } = orderOf(books, account.orderId);
    const due = (account.settledTU * unitPrice) / TU;
    findings.push(...compared(`${nameOf(account)} has earned`, account.earned, due));
  }
  return findings;
}

/** Checks that every deposit was earned or came back. */
function checkOrders(books: Books): Finding[] {
  return books.orders.flatMap(({ orderId, deposit, refund, tuAmount }) => {
    const accounts = accountsOf(books).filter((account) => account.orderId === orderId);
    if (refund === undefined) return [lost(`order ${orderId} is open still, with its deposit of ${deposit}`)];
    const gone = sum(accounts.map(({ earned }) => earned)) + refund;
    const settledTU = sum(accounts.map((account) => account.settledTU));
    const over = settledTU > tuAmount ? [twice(`order ${orderId}: ${settledTU} TU are settled of ${tuAmount}`)] : [];
    return [...compared(`order ${orderId} has given out`, gone, deposit), ...over];
  });
}

/** Checks that no node was paid for more than its rated speed allows, over all its orders, in any time. */
function checkSpeed(books: Books): Finding[] {
  const spans = accountsOf(books).map((account) => {
    const { startedAt, endsAt } = orderOf(books, account.orderId);
    return { ...account, from: startedAt, until: books.meters.find(isOf(account))?.until ?? endsAt };
  });
  const findings: Finding[] = [];
  for (const nodeId of new Set(spans.map((span) => span.nodeId))) {
    const rate = books.rates.get(nodeId) ?? 0n;
    const own = spans.filter((span) => span.nodeId === nodeId);
    for (const { from } of own) {
      for (const { until } of own.filter((span) => span.until > from)) {
        const within = own.filter((span) => span.from >= from && span.until <= until);
        const settledTU = sum(within.map((span) => span.settledTU));
        const most = (rate * (until - from) * TENTHS) / (10n * DAY);
        const what = `node ${nodeId}: ${settledTU} TU are settled from ${from} to ${until}, ${most} are possible`;
        if (settledTU > most) findings.push({ kind: "too fast", what });
      }
    }
  }
  return findings;
}

/** Checks that each miner has got their part of each bucket, once. */
function checkPayouts({ settlements, buckets, payouts }: Books): Finding[] {
  const due = new Map<string, bigint>();
  const add = (to: string, amount: bigint) => due.set(to, (due.get(to) ?? 0n) + amount);
  for (const { to } of payouts) add(to, 0n);
  for (const bucketId of new Set(settlements.map((settlement) => settlement.bucketId))) {
    const own = settlements.filter((settlement) => settlement.bucketId === bucketId);
    const weight = sum(own.map(({ earned }) => earned));
    const reward = buckets.find((bucket) => bucket.bucketId === bucketId)?.reward;
    if (reward === undefined) return [lost(`bucket ${bucketId} has a weight of ${weight} and no reward`)];
    for (const payout of new Set(own.map((settlement) => settlement.payout))) {
      const part = sum(own.filter((settlement) => settlement.payout === payout).map(({ earned }) => earned));
      add(payout, weight === 0n ? 0n : (reward * part) / weight);
    }
  }
  return [...due].flatMap(([to, amount]) => {
    const paid = sum(payouts.filter((payout) => payout.to === to).map((payout) => payout.amount));
    return compared(`${to} was rewarded`, paid, amount);
  });
}

function compared(what: string, actual: bigint, expected: bigint): Finding[] {
  if (actual === expected) return [];
  return [(actual < expected ? lost : twice)(`${what} ${actual}, expected ${expected}`)];
}

function lost(what: string): Finding {
  return { kind: "lost", what };
}

function twice(what: string): Finding {
  return { kind: "paid twice", what };
}

function orderOf({ orders }: Books, orderId: bigint): OrderEntry {
  const order = orders.find((each) => each.orderId === orderId);
  if (order === undefined) throw new Error(`The chain has settled order ${orderId}, and no log that it was opened`);
  return order;
}

function isOf({ orderId, nodeId }: { orderId: bigint; nodeId: bigint }) {
  return (entry: { orderId: bigint; nodeId: bigint }) => entry.orderId === orderId && entry.nodeId === nodeId;
}

function nameOf({ orderId, nodeId }: { orderId: bigint; nodeId: bigint }): string {
  return `order ${orderId}, node ${nodeId}`;
}

function sum(amounts: readonly bigint[]): bigint {
  return amounts.reduce((total, amount) => total + amount, 0n);
}
