import { setTimeout as sleep } from "node:timers/promises";

import { KEEPER_STEPS, NODE_STEPS, RELAY_STEPS, SIGNER_STEPS, WATCH_STEPS } from "@turingfog/network";

import { type Cast, withMember } from "./acts/act";
import type { Member, RoleName } from "./member";

const STEPS: Record<RoleName, readonly string[]> = {
  signer: SIGNER_STEPS,
  node: NODE_STEPS,
  keeper: KEEPER_STEPS,
  watch: WATCH_STEPS,
  relay: RELAY_STEPS,
};

/** Roles in the order in which they are killed, again and again: those with more steps more often. */
const TURNS: RoleName[] = ["node", "signer", "keeper", "watch", "relay", "signer"];

/** Of how many kills one is at an instant that is no step. */
const AT_RANDOM = 4;

/** Milliseconds in which a step of some must be reached, or the kill is at no step. */
const PATIENCE = 8_000;

/** The most milliseconds until a kill at random, and for which a member stays down. */
const INSTANT = 3_000;
const DOWN = 2_000;

/** Milliseconds in which a member that was started does something again. */
const START = 1_000;

/** Kills members one after the other, at no step a second time, and starts them again. */
export class Killer {
  /** Where members were killed, by their role. */
  readonly killedAt: Record<RoleName, string[]> = { signer: [], node: [], keeper: [], watch: [], relay: [] };
  /** How often each role was killed. */
  readonly counts: Record<RoleName, number> = { signer: 0, node: 0, keeper: 0, watch: 0, relay: 0 };

  constructor(
    private readonly cast: Cast,
    private readonly say: (line: string) => void,
  ) {}

  async run(kills: number): Promise<void> {
    const { random } = this.cast;
    while (this.count < kills) {
      const role = TURNS[this.count % TURNS.length];
      await withMember(this.cast, role, async (member) => {
        const where = random.below(AT_RANDOM) === 0 ? await this.atRandom(member) : await this.atStep(member, role);
        ++this.counts[role];
        this.say(`kill ${this.count} of ${kills}: ${member.name} ${where}`);
        await sleep(random.below(DOWN));
        member.start();
        await sleep(START);
      });
    }
  }

  get count(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0);
  }

  /** Number of the steps that somebody was killed at, and of all. */
  get steps(): { killed: number; all: number } {
    const count = (lists: Iterable<readonly string[]>) => [...lists].reduce((sum, { length }) => sum + length, 0);
    return { killed: count(Object.values(this.killedAt)), all: count(Object.values(STEPS)) };
  }

  private async atRandom(member: Member): Promise<string> {
    await sleep(this.cast.random.below(INSTANT));
    await member.kill();
    return "at no step";
  }

  private async atStep(member: Member, role: RoleName): Promise<string> {
    const { random } = this.cast;
    const fresh = STEPS[role].filter((step) => !this.killedAt[role].includes(step));
    const before = member.killedAt.length;
    // those that are reached often would come first if all were meant
    member.tell({ killAt: random.shuffle(fresh).slice(0, Math.ceil(fresh.length / 2)) });
    await Promise.race([member.ended(), sleep(PATIENCE)]);
    member.tell({ killAt: [] });
    const step = member.killedAt.at(before);
    if (step === undefined) return this.atRandom(member);
    this.killedAt[role].push(step);
    return `at ${step}`;
  }
}
