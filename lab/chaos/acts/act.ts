import type { Random } from "@turingfog/economy";

import type { Line } from "../lines";
import type { Member, RoleName } from "../member";
import type { Meter } from "../meter";
import type { Renter } from "../renter";
import type { Thief } from "../thief";
import type { World } from "../world";

/** Who an act is played with. */
export interface Cast {
  world: World;
  renter: Renter;
  random: Random;
  thief: Thief;
  /** Nodes without an agent: one that works on a joint order, and the cheats. */
  meters: { worker: Meter; seller: Meter; withholder: Meter; equivocator: Meter };
}

/** Something that goes wrong, or somebody who does. */
export interface Act {
  name: string;
  line: Line;
  /** Resolves to what held once it is over. @throws if what had to be seen of it was not */
  play(cast: Cast): Promise<string>;
}

/** Signers that something is done to at a time: with more of them gone nobody is there to refuse anything. */
const MOST_TAKEN = 2;

/** Does something to a member that nobody else does anything to meanwhile. */
export async function withMember<T>(
  { world, random }: Cast,
  role: RoleName,
  work: (member: Member) => Promise<T>,
): Promise<T> {
  const free = () => {
    const all = world.members.filter(({ options }) => options.role === role);
    const isEnough = role === "signer" && all.filter(({ isTaken }) => isTaken).length >= MOST_TAKEN;
    return isEnough ? [] : all.filter(({ isTaken, isUp }) => !isTaken && isUp);
  };
  const member = await world.until(`A free ${role}`, async () => random.shuffle(free()).at(0));
  member.isTaken = true;
  try {
    return await work(member);
  } finally {
    member.isTaken = false;
  }
}

/** How often something is tried until it is refused, and seconds for each: who would refuse it may have been killed. */
const TRIES = 5;
const PATIENCE = 15;

/**
 * Does something until each of some things was refused more often than before.
 * @param names of refusals, or several of which one is enough, with | in between
 * @throws if one is not
 */
export async function seen({ world }: Cast, names: readonly string[], act: () => Promise<void>): Promise<void> {
  const before = names.map((name) => world.refusals.of(name));
  const missing = () => names.filter((name, i) => world.refusals.of(name) <= before[i]);
  for (let tries = 0; tries < TRIES && missing().length > 0; ++tries) {
    await act();
    const areSeen = async () => missing().length === 0 || undefined;
    await world.until("The refusals", areSeen, PATIENCE).catch(() => undefined);
  }
  if (missing().length > 0) throw new Error(`nobody has refused ${missing()}`);
}
