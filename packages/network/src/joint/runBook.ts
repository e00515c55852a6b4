import { mkdir, readdir, readFile } from "node:fs/promises";
import path from "node:path";

import { writeAtomically } from "@turingfog/sdk/node";
import { type Closing, type RoundClaim, type Signed, TRAINING_STATE, type TrainingState } from "@turingfog/sdk/wire";
import { forkOf } from "@turingfog/training";

/**
 * The rounds of a run at one worker: a file for each round with the worker's own claim and the round's closing. A claim, once
 * it is written down, stays for ever: nobody sees two of one round.
 */
export class RunBook {
  /** Rounds that are over. */
  closings: readonly Closing[] = [];
  private readonly own = new Map<bigint, Signed<RoundClaim>>();

  private constructor(readonly folder: string) {}

  static async open(folder: string): Promise<RunBook> {
    await mkdir(folder, { recursive: true });
    const book = new RunBook(folder);
    const closings: Closing[] = [];
    for (const name of (await readdir(folder)).filter((each) => /^\d{7}\.json$/.test(each)).sort()) {
      const state = TRAINING_STATE.decode(await readFile(path.join(folder, name)));
      for (const claim of state.claims) book.own.set(claim.round, claim);
      for (const closing of state.closings) if (closing.round === BigInt(closings.length + 1)) closings.push(closing);
    }
    book.closings = closings;
    return book;
  }

  /** Own claims by ascending rounds. */
  get claims(): Signed<RoundClaim>[] {
    return [...this.own.values()];
  }

  /** The last round that was claimed; 0 if none was. */
  get claimedRound(): bigint {
    return this.claims.at(-1)?.round ?? 0n;
  }

  claim(round: bigint): Signed<RoundClaim> | undefined {
    return this.own.get(round);
  }

  /** Writes a claim down, before anybody hears of it. */
  async addClaim(claim: Signed<RoundClaim>): Promise<void> {
    const { round } = claim;
    await this.write(round, { claims: [claim], closings: this.closings.filter((each) => each.round === round) });
    this.own.set(round, claim);
  }

  /** Takes a branch in place of the present one. However far it comes, what is there then is a beginning of one of both. */
  async adopt(branch: readonly Closing[]): Promise<void> {
    const fork = forkOf(branch, this.closings);
    for (let round = BigInt(this.closings.length); round > BigInt(fork); round--) {
      await this.write(round, { claims: this.ownOf(round), closings: [] });
    }
    this.closings = branch.slice(0, fork);
    for (const closing of branch.slice(fork)) {
      await this.write(closing.round, { claims: this.ownOf(closing.round), closings: [closing] });
    }
    this.closings = [...branch];
  }

  private ownOf(round: bigint): Signed<RoundClaim>[] {
    const claim = this.own.get(round);
    return claim === undefined ? [] : [claim];
  }

  private write(round: bigint, state: TrainingState): Promise<void> {
    const name = `${String(round).padStart(7, "0")}.json`;
    return writeAtomically(path.join(this.folder, name), TRAINING_STATE.encode(state));
  }
}
