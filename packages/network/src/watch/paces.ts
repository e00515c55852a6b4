import { max } from "@turingfog/sdk";
import type { Receipt } from "@turingfog/sdk/wire";
import { formatUnits } from "ethers";
import type { Kysely, Transaction } from "kysely";

import type { ChainFacts } from "../chain/index.js";
import { fromBlob, toBlob } from "../store/index.js";
import type { Findings } from "./findings.js";
import type { WatchTables } from "./tables.js";

/** Files after which a node's past says something. */
const LEAST_FILES = 3n;

/** The ratio in config is held to hundredths. */
const HUNDRED = 100n;

/** TU, 18 decimals, and the seconds that they took. */
interface Pace {
  tu: bigint;
  seconds: bigint;
}

interface Past extends Pace {
  /** Number of files. */
  files: bigint;
}

/** Keeps the speeds of nodes in files that were right. */
export class Paces {
  private readonly ratio: bigint;

  /** @param spike how many times its mean a node must reach to be noticed */
  constructor(
    private readonly db: Kysely<WatchTables>,
    spike: number,
  ) {
    this.ratio = BigInt(Math.round(spike * Number(HUNDRED)));
  }

  /** Adds a finding for each node that is far faster in a file than in those before. */
  async check(receipts: Iterable<Receipt>, facts: Pick<ChainFacts, "order">, findings: Findings): Promise<FilePaces> {
    const nodes = new Map<bigint, Pace>();
    const chains: Receipt[] = [];
    for (const receipt of receipts) {
      const order = facts.order(receipt.orderId);
      if (order === undefined) continue;
      const before = await this.last(receipt);
      const tu = receipt.cumulativeTU - (before?.tu ?? 0n);
      const seconds = receipt.measuredAt - (before?.measuredAt ?? order.startedAt);
      if (tu <= 0n || seconds <= 0n) continue;
      chains.push(receipt);
      const pace = nodes.get(receipt.nodeId) ?? { tu: 0n, seconds: 0n };
      nodes.set(receipt.nodeId, { tu: pace.tu + tu, seconds: pace.seconds + seconds });
    }
    for (const [nodeId, now] of nodes) {
      const past = await this.past(nodeId);
      if (past === undefined || past.files < LEAST_FILES) continue;
      if (now.tu * past.seconds * HUNDRED <= past.tu * now.seconds * this.ratio) continue;
      findings.add("spike", `node ${nodeId}: ${perDay(now)} TU a day, ${perDay(past)} in ${past.files} files before`);
    }
    return { nodes, chains };
  }

  /** Adds a file to the past. */
  async store(transaction: Transaction<WatchTables>, { nodes, chains }: FilePaces): Promise<void> {
    for (const { orderId, nodeId, cumulativeTU, measuredAt } of chains) {
      const last = { cumulative_tu: toBlob(cumulativeTU), measured_at: measuredAt };
      await transaction
        .insertInto("watch_chains")
        .values({ order_id: toBlob(orderId), node_id: toBlob(nodeId), ...last })
        .onConflict((conflict) => conflict.columns(["order_id", "node_id"]).doUpdateSet(last))
        .execute();
    }
    for (const [nodeId, { tu, seconds }] of nodes) {
      const past = (await this.past(nodeId, transaction)) ?? { tu: 0n, seconds: 0n, files: 0n };
      const sum = { tu: toBlob(past.tu + tu), seconds: past.seconds + seconds, files: past.files + 1n };
      await transaction
        .insertInto("watch_nodes")
        .values({ node_id: toBlob(nodeId), ...sum })
        .onConflict((conflict) => conflict.column("node_id").doUpdateSet(sum))
        .execute();
    }
  }

  private async last({ orderId, nodeId }: Receipt): Promise<{ tu: bigint; measuredAt: bigint } | undefined> {
    const row = await this.db
      .selectFrom("watch_chains")
      .selectAll()
      .where("order_id", "=", toBlob(orderId))
      .where("node_id", "=", toBlob(nodeId))
      .executeTakeFirst();
    return row && { tu: fromBlob(row.cumulative_tu), measuredAt: row.measured_at };
  }

  private async past(nodeId: bigint, db: Kysely<WatchTables> = this.db): Promise<Past | undefined> {
    const query = db.selectFrom("watch_nodes").selectAll().where("node_id", "=", toBlob(nodeId));
    const row = await query.executeTakeFirst();
    return row && { tu: fromBlob(row.tu), seconds: row.seconds, files: row.files };
  }
}

/** A file's part in the past of its nodes. */
export interface FilePaces {
  nodes: ReadonlyMap<bigint, Pace>;
  chains: readonly Receipt[];
}

function perDay({ tu, seconds }: Pace): string {
  return Number(formatUnits((tu * 86_400n) / max(seconds, 1n), 18)).toPrecision(3);
}
