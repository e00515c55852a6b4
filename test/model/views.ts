import { max, min } from "@turingfog/sdk";

import { lot, price } from "./reference/controller";
import * as escrow from "./reference/escrow";
import { finalSubmission, frozenUntil, status } from "./reference/oracle";
import {
  bucketIdOf,
  bucketWeight,
  claimable,
  closedRound,
  closingOf,
  openRound,
  recipientOf,
  weightOf,
} from "./reference/pool";
import { exactPrice, priceTolerance } from "./reference/price";
import {
  inForce,
  isAttested,
  listing,
  pendingAttestation,
  pendingRating,
  ratePerDay,
  ratingOf,
} from "./reference/registry";
import { burned, phase, RESERVE, supply } from "./reference/supply";
import { allowance, balanceOf, totalSupply } from "./reference/token";
import { known, Refused, type Address, type ContractName, type Value, type World } from "./reference/world";

/** A word that a view returns: exactly, or within bounds. */
export type Word = bigint | { min: bigint; max: bigint };

/** A view and what the model says of it. */
export interface View {
  contract: ContractName;
  method: string;
  args: readonly Value[];
  expected: readonly Word[] | Refused;
}

/** Which accounts' balances are read, and who earns and claims. */
export interface Watched {
  accounts: readonly Address[];
  people: readonly Address[];
  miners: readonly Address[];
  payers: readonly Address[];
}

const TOKENS = ["tft", "usd", "dai", "aux", "wide"] as const;

function view(contract: ContractName, method: string, args: readonly Value[], expected: () => readonly Word[]): View {
  try {
    return { contract, method, args, expected: expected() };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { contract, method, args, expected: error };
  }
}

/** What changes with time alone, even when a command is refused. */
export function* timedViews(world: World): Generator<View> {
  const { addresses } = world.setting;
  for (const token of ["tft", "usd", "dai", "aux"] as const) {
    const asset = addresses[token];
    yield view("controller", "lot", [asset], () => {
      const { round, amount, remaining, startedAt, referencePrice } = lot(world, asset);
      return [round, amount, remaining, startedAt, referencePrice];
    });
    yield view("controller", "price", [asset], () => [priceBounds(world, asset)]);
    yield view("pool", "openRound", [asset], () => [openRound(world, asset)]);
    yield view("pool", "closedRound", [asset], () => {
      const closed = closedRound(world, asset);
      if (closed === undefined) return [0n, 0n, 0n];
      return [closed.round, bucketWeight(world, bucketIdOf(closed.round, asset)), closingOf(world, closed) ?? 0n];
    });
  }
  for (const root of world.state.roots.keys()) {
    yield view("oracle", "status", [root], () => {
      const { status: is, finalAt } = status(world, root);
      return [BigInt(is), finalAt];
    });
    yield view("oracle", "finalSubmission", [root], () => [finalSubmission(world, root)]);
  }
  yield* attestationViews(world);
}

/** Attestations and ratings begin to count with time alone. */
function* attestationViews(world: World): Generator<View> {
  for (const gpuModel of new Set([...world.state.ratings.keys(), ...world.state.vetoedRatings.keys()])) {
    const { rating, from } = pendingRating(world, gpuModel);
    yield view("registry", "ratingOf", [gpuModel], () => [ratingOf(world, gpuModel)]);
    yield view("registry", "pendingRating", [gpuModel], () => [rating, from]);
  }
  const nodeIds = [...world.state.nodes.keys()];
  yield view("registry", "standings", [nodeIds], () => {
    const words = nodeIds.flatMap((nodeId) => {
      const [payout, from, until, rate] = standing(world, nodeId);
      return [(until << 200n) | (from << 160n) | BigInt(payout), rate];
    });
    return [32n, BigInt(words.length), ...words];
  });
  for (const nodeId of nodeIds) {
    const { from, until } = pendingAttestation(world, nodeId);
    yield view("registry", "pendingAttestation", [nodeId], () => [from, until]);
    for (const t of attestationEdges(world, nodeId)) {
      yield view("registry", "isAttested", [nodeId, t], () => [isAttested(world, nodeId, t) ? 1n : 0n]);
    }
  }
}

