import { setTimeout as sleep } from "node:timers/promises";

import { TU } from "@turingfog/sdk";

import type { Act, Cast } from "./acts/act";
import { cheatingNodes } from "./acts/cheats";
import { freeze, stolenQuorum } from "./acts/guardian";
import { lyingSigner } from "./acts/lies";
import { badNode, fullDisk, lateSigner, oldBackup, reorganisation, twoSignersGone, wrongClock } from "./acts/outages";
import { Killer } from "./kills";
import type { Witness } from "./lines";

/** How much goes wrong beside kills. */
export type Size = "nothing" | "little" | "all";

/** Acts that need each other, in their order, and those for which a freeze must not be. */
const CHEATS = [cheatingNodes, lyingSigner];
const ROOTS = [reorganisation, stolenQuorum, freeze, twoSignersGone];

/** Acts of which each stands alone. */
const LITTLE: Act[] = [
  wrongClock("signer", true),
  wrongClock("node", false),
  badNode("keeper", "gone"),
  fullDisk("signer"),
  fullDisk("node"),
  oldBackup("signer"),
  oldBackup("node"),
  badNode("signer", "gone"),
  badNode("signer", "forked"),
  badNode("node", "empty"),
];

const ALL: Act[] = [
  ...LITTLE,
  wrongClock("signer", false),
  wrongClock("node", true),
  oldBackup("node"),
  oldBackup("keeper"),
  lateSigner,
  ...(["refusing", "slow", "behind", "empty", "pruned"] as const).map((fault) => badNode("signer", fault)),
  ...(["gone", "refusing", "slow", "behind"] as const).map((fault) => badNode("node", fault)),
  badNode("keeper", "empty"),
];

/** Orders of each agent at least. */
const LEAST = 2;

/** Milliseconds between two looks at whether an agent is idle. */
const LOOK = 500;

/** What a storm was. */
export interface Storm {
  killer: Killer;
  witnesses: Witness[];
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
  const played: Storm = { killer, witnesses: [], failed: [] };
  const play = async (acts: readonly Act[]) => {
    for (const act of acts) {
      const { name, line } = act;
      say(name);
      await act.play(cast).then(
        (held) => played.witnesses.push({ line, did: name, held }),
        (error: unknown) => played.failed.push(`${name}: ${String(error)}`),
      );
    }
  };

  let areKilled = false;
  const renting = (async () => {
    for (; !areKilled || renter.rented.length < LEAST * world.agents.length; await sleep(LOOK)) {
      if (world.isClosed) return;
      for (const agent of world.agents.keys()) {
        const isBusy = renter.rented.some((each) => each.agent === agent && each.result === undefined);
        // some are delivered as a whole, so that their last tenth waits for the result
        const tuAmount = random.below(2) === 0 ? TU / 20n : TU;
        // nobody can order while everything is frozen
        if (!isBusy) await renter.rent({ agent, tuAmount, seconds: 4 + random.below(8) }).catch(() => undefined);
      }
    }
  })();
  const killing = killer.run(kills).finally(() => (areKilled = true));
  const others = random.shuffle(size === "all" ? ALL : LITTLE);
  const lanes = size === "nothing" ? [] : [CHEATS, others, ROOTS];
  await Promise.all([renting, killing, ...lanes.map(play)]);
  const { killed, all } = killer.steps;
  const roles = Object.entries(killer.counts).map(([role, count]) => `${role} ${count}`);
  const held = `${killed} of them at steps, of which there are ${all}; each went on where it was`;
  if (Object.values(killer.counts).every((count) => count > 0))
    played.witnesses.push({ line: "killed", did: `kills of ${roles.join(", ")}`, held });
  return played;
}
