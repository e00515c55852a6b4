import { max } from "@turingfog/sdk";
import { MaxUint256 } from "ethers";

import * as controller from "../reference/controller";
import * as pool from "../reference/pool";
import { payOperations } from "../reference/supply";
import * as token from "../reference/token";
import { type Address, Refused, type World } from "../reference/world";
import type { Action, Pick } from "../steps";
import { priceBounds } from "../views";
import { choose, type Command, type Context, type Resolvers } from "./context";

/** Tokens, buybacks, claims. */
export const treasuryResolvers: Resolvers<
  | "transferToken"
  | "approveToken"
  | "payOperations"
  | "burn"
  | "buy"
  | "writeOff"
  | "claim"
  | "claimFor"
  | "setRecipient"
> = {
  transferToken({ system }, { asset, from: name, to, amount }) {
    const from = system.account(name);
    const receiver = system.account(to);
    return {
      ...{ from, contract: asset, method: "transfer", args: [receiver, amount] },
      apply: (world) => {
        token.transfer(world, system.account(asset), from, receiver, amount);
      },
    };
  },

  approveToken({ system }, { asset, owner, spender, amount }) {
    const from = system.account(owner);
    const trusted = system.account(spender);
    return {
      ...{ from, contract: asset, method: "approve", args: [trusted, amount] },
      apply: (world) => {
        token.approve(world, system.account(asset), from, trusted, amount);
      },
    };
  },

  payOperations: ({ system }, { caller }) => ({
    ...{ from: system.account(caller), contract: "vault", method: "payOperations", args: [] },
    apply: payOperations,
  }),

  burn(context, { caller, roundOffset }) {
    const { system } = context;
    const round = max(roundToEnd(context, system.account("tft")) + BigInt(roundOffset), 0n);
    return {
      ...{ from: system.account(caller), contract: "controller", method: "burn", args: [round] },
      apply: (world) => {
        controller.burnRound(world, round);
      },
    };
  },

  buy: (context, action) => buy(context, action),

  writeOff(context, { caller, asset: name, roundOffset }) {
    const { system } = context;
    const asset = name === "lot" ? oldestLot(context) : system.account(name);
    const round = max(roundToEnd(context, asset) + BigInt(roundOffset), 0n);
    return {
      ...{ from: system.account(caller), contract: "controller", method: "writeOff", args: [asset, round] },
      apply: (world) => {
        controller.writeOff(world, asset, round);
      },
    };
  },

  claim(context, { miner: name, buckets, to }) {
    const miner = context.system.account(name);
    const ids = bucketIds(context, buckets);
    const receiver = context.system.account(to);
    return {
      ...{ from: miner, contract: "pool", method: "claim", args: [ids, receiver] },
      apply: (world) => {
        pool.claim(world, miner, ids, receiver);
      },
    };
  },

  claimFor(context, { caller, miner: name, buckets }) {
    const miner = context.system.account(name);
    const ids = bucketIds(context, buckets);
    return {
      ...{ from: context.system.account(caller), contract: "pool", method: "claimFor", args: [miner, ids] },
      apply: (world) => {
        pool.claimFor(world, miner, ids);
      },
    };
  },

  setRecipient({ system }, { miner: name, to }) {
    const miner = system.account(name);
    const recipient = system.account(to);
    return {
      ...{ from: miner, contract: "pool", method: "setRecipient", args: [recipient] },
      apply: (world) => {
        pool.setRecipient(world, miner, recipient);
      },
    };
  },
};

function bucketIds({ world, system }: Context, picks: readonly Pick[]): bigint[] {
  const ids = [...world.state.buckets.keys()].reverse();
  const unknown = pool.bucketIdOf(0n, system.account("usd"));
  return picks.map((pick) => choose(ids, pick, unknown));
}

async function buy(context: Context, action: Extract<Action, { do: "buy" }>): Promise<Command> {
  const { system } = context;
  const asset = action.asset === "lot" ? oldestLot(context) : system.account(action.asset);
  const buyer = system.account(action.buyer);
  const quoted = await quote(context, asset);
  const current = lotAt(context, asset);
  const limits = { any: MaxUint256, exact: quoted, below: quoted > 0n ? quoted - 1n : 0n };
  const bid = {
    asset,
    round: max(roundToEnd(context, asset) + BigInt(action.roundOffset), 0n),
    amount: shareOf(current, action.share) + action.extra,
    maxPrice: limits[action.limit],
    to: system.account(action.to),
  };
  return {
    ...{ from: buyer, contract: "controller", method: "buy", args: [...Object.values(bid), "0x"] },
    apply: (world) => {
      checkQuote(world, asset, quoted);
      controller.buy(world, buyer, bid, quoted);
    },
  };
}

function shareOf(current: controller.Lot | undefined, share: number | "all but 1 %"): bigint {
  if (current === undefined) return 1n;
  if (share !== "all but 1 %") return (current.remaining * BigInt(share)) / 10_000n;
  return max(current.remaining - current.amount / 100n, 0n);
}

/** Returns the asset whose lot has been for sale for longest, or the first one when none has a lot. */
function oldestLot(context: Context): Address {
  const assets = (["usd", "dai", "aux"] as const).map((name) => context.system.account(name));
  const startOf = (asset: Address) => lotAt(context, asset)?.startedAt ?? MaxUint256;
  return assets.reduce((oldest, asset) => (startOf(asset) < startOf(oldest) ? asset : oldest));
}

/** Returns the closed round of an asset, or else the open one. */
function roundToEnd({ world, at }: Context, asset: Address): bigint {
  const then = world.seenAt(at);
  return pool.closedRound(then, asset)?.round ?? pool.openRound(then, asset);
}

function lotAt({ world, at }: Context, asset: Address): controller.Lot | undefined {
  const then = world.seenAt(at);
  try {
    return controller.lot(then, asset);
  } catch (error) {
    if (error instanceof Refused) return undefined;
    throw error;
  }
}

/** What the controller will ask at the time; 0 when it has no lot. */
async function quote({ system, at }: Context, asset: Address): Promise<bigint> {
  const data = system.interfaces.controller.encodeFunctionData("price", [asset]);
  const answer = await system.callAt(system.account("controller"), data, at);
  return answer === undefined ? 0n : BigInt(answer);
}

/** A price that is too far from the exact one. */
export class QuoteError extends Error {
  constructor(
    readonly quoted: bigint,
    readonly bounds: { min: bigint; max: bigint },
  ) {
    super(`The controller quotes ${quoted}, which must be from ${bounds.min} to ${bounds.max}`);
  }
}

function checkQuote(world: World, asset: Address, quoted: bigint): void {
  const bounds = priceBounds(world, asset);
  if (quoted < bounds.min || quoted > bounds.max) throw new QuoteError(quoted, bounds);
}
