import { setTimeout as sleep } from "node:timers/promises";

import { type Block, isError, type Provider } from "ethers";
import type { Kysely } from "kysely";

import { latestBlock } from "@turingfog/operator";
import { CHAINS, TuringFogError } from "@turingfog/sdk";
import {
  type Addresses,
  checkChain,
  connectContracts,
  IERC1271__factory,
  type LogProgress,
  type SystemContracts,
} from "@turingfog/sdk/ethers";
import { type Clock, type Health, reasonOf, step } from "../runtime/index.js";
import { fromBytes, type Migrations, toBytes } from "../store/index.js";
import { eventOf, type EventRow, readRows } from "./events.js";
import { Facts, type NodeFacts, type OrderFacts, type RootFacts, type SignerSet } from "./facts.js";

/** Events of final blocks, and the block that they were read until. */
export interface ChainTables {
  chain_events: EventRow;
  chain_cursor: { id: bigint; block: bigint; hash: Uint8Array; time: bigint };
}

export const CHAIN_MIGRATIONS: Migrations = {
  "chain-1": async (db, { blob, integer, text }) => {
    await db.schema
      .createTable("chain_events")
      .addColumn("block", integer, (column) => column.notNull())
      .addColumn("log_index", integer, (column) => column.notNull())
      .addColumn("time", integer, (column) => column.notNull())
      .addColumn("contract", text, (column) => column.notNull())
      .addColumn("topics", blob, (column) => column.notNull())
      .addColumn("data", blob, (column) => column.notNull())
      .addPrimaryKeyConstraint("chain_events_key", ["block", "log_index"])
      .execute();
    await db.schema
      .createTable("chain_cursor")
      .addColumn("id", integer, (column) => column.primaryKey())
      .addColumn("block", integer, (column) => column.notNull())
      .addColumn("hash", blob, (column) => column.notNull())
      .addColumn("time", integer, (column) => column.notNull())
      .execute();
  },
};

/** Where the following of a chain stands before and after a durable write. */
export const CHAIN_STEPS = ["chain.events.before-store", "chain.events.stored"] as const;

/** Thrown when a node of the chain cannot be followed at present; it may be better later. */
export class ChainWaitError extends TuringFogError {}

export interface ChainOptions {
  /** Connects to a node of the chain. */
  connect: () => Promise<Provider>;
  book: Addresses;
  /** Name of the chain, as in CHAINS. */
  network: string;
  /** Seconds after which a block counts as final; if left out, the node is asked by the tag of its chain. */
  confirmationSeconds?: number;
  /** Seconds between two looks at the chain. */
  poll: number;
  db: Kysely<ChainTables>;
  clock: Clock;
  health: Health;
}

interface Cursor {
  number: number;
  hash: string;
  /** Unix seconds. */
  time: bigint;
}

/** What a contract answers that takes a signature. */
const ERC1271_MAGIC = "0x1626ba7e";

/** The one row of the cursor. */
const ONLY = 1n;

/** Rows of one statement. */
const MOST_ROWS = 1_000;

/** Nodes of one call. */
const MOST_NODES = 500;

const UINT40 = 2n ** 40n - 1n;

/**
 * The facts of a chain that follow from its final blocks. What was read is stored with the block until which it was, and
 * the facts are in memory.
 *
 * An empty answer is never taken for the absence of events: the deployment's first log must be there, and the state of the
 * contracts at the last block must be what the events make of it. Otherwise the next look begins at the first block.
 */
export class ChainFacts {
  private facts?: Facts;
  private cursor?: Cursor;
  private connection?: { provider: Provider; contracts: SystemContracts; vetoWindow: bigint };
  private isDoubted = false;

  constructor(private readonly options: ChainOptions) {}