function standing(world: World, nodeId: bigint): [Address, bigint, bigint, bigint] {
  const { from, until } = inForce(world, nodeId) ?? { from: 0n, until: 0n };
  return [known(world.state.nodes, nodeId).payout, from, until, ratePerDay(world, nodeId)];
}

/** Of the last three: one that is pending, and the two that count. */
function attestationEdges(world: World, nodeId: bigint): bigint[] {
  const edges = known(world.state.nodes, nodeId).attestations.slice(-3);
  return [0n, ...edges.flatMap(({ from, until }) => [from - 1n, from, until, until + 1n])];
}

/** Within what the price must be that the controller quotes now. */
export function priceBounds(world: World, asset: Address): { min: bigint; max: bigint } {
  const exact = price(world, asset);
  const tolerance = priceTolerance(exact);
  const { referencePrice } = lot(world, asset);
  return {
    min: exact > tolerance ? exact - tolerance : 0n,
    // never above the opening price
    max: min(exact + tolerance, exactPrice(referencePrice, 0n, 1n)),
  };
}

/** Every balance and every view of the protocol, for all that there is. */
export function* allViews(world: World, watched: Watched): Generator<View> {
  yield* timedViews(world);
  yield* tokenViews(world, watched);
  yield* supplyViews(world);
  yield* oracleViews(world);
  yield* registryViews(world);
  yield* escrowViews(world, watched);
  yield* poolViews(world, watched);
}

function* tokenViews(world: World, { accounts, payers }: Watched): Generator<View> {
  const { addresses } = world.setting;
  for (const token of TOKENS) {
    const address = addresses[token];
    yield view(token, "totalSupply", [], () => [totalSupply(world, address)]);
    const { balances, nonces } = known(world.state.tokens, address);
    const isUnused = balances.size === 0;
    for (const account of isUnused ? accounts.slice(0, 1) : accounts) {
      yield view(token, "balanceOf", [account], () => [balanceOf(world, address, account)]);
    }
    for (const payer of isUnused ? [] : payers) {
      for (const spender of [addresses.escrow, addresses.controller]) {
        yield view(token, "allowance", [payer, spender], () => [allowance(world, address, payer, spender)]);
      }
      yield view(token, "nonces", [payer], () => [nonces.get(payer) ?? 0n]);
    }
  }
}

function* supplyViews(world: World): Generator<View> {
  const { released, operations } = world.state;
  yield view("tft", "burned", [], () => [burned(world)]);
  yield view("vault", "released", [], () => [released]);
  yield view("vault", "remaining", [], () => [RESERVE - released]);
  yield view("vault", "operationsOwed", [], () => [operations.owed]);
  yield view("vault", "operationsTreasury", [], () => [BigInt(operations.treasury)]);
  yield view("vault", "operationsShare", [], () => [operations.share]);
  yield view("controller", "phase", [], () => [phase(world)]);
  yield view("controller", "supply", [], () => supply(world));
}

function* oracleViews(world: World): Generator<View> {
  const { guardian, signerSetVersion, signers, quorum, lastVetoAt, lastRotationAt } = world.state;
  yield view("oracle", "guardian", [], () => [BigInt(guardian)]);
  yield view("oracle", "signerSetVersion", [], () => [signerSetVersion]);
  yield view("oracle", "signers", [], () => [32n, BigInt(signers.length), ...signers.map(BigInt)]);
  yield view("oracle", "quorum", [], () => [quorum]);
  yield view("oracle", "frozenUntil", [], () => [frozenUntil(world)]);
  yield view("oracle", "lastHoldAt", [], () => [max(lastVetoAt, lastRotationAt)]);
}

