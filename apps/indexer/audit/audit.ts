import { bucketId, TuringFogError } from "@turingfog/sdk";
import type { Addresses, SystemKey } from "@turingfog/sdk/ethers";

import { type ChainBucket, ChainState } from "./chain";
import { IndexError, pages, query, type Row } from "./client";
import { Bucket, type IndexedEvent, Ledger } from "./ledger";

/** A figure from its three sources; null where a source does not have it. */
export interface Figure {
  /** The figure's name; the bucket's id, round and asset are in it if it is one of a bucket. */
  name: string;
  fromEvents: bigint | null;
  /** In the index's own tables. */
  indexed: bigint | null;
  onChain: bigint | null;
}

/** The outcome of an audit. */
export interface Verdict {
  /** The block at which index and chain were compared. */
  block: bigint;
  blockHash: string;
  /** Events replayed, buckets found, and figures compared. */
  events: number;
  buckets: number;
  figures: number;
  /** Figures whose sources differ. */
  differences: Figure[];
}

/** Thrown when the index is at a block that the node's chain does not have. */
export class OtherBlockError extends TuringFogError {
  constructor(
    readonly block: bigint,
    readonly indexed: string,
    readonly onChain: string,
  ) {
    super(
      `The index is at block ${block} with the hash ${indexed}, which is ${onChain} on the node's chain: check that ` +
        "both follow one chain, and audit again if it has just reorganised",
    );
  }
}

/** Contracts whose TFT are compared. */
const HOLDERS = ["vault", "pool", "controller", "escrow"] as const satisfies readonly SystemKey[];

/** What the index's tables have at the block. */
interface Tables {
  block: bigint;
  blockHash: string;
  supply: Row;
  balances: Map<string, bigint>;
  assets: Map<string, Row>;
  /** By the bucket's id. */
  rounds: Map<bigint, Row>;
  weights: Map<bigint, Map<string, Row>>;
}

/**
 * Recomputes the supply, what was released, what the escrow owes and every bucket from the events of an index, and compares
 * them with the index's tables and with the chain at the index's block.
 * @param index where the index serves, as http://127.0.0.1:42069
 * @param node URL of a node that has the state of that block
 * @throws IndexError, NodeReadError, OtherBlockError
 */
export async function auditIndex(index: string, node: string, book: Addresses): Promise<Verdict> {
  const tables = await readTables(index);
  const chain = new ChainState(node, book, tables.block);
  await checkBlock(chain, tables);
  const ledger = await replay(index, tables.block, book.addresses.tft.toLowerCase());
  const figures = [
    ...(await supplyFigures(ledger, tables, chain, book)),
    ...(await assetFigures(ledger, tables, chain)),
  ];
  const buckets = await bucketsOf(ledger, tables, chain);
  for (const [id, bucket] of buckets) figures.push(...(await bucketFigures(id, bucket, tables, chain)));
  figures.push(...claimFigures(ledger));
  // what was read until now is of that block if it still stands
  await checkBlock(chain, tables);
  return {
    block: tables.block,
    blockHash: tables.blockHash,
    events: ledger.events,
    buckets: buckets.size,
    figures: figures.length,
    differences: figures.filter(differs),
  };
}

function differs({ fromEvents, indexed, onChain }: Figure): boolean {
  const known = [fromEvents, indexed, onChain].filter((value) => value !== null);
  return known.some((value) => value !== known[0]);
}

async function checkBlock(chain: ChainState, { block, blockHash }: Tables): Promise<void> {
  const hash = await chain.blockHash();
  if (hash !== blockHash) throw new OtherBlockError(block, blockHash, hash);
}

/* READING THE INDEX */

