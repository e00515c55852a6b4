import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { DatabaseSync } from "@photostructure/sqlite";
import { Interface, type LogDescription, TypedDataEncoder } from "ethers";

import type { Books, BucketEntry, MeterEntry, OrderEntry, PayoutEntry, SettlementEntry } from "./books";

// What the books need of the contracts' events and of a reading's format, written down a second time on purpose.
const EVENTS = {
  escrow: new Interface([
    "event OrderOpened(uint256 indexed orderId, uint256 indexed nodeId, address indexed payer, address asset, uint96 tuAmount, uint128 unitPrice, uint128 deposit, uint40 endsAt, address refundTo, bytes32 jobHash, bytes32 paymentRef)",
    "event ReceiptSettled(uint256 indexed orderId, uint256 indexed nodeId, address indexed payout, uint256 tuSettled, uint256 earned)",
    "event AcknowledgementSettled(uint256 indexed orderId, uint256 indexed nodeId, address indexed payout, uint256 tuSettled, uint256 earned)",
    "event OrderClosed(uint256 indexed orderId, address indexed refundedTo, uint256 refund)",
  ]),
  registry: new Interface([
    "event ModelRated(bytes32 indexed gpuModel, uint256 rating, uint40 from, bytes32 indexed evidence)",
    "event NodeRegistered(uint256 indexed nodeId, address indexed owner, bytes32 indexed gpuModel, uint16 gpuCount, address payout, string metadataURI)",
  ]),
  oracle: new Interface([
    "event RootSubmitted(bytes32 indexed receiptsRoot, bytes32 dataHash, uint64 indexed signerSetVersion)",
    "event RootVetoed(bytes32 indexed receiptsRoot)",
  ]),
  pool: new Interface([
    "event WeightAdded(uint256 indexed bucketId, uint256 weight)",
    "event RewardAdded(uint256 indexed bucketId, uint256 reward, bool isFinal)",
  ]),
  tft: new Interface(["event Transfer(address indexed from, address indexed to, uint256 value)"]),
};

const READING = {
  Reading: [
    { name: "orderId", type: "uint256" },
    { name: "nodeId", type: "uint256" },
    { name: "sequence", type: "uint64" },
    { name: "cumulativeTU", type: "uint96" },
    { name: "measuredAt", type: "uint40" },
    { name: "evidence", type: "bytes32" },
    { name: "previous", type: "bytes32" },
  ],
};

type Source = keyof typeof EVENTS;

/** A node of the chain, as JSON-RPC has it. */
export interface ChainNode {
  send(method: string, params: unknown[]): Promise<unknown>;
}

interface Log {
  transactionHash: string;
  blockNumber: string;
  topics: string[];
  data: string;
}

interface Found {
  name: string;
  args: Record<string, never>;
  transactionHash: string;
  block: string;
}

/** What the chain says. */
export interface ChainEntries extends Omit<Books, "meters"> {
  settlements: readonly (SettlementEntry & { isAcknowledged: boolean })[];
  /** Files of the roots that were submitted and not vetoed. */
  dataHashes: string[];
}

/** Reads what the chain says, but for the meters: all entries since its first block. */
export async function readChain(node: ChainNode, addresses: Readonly<Record<Source, string>>): Promise<ChainEntries> {
  const found = {} as Record<Source, Found[]>;
  for (const source of Object.keys(EVENTS) as Source[]) found[source] = await logsOf(node, addresses[source], source);
  const named = (source: Source, ...names: string[]) => found[source].filter(({ name }) => names.includes(name));

  const refunds = new Map(
    named("escrow", "OrderClosed").map(({ args }): [bigint, bigint] => [args.orderId, args.refund]),
  );
  const orders: OrderEntry[] = [];
  for (const { args, block } of named("escrow", "OrderOpened")) {
    const { timestamp } = (await node.send("eth_getBlockByNumber", [block, false])) as { timestamp: string };
    const { orderId, tuAmount, unitPrice, deposit, endsAt } = args as unknown as OrderEntry;
    const startedAt = BigInt(timestamp);
    orders.push({ orderId, tuAmount, unitPrice, deposit, endsAt, startedAt, refund: refunds.get(orderId) });
  }

  // a settlement adds its weight to one bucket, in its own transaction
  const buckets = new Map(
    named("pool", "WeightAdded").map(({ args, transactionHash }): [string, bigint] => [transactionHash, args.bucketId]),
  );
  const settlements = named("escrow", "ReceiptSettled", "AcknowledgementSettled").map(
    ({ name, args, transactionHash }) => ({
      isAcknowledged: name === "AcknowledgementSettled",
      orderId: args.orderId,
      nodeId: args.nodeId,
      payout: args.payout,
      bucketId: buckets.get(transactionHash) ?? 0n,
      settledTU: args.tuSettled,
      earned: args.earned,
    }),
  );
  const rewards = new Map<bigint, bigint>();
  for (const { args } of named("pool", "RewardAdded")) {
    rewards.set(args.bucketId, (rewards.get(args.bucketId) ?? 0n) + (args.reward as bigint));
  }
  const payouts = named("tft", "Transfer")
    .filter(({ args }) => String(args.from).toLowerCase() === addresses.pool.toLowerCase())
    .map(({ args }): PayoutEntry => ({ to: args.to, amount: args.value }));
  const ratings = new Map(
    named("registry", "ModelRated").map(({ args }): [string, bigint] => [args.gpuModel, args.rating]),
  );
  const rates = new Map(
    named("registry", "NodeRegistered").map(({ args }): [bigint, bigint] => [
      args.nodeId,
      (ratings.get(args.gpuModel) ?? 0n) * (args.gpuCount as bigint),
    ]),
  );
  const vetoed = new Set(named("oracle", "RootVetoed").map(({ args }): string => args.receiptsRoot));
  const submitted = named("oracle", "RootSubmitted").filter(({ args }) => !vetoed.has(args.receiptsRoot));
  const dataHashes = submitted.map(({ args }): string => args.dataHash);
  const entries = Array.from(rewards, ([bucketId, reward]): BucketEntry => ({ bucketId, reward }));
  return { orders, settlements, buckets: entries, payouts, rates, dataHashes };
}

