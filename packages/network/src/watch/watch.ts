import { performance } from "node:perf_hooks";

import { formatInstant } from "@turingfog/sdk";
import type { Kysely } from "kysely";

import type { ChainFacts, RootFacts } from "../chain/index.js";
import { type Health, reasonOf } from "../runtime/index.js";
import type { Alarms } from "./alarms.js";
import { aboutRoot, type Roots, type Verdict } from "./roots.js";
import type { WatchTables } from "./tables.js";
import type { Vetoes } from "./vetoes.js";

/** The one row of the state. */
const ONLY = 1n;

export interface WatchOptions {
  facts: ChainFacts;
  roots: Roots;
  alarms: Alarms;
  /** Undefined if nothing is vetoed. */
  vetoes?: Vetoes;
  db: Kysely<WatchTables>;
  /** Seconds for which nothing can be checked until that is an alarm. */
  silence: number;
  health: Health;
}

/** A root that is pending, or became final since the last look. */
export interface Looked extends Partial<Verdict> {
  root: RootFacts;
  /** Why there is no verdict: what signers answered to the question for its file. */
  missing?: readonly string[];
  /** Whether any has answered. */
  isAnswered?: boolean;
}

/** The result of one look. */
export interface Look {
  roots: readonly Looked[];
  /** Why nothing could be checked. */
  unchecked?: string;
}

/** Looks at every pending root, has it checked, and does what follows. */
export class Watch {
  private silentSince?: number;

  private constructor(
    private readonly options: WatchOptions,
    /** Number of the present time in which roots can, or cannot, be checked; undefined before the first look. */
    private episode: bigint | undefined,
  ) {}

  static async open(options: WatchOptions): Promise<Watch> {
    const state = await options.db.selectFrom("watch_state").select("episode").executeTakeFirst();
    return new Watch(options, state?.episode);
  }

  async look(): Promise<Look> {
    const { facts, health, vetoes } = this.options;
    try {
      await facts.advance();
      health.report("chain", "ok");
    } catch (error) {
      health.report("chain", "waiting", reasonOf(error));
      return this.end({ roots: [], unchecked: reasonOf(error) });
    }
    if (this.episode === undefined) await this.begin();
    await vetoes?.check();
    return this.end(await this.lookAtRoots());
  }

  /** Leaves the roots that are over before the first look, and remembers that it began. */
  private async begin(): Promise<void> {
    const { facts, roots } = this.options;
    for (const root of facts.roots()) {
      const isOver = root.state === "final" || root.state === "vetoed";
      if (isOver && roots.of(root) === undefined) await roots.conclude(root, { outcome: "before", findings: [] });
    }
    await this.setEpisode(0n);
  }

  private async lookAtRoots(): Promise<Look> {
    const { alarms, facts, roots, vetoes } = this.options;
    const looked: Looked[] = [];
    let unchecked: string | undefined;
    const slow = new Set<string>();
    for (const root of facts.roots().sort(byUrgency)) {
      const { receiptsRoot, state } = root;
      const known = roots.of(root);
      if (state === "vetoed" && known?.outcome !== "before") {
        // whoever has vetoed it, and though this watch was killed before it could tell
        await alarms.raise({ ...aboutRoot(root, "vetoed"), text: `Root ${receiptsRoot} is vetoed` });
      }
      if (state !== "pending" && (state !== "final" || known !== undefined)) continue;
      const found = known === undefined ? await this.examine(root, slow) : { root, ...known };
      looked.push(found);
      if (found.isAnswered === false) unchecked ??= found.missing?.join("; ");
      if (state !== "pending") continue;
      if (found.outcome === "contradicted") await vetoes?.veto(root, "contradiction");
      else if (found.missing !== undefined) await vetoes?.veto(root, "no-file");
    }
    return { roots: looked, unchecked };
  }

  private async examine(root: RootFacts, slow: Set<string>): Promise<Looked> {
    const { alarms, roots } = this.options;
    const found = await roots.examine(root, slow);
    const isFound = "outcome" in found;
    if (root.state === "final" && (isFound || found.isAnswered)) {
      const text = `Root ${root.receiptsRoot} became final at ${instantOf(root)} before this watch had checked it`;
      await alarms.raise({ ...aboutRoot(root, "final-unchecked"), text });
      if (!isFound) await roots.conclude(root, { outcome: "unseen", findings: [] });
    }
    return isFound ? { root, ...found } : { root, missing: found.reasons, isAnswered: found.isAnswered };
  }

  /** Reports what a look has shown, and sends the alarms. */
  private async end(look: Look): Promise<Look> {
    const { alarms, health } = this.options;
    if (look.unchecked === undefined) await this.hasLooked();
    else await this.isSilent(look.unchecked);
    const wrong = look.roots.find(({ outcome }) => outcome === "contradicted");
    const missing = look.roots.find((each) => each.missing !== undefined);
    if (wrong !== undefined) {
      const names = wrong.findings?.map(({ name }) => name).join(", ");
      health.report("roots", "failed", `root ${wrong.root.receiptsRoot}, final at ${instantOf(wrong.root)}: ${names}`);
    } else if (look.unchecked !== undefined) health.report("roots", "waiting", look.unchecked);
    else if (missing !== undefined) health.report("roots", "waiting", missing.missing?.join("; "));
    else health.report("roots", "ok");
    await alarms.deliver();
    return look;
  }

  private async isSilent(reason: string): Promise<void> {
    const { alarms, silence } = this.options;
    const now = performance.now();
    this.silentSince ??= now;
    if (now - this.silentSince < silence * 1_000) return;
    const text = `No root could be checked for ${silence} s: ${reason}`;
    await alarms.raise({ alarm: "nothing-checked", id: this.silenceId, text });
  }

  /** Begins a new episode if the last one had its alarm, so that the next silence has one too. */
  private async hasLooked(): Promise<void> {
    this.silentSince = undefined;
    if (await this.options.alarms.isRaised(this.silenceId)) await this.setEpisode((this.episode ?? 0n) + 1n);
  }

  private async setEpisode(episode: bigint): Promise<void> {
    await this.options.db
      .insertInto("watch_state")
      .values({ id: ONLY, episode })
      .onConflict((conflict) => conflict.column("id").doUpdateSet({ episode }))
      .execute();
    this.episode = episode;
  }

  private get silenceId(): string {
    return `nothing-checked/${this.episode ?? 0n}`;
  }
}

/** Sorts pending roots first. */
function byUrgency(a: RootFacts, b: RootFacts): number {
  return Number(a.state !== "pending") - Number(b.state !== "pending");
}

function instantOf({ finalAt }: RootFacts): string {
  return finalAt === undefined ? "an unknown time" : formatInstant(finalAt);
}