/** Reads the tables in one query, so that all of them are of one block. Amounts are cast to text: JSON has no such numbers. */
async function readTables(index: string): Promise<Tables> {
  const [row] = await query(
    index,
    `with
      supply_now as (select json_agg(json_build_array(total::text, burned::text, released::text,
        operations::text, operations_paid::text)) as rows from supply),
      balances_now as (select json_agg(json_build_array(account, balance::text)) as rows from tft_balances),
      assets_now as (select json_agg(json_build_array(address, liabilities::text, open_orders::text)) as rows from assets),
      rounds_now as (select json_agg(json_build_array(bucket_id::text, round::text, asset, weight::text, reward::text,
        is_final, sold::text, written_off::text, proceeds::text, claimed::text)) as rows from rounds),
      weights_now as (select json_agg(json_build_array(bucket_id::text, miner, weight::text, claimed_at::text)) as rows
        from weights)
    select snapshot.block::text as block, snapshot.block_hash, supply_now.rows as supply, balances_now.rows as balances,
      assets_now.rows as assets, rounds_now.rows as rounds, weights_now.rows as weights
    from snapshot cross join supply_now cross join balances_now cross join assets_now cross join rounds_now
      cross join weights_now`,
  );
  if (row === undefined) throw new IndexError(index, "has no event yet: wait until it has caught up");
  return tablesOf(row);
}

/** Columns of the arrays in the answer. */
const COLUMNS = {
  supply: ["total", "burned", "released", "operations", "operationsPaid"],
  balances: ["account", "balance"],
  assets: ["address", "liabilities", "openOrders"],
  rounds: ["id", "round", "asset", "weight", "reward", "isFinal", "sold", "writtenOff", "proceeds", "claimed"],
  weights: ["id", "miner", "weight", "claimedAt"],
} as const;

function tablesOf(row: Row): Tables {
  const rowsOf = (name: keyof typeof COLUMNS) =>
    ((row[name] ?? []) as unknown[][]).map((values) =>
      Object.fromEntries(COLUMNS[name].map((column, i) => [column, values[i]])),
    );
  const weights: Tables["weights"] = new Map();
  for (const weight of rowsOf("weights")) {
    const id = BigInt(weight.id as string);
    weights.set(id, (weights.get(id) ?? new Map<string, Row>()).set(weight.miner as string, weight));
  }
  return {
    block: BigInt(row.block as string),
    blockHash: row.block_hash as string,
    supply: rowsOf("supply")[0] ?? {},
    balances: new Map(rowsOf("balances").map(({ account, balance }) => [account as string, BigInt(balance as string)])),
    assets: new Map(rowsOf("assets").map((asset) => [asset.address as string, asset])),
    rounds: new Map(rowsOf("rounds").map((round) => [BigInt(round.id as string), round])),
    weights,
  };
}

async function replay(index: string, block: bigint, tft: string): Promise<Ledger> {
  const ledger = new Ledger(tft);
  const select = "select id, contract, name, args, transaction_hash as transaction from events";
  for await (const rows of pages(index, select, "block <= $1", [String(block)])) {
    for (const row of rows) ledger.enter(row as unknown as IndexedEvent);
  }
  return ledger;
}

/* COMPARING */

function numberOf(row: Row | undefined, column: string): bigint | null {
  const value = row?.[column];
  return typeof value === "string" ? BigInt(value) : null;
}

async function supplyFigures(
  ledger: Ledger,
  { supply, balances }: Tables,
  chain: ChainState,
  { addresses }: Addresses,
): Promise<Figure[]> {
  const { total, burned, released, operationsOwed } = await chain.supply();
  const owed = (numberOf(supply, "operations") ?? 0n) - (numberOf(supply, "operationsPaid") ?? 0n);
  const holders = await Promise.all(
    HOLDERS.map(async (key) => {
      const account = addresses[key].toLowerCase();
      return {
        name: `TFT of the ${key}`,
        fromEvents: ledger.balances.get(account) ?? 0n,
        indexed: balances.get(account) ?? 0n,
        onChain: await chain.balanceOf(key),
      };
    }),
  );
  return [
    { name: "total supply", fromEvents: ledger.totalSupply, indexed: numberOf(supply, "total"), onChain: total },
    { name: "burned", fromEvents: ledger.supply.burned, indexed: numberOf(supply, "burned"), onChain: burned },
    { name: "released", fromEvents: ledger.released, indexed: numberOf(supply, "released"), onChain: released },
    { name: "released by the schedule", fromEvents: ledger.supply.released, indexed: null, onChain: released },
    { name: "owed to operations", fromEvents: ledger.operationsOwed, indexed: owed, onChain: operationsOwed },
    ...holders,
  ];
}

