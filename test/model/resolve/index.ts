import { DAY } from "@turingfog/sdk";

import type { Action, Moment, When } from "../steps";
import { writeOffTime } from "../reference/controller";
import { openOrderAt, refundable } from "../reference/escrow";
import { frozenUntil, isFrozen, status, Status } from "../reference/oracle";
import { closingOf } from "../reference/pool";
import { inForce, pendingAttestation } from "../reference/registry";
import type { World } from "../reference/world";
import { choose, type Command, type Context, type Resolvers } from "./context";
import { marketResolvers } from "./market";
import { networkResolvers } from "./network";
import { treasuryResolvers } from "./treasury";

const RESOLVERS: Resolvers<Exclude<Action["do"], "wait">> = {
  ...marketResolvers,
  ...networkResolvers,
  ...treasuryResolvers,
};

/** The command that a step stands for in the world as it is, or null when it only waits. */
export async function resolve(context: Context, action: Action): Promise<Command | null> {
  if (action.do === "wait") return null;
  const resolver = RESOLVERS[action.do] as (context: Context, action: Action) => Command | Promise<Command>;
  return resolver(context, action);
}

/** When there is no such moment ahead, in seconds. */
const FALLBACK_DELAY = 60n;

/** When a step comes: always later than the one before. */
export function timeOf(world: World, when: When): bigint {
  if ("after" in when) return world.now + BigInt(when.after);
  const moments = momentsOf(world, when.at)
    .filter((moment) => moment + BigInt(when.offset) > world.now)
    .sort((a, b) => (a < b ? -1 : 1));
  const moment = choose(moments, when.pick, world.now + FALLBACK_DELAY);
  return moment + BigInt(when.offset);
}

function momentsOf(world: World, kind: Moment): bigint[] {
  const { state, setting } = world;
  const openOrders = [...state.orders].filter(([, order]) => order.isOpen).map(([id]) => openOrderAt(world, id));
  switch (kind) {
    case "final":
      return [...state.roots.keys()]
        .map((root) => status(world, root))
        .filter(({ status: is }) => is === Status.Pending)
        .map(({ finalAt }) => finalAt);
    case "end":
      return openOrders.map(({ endsAt }) => endsAt);
    case "closable":
      return openOrders.map((order) => refundable(world, order).from);
    case "counts":
      return [
        ...[...state.nodes.keys()].map((nodeId) => pendingAttestation(world, nodeId).from),
        ...[...state.ratings.values()].map(({ from }) => from),
      ];
    case "lapse":
      return [...state.nodes.keys()].map((nodeId) => inForce(world, nodeId)?.until ?? 0n);
    case "thaw":
      return isFrozen(world) ? [frozenUntil(world)] : [];
    case "nextFreeze":
      return state.freezes.map(({ startedAt }) => startedAt + 30n * DAY);
    case "epoch":
      return [(world.epoch + 1n) * setting.epochLength];
    case "writeOff":
      return [...state.buckets.values()]
        .filter(({ asset, finalAt }) => finalAt === null && asset !== setting.addresses.tft)
        .map((bucket) => closingOf(world, bucket))
        .filter((startsAt) => startsAt !== undefined)
        .map((startsAt) => writeOffTime(world, startsAt));
  }
}