  /** Looks at the chain again and again, and reports to the health whether it could. */
  async run(signal: AbortSignal): Promise<void> {
    const { health, poll } = this.options;
    while (!signal.aborted) {
      try {
        await this.advance();
        health.report("chain", "ok");
      } catch (error) {
        this.connection = undefined;
        health.report("chain", "waiting", reasonOf(error));
      }
      await sleep(poll * 1_000, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Whether there are facts: from a look at the chain, or from the store, which may be older. */
  get isKnown(): boolean {
    return this.cursor !== undefined;
  }

  /** Returns an order that was opened, also if it is closed. */
  order(orderId: bigint): OrderFacts | undefined {
    return this.known.orders.get(orderId);
  }

  /** Returns the order that a payer, in lower case, has opened with a reference, also if it is closed. */
  orderPaidBy(payer: string, paymentRef: string): OrderFacts | undefined {
    return this.known.orderPaidBy(payer, paymentRef);
  }

  openOrders(): OrderFacts[] {
    return [...this.known.open.values()].flatMap((orders) => [...orders]);
  }

  /** Returns the open orders that a node may work on: its own, and the joint ones. */
  openOrdersOf(nodeId: bigint): OrderFacts[] {
    return [nodeId, 0n].flatMap((each) => [...(this.known.open.get(each) ?? [])]);
  }

  /** Returns the nodes that open orders may be worked on by: those that have one and, if there is a joint one, all. */
  nodesAtWork(): bigint[] {
    return this.known.nodesAtWork();
  }

  node(nodeId: bigint): NodeFacts | undefined {
    return this.known.nodes.get(nodeId);
  }

  /** Checks whether a node is attested at a time, in unix seconds. */
  attestedAt(nodeId: bigint, time: bigint): boolean {
    return this.known.attestedAt(nodeId, time);
  }

  signers(): SignerSet {
    return this.known.signers;
  }

  /** Returns the root of a published file, by its SHA-256. */
  root(dataHash: string): RootFacts | undefined {
    return this.known.root(dataHash, this.blockTime());
  }

  /** Returns every root that was submitted, the earliest first. */
  roots(): RootFacts[] {
    return this.known.allRoots(this.blockTime());
  }

  /** Returns every asset that was ever listed, in lower case. */
  assets(): string[] {
    return [...this.known.assets];
  }

  isFrozen(): boolean {
    return this.blockTime() < this.known.frozenUntil;
  }

  /** Returns the time of the last final block, in unix seconds. */
  blockTime(): bigint {
    return this.at.time;
  }

  /** Returns the number and hash of the last final block. */
  block(): { number: number; hash: string } {
    return this.at;
  }

  /**
   * Takes over what final blocks have told since the last time.
   * @throws ChainWaitError, or what the node gives as an error; the facts are as before then
   */
  async advance(): Promise<void> {
    const { provider, contracts, vetoWindow } = await this.connected();
    const latest = await latestBlock(provider);
    this.options.clock.sees(BigInt(latest.timestamp));
    if (this.cursor === undefined) await this.load(contracts, vetoWindow);
    const final = await this.finalBlock(provider, latest);
    await this.checkContinues(provider, final);
    if (this.cursor?.number === final.number && !this.isDoubted) return;

    const start = this.isDoubted ? undefined : this.cursor;
    const rows = await this.read(provider, contracts, start, final.number);
    const facts = start === undefined ? new Facts(vetoWindow) : this.known;
    try {
      for (const row of rows) facts.apply(eventOf(contracts, row));
      await checkState(contracts, facts, final);
      await this.store(rows, final, start === undefined);
    } catch (error) {
      // what was applied is not known to be right, and perhaps neither is what is stored
      this.isDoubted = true;
      await this.load(contracts, vetoWindow);
      throw error;
    }
    this.facts = facts;
    this.cursor = final;
    this.isDoubted = false;
  }

  /** Checks whether a contract takes a signature of a digest (ERC-1271), at the latest block. */
  async isSignedByContract(account: string, digest: string, signature: string): Promise<boolean> {
    const { provider } = await this.connected();
    if ((await provider.getCode(account)) === "0x") return false;
    const contract = IERC1271__factory.connect(account, provider);
    try {
      return (await contract.isValidSignature(digest, signature)) === ERC1271_MAGIC;
    } catch (error) {
      if (isError(error, "CALL_EXCEPTION") || isError(error, "BAD_DATA")) return false;
      throw error;
    }
  }

  private get known(): Facts {
    if (this.facts === undefined) throw new ChainWaitError("The chain was not read yet: wait for the first look");
    return this.facts;
  }

  private get at(): Cursor {
    if (this.cursor === undefined) throw new ChainWaitError("The chain was not read yet: wait for the first look");
    return this.cursor;
  }

  private async connected() {
    if (this.connection !== undefined) return this.connection;
    const { connect, book } = this.options;
    const provider = await connect();
    checkChain((await provider.getNetwork()).chainId, book);
    const contracts = connectContracts(book.addresses, provider);
    this.connection = { provider, contracts, vetoWindow: await contracts.oracle.VETO_WINDOW() };
    return this.connection;
  }

  /** Makes the facts from what is stored. */
  private async load(contracts: SystemContracts, vetoWindow: bigint): Promise<void> {
    const { db } = this.options;
    const cursor = await db.selectFrom("chain_cursor").selectAll().where("id", "=", ONLY).executeTakeFirst();
    if (cursor === undefined) return;
    const facts = new Facts(vetoWindow);
    const rows = await db.selectFrom("chain_events").selectAll().orderBy("block").orderBy("log_index").execute();
    for (const row of rows) facts.apply(eventOf(contracts, row));
    this.facts = facts;
    this.cursor = { number: Number(cursor.block), hash: fromBytes(cursor.hash), time: cursor.time };
  }

  private async finalBlock(provider: Provider, latest: Block): Promise<Cursor> {
    const { network, confirmationSeconds, book } = this.options;
    if (confirmationSeconds !== undefined) {
      const time = latest.timestamp - confirmationSeconds;
      return blockBefore(provider, time, this.cursor?.number ?? book.firstBlock ?? 0, latest);
    }
    const { tag } = CHAINS[network].finality;
    const block = await provider.getBlock(tag);
    if (block === null) throw new ChainWaitError(`The node has no ${tag} block yet`);
    return cursorOf(block);
  }

  /** Checks that a block comes after the one until which the facts are known, or is it. */
  private async checkContinues(provider: Provider, final: Cursor): Promise<void> {
    const { cursor } = this;
    if (cursor === undefined) return;
    if (final.number < cursor.number) {
      throw new ChainWaitError(
        `The node is behind: its last final block is ${final.number}, ${cursor.number} was seen`,
      );
    }
    const block = final.number === cursor.number ? final : await provider.getBlock(cursor.number);
    if (block?.hash === cursor.hash) return;
    throw new ChainWaitError(
      `The node is on a fork: its block ${cursor.number} is ${block?.hash ?? "missing"}, was final as ${cursor.hash}: use ` +
        "another node, or an empty store if the deployment is another",
    );
  }

  private read(provider: Provider, contracts: SystemContracts, start: Cursor | undefined, to: number) {
    const { book, health } = this.options;
    const since = book.firstBlock ?? 0;
    const from = start === undefined ? since : start.number + 1;
    const onProgress = ({ done, total }: LogProgress) => {
      if (done < total) health.report("chain", "waiting", `${done} of ${total} blocks are read`);
    };
    return readRows(contracts, { provider, since, from, to, onProgress });
  }

  /** @param isAll whether the rows are all there are, and take the place of those that are stored */
  private async store(rows: readonly EventRow[], { number, hash, time }: Cursor, isAll: boolean): Promise<void> {
    step("chain.events.before-store");
    await this.options.db.transaction().execute(async (transaction) => {
      if (isAll) await transaction.deleteFrom("chain_events").execute();
      for (let i = 0; i < rows.length; i += MOST_ROWS) {
        const some = rows.slice(i, i + MOST_ROWS);
        await transaction
          .insertInto("chain_events")
          .values(some)
          .onConflict((conflict) => conflict.doNothing())
          .execute();
      }
      const cursor = { block: BigInt(number), hash: toBytes(hash), time };
      await transaction
        .insertInto("chain_cursor")
        .values({ id: ONLY, ...cursor })
        .onConflict((conflict) => conflict.column("id").doUpdateSet(cursor))
        .execute();
    });
    step("chain.events.stored");
  }
}

function cursorOf({ number, hash, timestamp }: Block): Cursor {
  if (hash === null) throw new ChainWaitError(`The node gives block ${number} without its hash`);
  return { number, hash, time: BigInt(timestamp) };
}

/** Returns the last block whose time is not after a time; the first one if none is. */
async function blockBefore(provider: Provider, time: number, first: number, latest: Block): Promise<Cursor> {
  const blockAt = async (number: number) => {
    const block = number === latest.number ? latest : await provider.getBlock(number);
    if (block === null) throw new ChainWaitError(`The node has no block ${number}`);
    return block;
  };
  let [low, high] = [Math.min(first, latest.number), latest.number];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((await blockAt(middle)).timestamp <= time) low = middle;
    else high = middle - 1;
  }
  return cursorOf(await blockAt(low));
}

/**
 * Checks that the contracts' state at a block is what the events until then have made of it, so that none is missing.
 * @throws ChainWaitError
 */
async function checkState({ escrow, oracle, registry }: SystemContracts, facts: Facts, block: Cursor): Promise<void> {
  const at = { blockTag: block.number };
  const check = (what: string, actual: unknown, byLogs: unknown) => {
    if (actual === byLogs) return;
    throw new ChainWaitError(
      `The node lacks logs until block ${block.number}: ${what} is ${String(actual)}, its logs make it ${String(byLogs)}: ` +
        "wait until it has indexed them, or use another node",
    );
  };
  for (const [asset, owed] of facts.liabilities()) {
    check(`what the escrow owes of ${asset}`, await escrow.liabilities(asset, at), owed);
  }
  check("the version of the signer set", await oracle.signerSetVersion(at), facts.signers.version);
  check("the time of the last veto or rotation", await oracle.lastHoldAt(at), facts.lastHoldAt);
  check("the end of the last freeze", await oracle.frozenUntil(at), facts.frozenUntil);

  const nodes = facts.nodesAtWork();
  for (let i = 0; i < nodes.length; i += MOST_NODES) {
    const some = nodes.slice(i, i + MOST_NODES);
    const words = await registry.standings(some, at);
    some.forEach((nodeId, j) => {
      const [standing, rate] = words.slice(2 * j);
      const [from, until] = [(standing >> 160n) & UINT40, standing >> 200n];
      const isAttested = from <= block.time && block.time <= until;
      check(`whether node ${nodeId} is attested`, isAttested, facts.attestedAt(nodeId, block.time));
      check(`the rate of node ${nodeId}`, rate, facts.nodes.get(nodeId)?.ratePerDay);
    });
  }
}