function* registryViews(world: World): Generator<View> {
  for (const [nodeId, node] of world.state.nodes) {
    const [payout, from, until, rate] = standing(world, nodeId);
    yield view("registry", "node", [nodeId], () => [
      ...[BigInt(node.owner), BigInt(payout), BigInt(node.gpuModel), node.gpuCount, from, until],
    ]);
    yield view("registry", "standing", [nodeId], () => [BigInt(payout), from, until, rate]);
    yield view("registry", "ratePerDay", [nodeId], () => [rate]);
    yield view("registry", "pendingOwnerOf", [nodeId], () => [BigInt(node.pendingOwner)]);
    for (const token of ["tft", "usd", "dai", "aux"] as const) {
      const asset = world.setting.addresses[token];
      const { unitPrice, capacityTU } = listing(world, nodeId, asset);
      yield view("registry", "listing", [nodeId, asset], () => [unitPrice, capacityTU]);
    }
  }
}

function* escrowViews(world: World, { people }: Watched): Generator<View> {
  const { state } = world;
  const { addresses } = world.setting;
  for (const token of TOKENS) {
    const asset = addresses[token];
    yield view("escrow", "isListed", [asset], () => [escrow.isListed(world, asset) ? 1n : 0n]);
    yield view("escrow", "liabilities", [asset], () => [escrow.liabilities(world, asset)]);
  }
  for (const orderId of state.orders.keys()) yield* orderViews(world, orderId);
  const open = [...state.orders.values()].filter((order) => order.isOpen);
  for (const holder of new Set([...people, ...open.map((order) => order.holder)])) {
    const held = open.filter((order) => order.holder === holder);
    yield view("escrow", "balanceOf", [holder], () => [BigInt(held.length)]);
  }
  for (const { payer, ref } of state.paymentRefs) yield view("escrow", "isPaymentRefUsed", [payer, ref], () => [1n]);
}

function* orderViews(world: World, orderId: bigint): Generator<View> {
  const open = () => escrow.openOrderAt(world, orderId);
  const stored = known(world.state.orders, orderId);
  yield view("escrow", "order", [orderId], () => {
    const order = open();
    const { nodeId, asset, unitPrice, tuAmount, startedAt, endsAt, refundTo } = order;
    const books = [escrow.tuSettled(order), escrow.deposit(order), escrow.earned(order)];
    return [nodeId, BigInt(asset), unitPrice, tuAmount, ...books, startedAt, endsAt, BigInt(refundTo)];
  });
  yield view("escrow", "refundable", [orderId], () => {
    const { amount, from } = escrow.refundable(world, open());
    // "at once" is any time that has come
    return [amount, escrow.isFullyDelivered(open()) && from <= world.now ? { min: 0n, max: world.now } : from];
  });
  for (const nodeId of stored.isOpen ? world.state.nodes.keys() : [stored.nodeId]) {
    yield view("escrow", "settledTU", [orderId, nodeId], () => [escrow.settledTU(open(), nodeId)]);
  }
  const token = (account: Address) => () => {
    if (!stored.isOpen) throw new Refused("escrow", "ERC721NonexistentToken", [orderId]);
    return [BigInt(account)];
  };
  yield view("escrow", "ownerOf", [orderId], token(stored.holder));
  if (stored.isOpen) {
    const inOtherAsset = orderId ^ (1n << 16n);
    yield view("escrow", "ownerOf", [inOtherAsset], () => {
      throw new Refused("escrow", "ERC721NonexistentToken", [inOtherAsset]);
    });
  }
  yield view("escrow", "getApproved", [orderId], token(stored.approved));
}

function* poolViews(world: World, { miners }: Watched): Generator<View> {
  const { buckets } = world.state;
  const ids = [...buckets.keys()];
  for (const [id, { reward, finalAt }] of buckets) {
    yield view("pool", "bucket", [id], () => [bucketWeight(world, id), reward, finalAt === null ? 0n : 1n]);
    for (const miner of miners) yield view("pool", "weightOf", [id, miner], () => [weightOf(world, id, miner)]);
  }
  // one that is unknown, and one twice
  const asked = [...ids, bucketIdOf(0n, world.setting.addresses.usd), ...ids.slice(0, 1)];
  for (const miner of miners) {
    yield view("pool", "claimable", [miner, asked], () => [claimable(world, miner, asked)]);
    yield view("pool", "recipientOf", [miner], () => [BigInt(recipientOf(world, miner))]);
  }
}
