import { setTimeout as sleep } from "node:timers/promises";

import { TU } from "@turingfog/sdk";

import type { Act, Cast } from "./acts/act";
import { cheatingNodes } from "./acts/cheats";
import { lyingSigner } from "./acts/lies";
import { badNode, fullDisk, lateSigner, oldBackup, reorganisation, twoSignersGone, wrongClock } from "./acts/outages";
import { Killer } from "./kills";

/** How much goes wrong beside kills. */
export type Size = "nothing" | "little" | "all";

/** Acts that need each other, in their order. */
const CHEATS = [cheatingNodes, lyingSigner];

/** Acts of which each stands alone. */
const LITTLE: Act[] = [
  wrongClock("signer", true),
  wrongClock("node", false),
  fullDisk("signer"),
  fullDisk("node"),
  oldBackup("signer"),
  oldBackup("node"),
  badNode("signer", "gone"),
  badNode("node", "empty"),
];

const ALL: Act[] = [
  ...LITTLE,
  wrongClock("signer", false),
  wrongClock("node", true),
  oldBackup("node"),
  lateSigner,
  twoSignersGone,
  ...(["refusing", "slow", "behind", "empty"] as const).map((fault) => badNode("signer", fault)),
  ...(["gone", "refusing", "slow", "behind"] as const).map((fault) => badNode("node", fault)),
];

/** Milliseconds between two looks at whether an agent is idle. */
const LOOK = 500;

/** What a storm was. */
export interface Storm {
  killer: Killer;
  acts: string[];
  /** What was to be seen and was not. */
  failed: string[];
}

/** Lets everything go wrong at once while nodes work: kills, outages, and those who cheat. */
export async function storm(
  cast: Cast,
  { kills, size, say }: { kills: number; size: Size; say: (line: string) => void },
): Promise<Storm> {
  const { renter, random, world } = cast;
  const killer = new Killer(cast, say);
  const played: Storm = { killer, acts: [], failed: [] };
  const play = async (acts: readonly Act[]) => {
    for (const act of acts) {
      say(act.name);
      await act.play(cast).catch((error: unknown) => played.failed.push(`${act.name}: ${String(error)}`));
      played.acts.push(act.name);
    }
  };

  let isOver = false;
  const renting = (async () => {
    for (; !isOver; await sleep(LOOK)) {
      for (const agent of world.agents.keys()) {
        const isBusy = renter.rented.some((each) => each.agent === agent && each.result === undefined);
        // some are delivered as a whole, so that their last tenth waits for the result
        const tuAmount = random.below(2) === 0 ? TU / 20n : TU;
        if (!isBusy) await renter.rent({ agent, tuAmount, seconds: 4 + random.below(8) });
      }
    }
  })();
  try {
    const others = random.shuffle(size === "all" ? ALL : LITTLE);
    const acts = size === "nothing" ? [] : [CHEATS, others, [reorganisation]];
    await Promise.all([killer.run(kills), ...acts.map(play)]);
  } finally {
    isOver = true;
    await renting;
  }
  return played;
}
