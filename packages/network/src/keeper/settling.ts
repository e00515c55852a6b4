import type { Call } from "@turingfog/operator";
import { TuringFogError } from "@turingfog/sdk";
import { SETTLEMENT_LIMITS } from "@turingfog/sdk/ethers";
import type { Receipt, ReceiptTree } from "@turingfog/sdk/wire";
import { getAddress, keccak256 } from "ethers";
import type { Kysely } from "kysely";

import type { RootFacts } from "../chain/index.js";
import type { HttpClient } from "../http/index.js";
import { fetchPublished } from "../receipts/published.js";
import { step } from "../runtime/index.js";
import { fromBytes, toBytes } from "../store/index.js";
import { type Act, type Due, type Sight, unlessRefused } from "./act.js";
import type { KeeperTables } from "./tables.js";

export const SETTLING_STEPS = ["keeper.root.before-store", "keeper.root.stored"] as const;

/** Trees that are kept in memory while their settlement is not final. */
const MOST_TREES = 4;

/** Thrown when no signer gives a receipt file as it was signed. */
export class NoReceiptFileError extends TuringFogError {
  constructor(
    readonly dataHash: string,
    reasons: readonly string[],
  ) {
    super(`No signer gives the receipt file ${dataHash}: ${reasons.join("; ")}`);
  }
}

export interface SettlingOptions {
  db: Kysely<KeeperTables>;
  client: HttpClient;
  /** Endpoints of signers. */
  signers: readonly string[];
  /** Whether this keeper's transaction of a call succeeded. */
  isMined: (description: string) => Promise<boolean>;
}

/** A root of which every slice was carried out by a block, which may not be final. */
interface Tried {
  block: number;
  calls: readonly string[];
}

/**
 * Brings the receipts of final roots into the escrow, in slices that follow the tree's order. A root is done once a final
 * block shows that each of its receipts is settled, or that this keeper has tried it: the escrow skips what pays nothing.
 */
export class Settling implements Act {
  readonly name = "settle";
  private readonly done = new Set<string>();
  private readonly tried = new Map<string, Tried>();
  private readonly trees = new Map<string, ReceiptTree>();

  private constructor(private readonly options: SettlingOptions) {}

  static async open(options: SettlingOptions): Promise<Settling> {
    const settling = new Settling(options);
    const rows = await options.db.selectFrom("keeper_settled").selectAll().execute();
    for (const row of rows) settling.done.add(fromBytes(row.data_hash));
    return settling;
  }

  async *due(sight: Sight): AsyncGenerator<Due> {
    for (const root of sight.facts.roots()) {
      if (root.state !== "final" || this.done.has(root.dataHash)) continue;
      try {
        yield* this.dueOf(root, sight);
      } catch (error) {
        // a file that is not to be had keeps no other from being settled
        sight.fails(root.receiptsRoot, error);
      }
    }
  }

  private async *dueOf(root: RootFacts, sight: Sight): AsyncGenerator<Due> {
    const { isMined } = this.options;
    const tried = this.tried.get(root.dataHash);
    if (tried !== undefined) {
      if (sight.facts.block().number < tried.block) return;
      this.tried.delete(root.dataHash);
      const mined = await Promise.all(tried.calls.map(isMined));
      if (mined.every(Boolean)) return this.finish(root.dataHash);
    }

    const tree = await this.treeOf(root);
    const all: Due[] = [];
    for (const [asset, receipts] of unsettled(sight, tree.receipts)) {
      for (const slice of tree.slices({ ...SETTLEMENT_LIMITS, only: receipts })) {
        const call = await settleCall(sight, asset, slice);
        const due = {
          call,
          isDone: async () => (await isMined(call.description)) || areSettled(sight, slice.receipts),
        };
        all.push(due);
        yield due;
      }
    }
    if (all.length === 0) return this.finish(root.dataHash);
    const isDone = await Promise.all(all.map((due) => due.isDone()));
    if (!isDone.every(Boolean)) return;
    const block = await sight.provider.getBlockNumber();
    this.tried.set(root.dataHash, { block, calls: all.map(({ call }) => call.description) });
  }

  private async finish(dataHash: string): Promise<void> {
    step("keeper.root.before-store");
    await this.options.db
      .insertInto("keeper_settled")
      .values({ data_hash: toBytes(dataHash) })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    step("keeper.root.stored");
    this.done.add(dataHash);
    this.trees.delete(dataHash);
  }

  private async treeOf(root: RootFacts): Promise<ReceiptTree> {
    const { dataHash } = root;
    const known = this.trees.get(dataHash);
    if (known !== undefined) return known;
    const { client, signers } = this.options;
    const reasons: string[] = [];
    for (const signer of signers) {
      const published = await fetchPublished(client, signer, root);
      if (published.kind !== "right") {
        reasons.push(published.reason);
        continue;
      }
      const [oldest] = this.trees.keys();
      if (this.trees.size === MOST_TREES) this.trees.delete(oldest);
      this.trees.set(dataHash, published.tree);
      return published.tree;
    }
    throw new NoReceiptFileError(dataHash, reasons);
  }
}

/** Returns the receipts of open orders that final blocks do not show as settled, by their asset. */
function unsettled({ facts }: Sight, receipts: Iterable<Receipt>): Map<string, Receipt[]> {
  const byAsset = new Map<string, Receipt[]>();
  for (const receipt of receipts) {
    const order = facts.order(receipt.orderId);
    if (order === undefined || order.closed || order.settledTU(receipt.nodeId) >= receipt.cumulativeTU) continue;
    byAsset.set(order.asset, [...(byAsset.get(order.asset) ?? []), receipt]);
  }
  return byAsset;
}

/** Whether the latest block has settled receipts, or closed their orders. */
async function areSettled({ contracts: { escrow } }: Sight, receipts: readonly Receipt[]): Promise<boolean> {
  const settled = await Promise.all(
    receipts.map(({ orderId, nodeId }) => unlessRefused(escrow.settledTU(orderId, nodeId))),
  );
  return settled.every((tu, i) => tu === undefined || tu >= receipts[i].cumulativeTU);
}

async function settleCall({ contracts: { escrow } }: Sight, asset: string, slice: Slice): Promise<Call> {
  const { receiptsRoot, receipts, proof, proofFlags } = slice;
  const data = escrow.interface.encodeFunctionData("settle", [asset, receiptsRoot, receipts, proof, proofFlags]);
  const name = keccak256(data).slice(0, 10);
  return {
    description: `Settle ${receipts.length} receipts of root ${receiptsRoot} in ${getAddress(asset)} (${name})`,
    to: await escrow.getAddress(),
    data,
  };
}

type Slice = ReturnType<ReceiptTree["multiproof"]>;