async function logsOf(node: ChainNode, address: string, source: Source): Promise<Found[]> {
  const logs = (await node.send("eth_getLogs", [{ address, fromBlock: "0x0", toBlock: "latest" }])) as Log[];
  if (logs.length === 0) throw new Error(`The chain has no log of ${source}, so there are no books to close`);
  return logs.flatMap(({ topics, data, transactionHash, blockNumber }) => {
    const parsed: LogDescription | null = EVENTS[source].parseLog({ topics, data });
    if (parsed === null) return [];
    const args = parsed.args.toObject() as Record<string, never>;
    return [{ name: parsed.name, args, transactionHash, block: blockNumber }];
  });
}

/** A store that says what cannot be. */
export class FalseStoreError extends Error {}

interface ReadingRow {
  order_id: Uint8Array;
  sequence: bigint;
  measured_at: bigint;
  cumulative_tu: Uint8Array;
  evidence: Uint8Array;
  previous: Uint8Array;
  digest: Uint8Array;
}

/**
 * Reads what an honest node's meter says: the last reading of each of its orders, after its chain was checked.
 * @param file its store
 * @throws FalseStoreError
 */
export function readMeters(file: string, nodeId: bigint, chainId: bigint, escrow: string): MeterEntry[] {
  const store = new DatabaseSync(file, { readOnly: true, readBigInts: true });
  try {
    const rows = store
      .prepare("SELECT * FROM node_readings ORDER BY order_id, sequence")
      .all() as unknown as ReadingRow[];
    const domain = { name: "TuringFog Meter", version: "1", chainId, verifyingContract: escrow };
    const meters = new Map<bigint, MeterEntry & { digest: string; sequence: bigint }>();
    for (const row of rows) {
      const [orderId, workedTU, until] = [number(row.order_id), number(row.cumulative_tu), row.measured_at];
      const last = meters.get(orderId);
      const digest = TypedDataEncoder.hash(domain, READING, {
        ...{ orderId, nodeId, sequence: row.sequence, cumulativeTU: workedTU, measuredAt: until },
        ...{ evidence: hex(row.evidence), previous: hex(row.previous) },
      });
      // an agent whose store was an older one goes on behind the last reading that a signer has, without those in between
      const isBehindGap = last !== undefined && row.sequence > last.sequence + 1n;
      const isLinked = last === undefined || isBehindGap || hex(row.previous) === last.digest;
      const isNext = isLinked && workedTU >= (last?.workedTU ?? 0n);
      if (digest !== hex(row.digest) || !isNext)
        throw new FalseStoreError(`${file}: reading ${row.sequence} of order ${orderId} does not continue its chain`);
      meters.set(orderId, { orderId, nodeId, workedTU, owedTU: workedTU, until, digest, sequence: row.sequence });
    }
    return [...meters.values()];
  } finally {
    store.close();
  }
}

/**
 * Counts the files that lie at each signer under a hash that is theirs.
 * @param folders of the signers' receipt files
 */
export function countPublished(folders: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const folder of folders.filter((each) => existsSync(each))) {
    for (const name of readdirSync(folder).filter((each) => each.endsWith(".json"))) {
      const hash = `0x${createHash("sha256")
        .update(readFileSync(path.join(folder, name)))
        .digest("hex")}`;
      if (name === `${hash}.json`) counts.set(hash, (counts.get(hash) ?? 0) + 1);
    }
  }
  return counts;
}

function hex(bytes: Uint8Array): string {
  return `0x${Buffer.from(bytes).toString("hex")}`;
}

function number(bytes: Uint8Array): bigint {
  return BigInt(hex(bytes));
}