async function assetFigures(ledger: Ledger, { assets }: Tables, chain: ChainState): Promise<Figure[]> {
  const known = [...new Set([...ledger.liabilities.keys(), ...assets.keys()])];
  const figures = known.map(async (asset) => [
    {
      name: `liabilities in ${asset}`,
      fromEvents: ledger.liabilities.get(asset) ?? 0n,
      indexed: numberOf(assets.get(asset), "liabilities"),
      onChain: await chain.liabilities(asset),
    },
    {
      name: `open orders in ${asset}`,
      fromEvents: ledger.openOrders.get(asset) ?? 0n,
      indexed: numberOf(assets.get(asset), "openOrders"),
      onChain: null,
    },
  ]);
  return (await Promise.all(figures)).flat();
}

/** Returns the buckets of the events, and those that only the index or the chain has. */
async function bucketsOf(ledger: Ledger, { assets, rounds }: Tables, chain: ChainState): Promise<Map<bigint, Bucket>> {
  const buckets = new Map(ledger.buckets);
  const known = (round: bigint, asset: string) => {
    const id = bucketId(round, asset);
    if (!buckets.has(id)) buckets.set(id, new Bucket(round, asset));
  };
  for (const row of rounds.values()) known(BigInt(row.round as string), row.asset as string);
  for (const asset of new Set([...ledger.liabilities.keys(), ...assets.keys()])) {
    const last = await chain.openRound(asset);
    for (let round = 1n; round <= last; ++round) known(round, asset);
  }
  return buckets;
}

async function bucketFigures(
  id: bigint,
  bucket: Bucket,
  { rounds, weights }: Tables,
  chain: ChainState,
): Promise<Figure[]> {
  const row = rounds.get(id);
  const indexed = (column: string) => (row === undefined ? 0n : numberOf(row, column));
  const of = (what: string) => `${what} of bucket ${id} (round ${bucket.round} of ${bucket.asset})`;
  const at: ChainBucket = await chain.bucket(id, bucket.round, bucket.asset);
  const gone = (numberOf(row, "sold") ?? 0n) + (numberOf(row, "writtenOff") ?? 0n);
  const miners = [...new Set([...bucket.weights.keys(), ...(weights.get(id)?.keys() ?? [])])];
  return [
    { name: of("weight"), fromEvents: bucket.weight, indexed: indexed("weight"), onChain: at.weight },
    { name: of("weight added"), fromEvents: bucket.added, indexed: null, onChain: at.weight },
    { name: of("reward"), fromEvents: bucket.reward, indexed: indexed("reward"), onChain: at.reward },
    { name: of("reward by the schedule"), fromEvents: bucket.due, indexed: null, onChain: at.reward },
    { name: of("finality"), fromEvents: flag(bucket.isFinal), indexed: flag(row?.isFinal), onChain: flag(at.isFinal) },
    { name: of("opening"), fromEvents: BigInt(bucket.opened), indexed: flag(row), onChain: flag(at.weight) },
    { name: of("amount sold"), fromEvents: bucket.gone, indexed: gone, onChain: at.gone },
    { name: of("TFT paid"), fromEvents: bucket.paid, indexed: indexed("proceeds"), onChain: null },
    { name: of("TFT destroyed"), fromEvents: bucket.bought, indexed: indexed("proceeds"), onChain: null },
    { name: of("claims"), fromEvents: bucket.claimed, indexed: indexed("claimed"), onChain: null },
    ...(await Promise.all(
      miners.map(async (miner) => ({
        name: of(`unclaimed weight of ${miner}`),
        fromEvents: bucket.claims.has(miner) ? 0n : (bucket.weights.get(miner) ?? 0n),
        indexed: unclaimed(weights.get(id)?.get(miner)),
        onChain: await chain.weightOf(id, miner),
      })),
    )),
  ];
}

function flag(value: unknown): bigint {
  return value ? 1n : 0n;
}

function unclaimed(row: Row | undefined): bigint {
  return row === undefined || row.claimedAt !== null ? 0n : (numberOf(row, "weight") ?? 0n);
}

/** A claim is not stored on the chain: what it paid is compared with its parts. */
function claimFigures({ wrongClaims }: Ledger): Figure[] {
  return wrongClaims.map(({ miner, transaction, buckets, due, paid }) => ({
    name: `claim of ${miner} in ${transaction} from buckets ${buckets.join(", ")}`,
    ...{ fromEvents: due, indexed: paid, onChain: null },
  }));
}
