import { toJson } from "@turingfog/sdk";
import type { Receipt } from "@turingfog/sdk/wire";
import { formatUnits } from "ethers";
import type { Kysely } from "kysely";
import type { Logger } from "pino";
import { Counter, type Registry } from "prom-client";

import type { ChainFacts, RootFacts } from "../chain/index.js";
import { step } from "../runtime/index.js";
import { fromBytes, toBytes } from "../store/index.js";
import type { Alarm, Alarms } from "./alarms.js";
import type { FileFinder, FoundFile, NoFile } from "./files.js";
import { checkReceipts, type Finding, Findings } from "./findings.js";
import type { FilePaces, Paces } from "./paces.js";
import type { Outcome, WatchTables } from "./tables.js";

export const ROOT_STEPS = ["watch.root.before-store", "watch.root.stored"] as const;

/** The outcome of a root's check. */
export interface Verdict {
  outcome: Outcome;
  findings: readonly Finding[];
}

export interface RootsOptions {
  facts: ChainFacts;
  files: FileFinder;
  paces: Paces;
  alarms: Alarms;
  db: Kysely<WatchTables>;
  log: Logger;
  metrics: Registry;
}

/** What a receipt file has. */
export interface FileCounts {
  receipts: number;
  orders: number;
  nodes: number;
  /** Of all receipts, 18 decimals. */
  tu: bigint;
}

/** The verdicts on roots, each written down with its alarms. */
export class Roots {
  private readonly checked: Counter;

  private constructor(
    private readonly options: RootsOptions,
    private readonly verdicts: Map<string, Verdict>,
  ) {
    const [name, help] = ["turingfog_watch_roots_total", "Roots that were checked since the start, by outcome"];
    this.checked = new Counter({ name, help, labelNames: ["outcome"], registers: [options.metrics] });
  }

  static async open(options: RootsOptions): Promise<Roots> {
    const rows = await options.db.selectFrom("watch_roots").selectAll().execute();
    const verdicts = rows.map(({ receipts_root, submitted_at, outcome, findings }): [string, Verdict] => [
      keyOf({ receiptsRoot: fromBytes(receipts_root), submittedAt: submitted_at }),
      { outcome, findings: JSON.parse(findings) as Finding[] },
    ]);
    return new Roots(options, new Map(verdicts));
  }

  /** Returns the verdict on a root; undefined if there is none yet. */
  of(root: RootFacts): Verdict | undefined {
    return this.verdicts.get(keyOf(root));
  }

  /**
   * Asks for a root's file, and checks it if it is to be had.
   * @param slow endpoints that took long and gave nothing, to which it adds
   */
  async examine(root: RootFacts, slow: Set<string>): Promise<Verdict | NoFile> {
    const { alarms, facts, files, log, paces } = this.options;
    const file = await files.find(root, slow);
    if (file.kind === "none") {
      if (file.isAnswered) await alarms.raise(missing(root, file));
      return file;
    }
    const findings = findingsOf(file, root, facts);
    const added = file.kind === "right" ? await paces.check(file.tree.receipts, facts, findings) : undefined;
    const isWrong = findings.all.some(({ isContradiction }) => isContradiction);
    const verdict = { outcome: isWrong ? "contradicted" : "right", findings: findings.all } as const;
    await this.conclude(root, verdict, isWrong ? undefined : added);
    if (file.kind === "right" && !isWrong) {
      const { receiptsRoot, dataHash, finalAt } = root;
      const { tu, ...counts } = countsOf(file.tree.receipts);
      log.info({ receiptsRoot, dataHash, finalAt: String(finalAt), ...counts, tu: formatUnits(tu) }, "root is right");
    }
    return verdict;
  }

  /** Writes down what is known of a root, with an alarm for each finding. */
  async conclude(root: RootFacts, verdict: Verdict, added?: FilePaces): Promise<void> {
    const { alarms, db, paces } = this.options;
    const { receiptsRoot, submittedAt } = root;
    const { outcome, findings } = verdict;
    step("watch.root.before-store");
    await db.transaction().execute(async (transaction) => {
      await transaction
        .insertInto("watch_roots")
        .values({
          receipts_root: toBytes(receiptsRoot),
          submitted_at: submittedAt,
          outcome,
          findings: toJson(findings),
        })
        .execute();
      if (added !== undefined) await paces.store(transaction, added);
      for (const finding of findings) {
        const { name, count, example } = finding;
        const times = count === 1 ? "" : ` (and ${count - 1} more)`;
        const text = `Root ${receiptsRoot}, ${name}: ${example}${times}`;
        await alarms.raise({ ...aboutRoot(root, name), finding, text }, transaction);
      }
    });
    step("watch.root.stored");
    this.verdicts.set(keyOf(root), verdict);
    this.checked.inc({ outcome });
  }
}

const FINDING_OF = { malformed: "file-malformed", "other-root": "root-wrong" } as const satisfies Record<
  Exclude<FoundFile["kind"], "right" | "none">,
  Finding["name"]
>;

/** Returns what is wrong with a file by itself and by the chain. */
export function findingsOf(
  file: Exclude<FoundFile, NoFile>,
  root: RootFacts,
  facts: Pick<ChainFacts, "order" | "node" | "attestedAt">,
): Findings {
  const findings = new Findings();
  if (file.kind === "right") checkReceipts(file.tree.receipts, root, facts, findings);
  else findings.add(FINDING_OF[file.kind], file.reason);
  return findings;
}

export function countsOf(receipts: Iterable<Receipt>): FileCounts {
  const [orders, nodes] = [new Set<bigint>(), new Set<bigint>()];
  let [count, tu] = [0, 0n];
  for (const { orderId, nodeId, cumulativeTU } of receipts) {
    ++count;
    orders.add(orderId);
    nodes.add(nodeId);
    tu += cumulativeTU;
  }
  return { receipts: count, orders: orders.size, nodes: nodes.size, tu };
}

/** Returns what each alarm about a root says; its id is the same for each submission. */
export function aboutRoot(root: RootFacts, alarm: Alarm["alarm"]) {
  const { receiptsRoot, dataHash, finalAt } = root;
  return { alarm, id: `${alarm}/${keyOf(root)}`, receiptsRoot, dataHash, finalAt };
}

function missing(root: RootFacts, { reasons, isOther }: NoFile) {
  const text = `No signer gives the file ${root.dataHash} of root ${root.receiptsRoot}: ${reasons.join("; ")}`;
  return { ...aboutRoot(root, isOther ? "file-other" : "file-missing"), text };
}

/** A root that expired may be submitted again. */
function keyOf({ receiptsRoot, submittedAt }: Pick<RootFacts, "receiptsRoot" | "submittedAt">): string {
  return `${receiptsRoot}/${submittedAt}`;
}
