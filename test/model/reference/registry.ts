import { id, ZeroAddress } from "ethers";

import { max } from "@turingfog/sdk";
import { checkQuorum, type Vouch } from "./oracle";
import { DAY, TU } from "./units";
import { known, refuseIf, sum, type Address, type Attestation, type Node, type World } from "./world";

/** The NodeRegistry: protocol.md, 3.7, in version 1. TU with 18 decimals. */

const MAX_GPU_COUNT = 1_024n;
const MAX_RATING = 1_000n * TU;
const MAX_ATTESTATION = 90n * DAY;

/** Images per second of a GTX 1080 Ti, in the order of the specification. */
const REFERENCE = [209n, 81n, 136n, 58n, 134n, 2_762n, 108n];

/** Hundredths of a TU per day. */
const GENESIS_RATINGS: Record<string, bigint> = {
  "GTX 1080 Ti": 100n,
  "Titan XP": 111n,
  V100: 185n,
  "Titan V": 141n,
  "Titan RTX": 155n,
  "RTX 2080": 99n,
  "RTX 2080 Ti": 135n,
};

export function genesisRatings(): Map<string, bigint> {
  return new Map(Object.entries(GENESIS_RATINGS).map(([name, hundredths]) => [id(name), (hundredths * TU) / 100n]));
}

export function attestRating(
  world: World,
  gpuModel: string,
  imagesPerSecondE3: readonly bigint[],
  evidence: string,
  vouches: readonly Vouch[],
): void {
  const { ratings } = world.state;
  refuseIf(ratings.has(gpuModel), "registry", "Registry_AlreadyRated", gpuModel);
  imagesPerSecondE3.forEach((measured, i) => {
    refuseIf(measured === 0n, "registry", "Registry_ZeroThroughput", BigInt(i));
  });
  // quotients, in thousandths, and mean are rounded down
  const quotients = imagesPerSecondE3.map((measured, i) => (measured * TU) / REFERENCE[i]);
  const rating = sum(quotients) / 7_000n;
  refuseIf(rating === 0n || rating > MAX_RATING, "registry", "Registry_RatingOutOfBounds", rating, MAX_RATING);
  checkQuorum(world, vouches);

  ratings.set(gpuModel, rating);
  world.emit("registry", "ModelRated", gpuModel, rating, evidence);
}

/** @param nodeId what the registry has given out: any number that is neither 0 nor another node's */
export function registerNode(
  world: World,
  caller: Address,
  nodeId: bigint,
  node: { gpuModel: string; gpuCount: bigint; payout: Address; metadataURI: string },
): void {
  const { gpuModel, gpuCount, payout, metadataURI } = node;
  refuseIf(!world.state.ratings.has(gpuModel), "registry", "Registry_UnratedModel", gpuModel);
  const isInBounds = 1n <= gpuCount && gpuCount <= MAX_GPU_COUNT;
  refuseIf(!isInBounds, "registry", "Registry_GpuCountOutOfBounds", gpuCount, MAX_GPU_COUNT);
  refuseIf(payout === ZeroAddress, "registry", "Registry_ZeroPayout");
  if (nodeId === 0n || world.state.nodes.has(nodeId)) throw new Error(`Node ${nodeId} was given out again`);

  const fresh: Node = { owner: caller, payout, gpuModel, gpuCount, attestations: [], listings: new Map() };
  world.state.nodes.set(nodeId, fresh);
  world.emit("registry", "NodeRegistered", nodeId, caller, gpuModel, gpuCount, payout, metadataURI);
}

export function setPayout(world: World, caller: Address, nodeId: bigint, payout: Address): void {
  const node = ownedNode(world, caller, nodeId);
  refuseIf(payout === ZeroAddress, "registry", "Registry_ZeroPayout");
  world.emit("registry", "PayoutSet", nodeId, node.payout, payout);
  node.payout = payout;
}

export function setListing(
  world: World,
  caller: Address,
  nodeId: bigint,
  asset: Address,
  unitPrice: bigint,
  capacityTU: bigint,
): void {
  const node = ownedNode(world, caller, nodeId);
  const isListed = world.state.assets.get(asset)?.isListed === true;
  refuseIf(unitPrice !== 0n && !isListed, "registry", "Registry_AssetNotListed", asset);
  const old = listing(world, nodeId, asset);
  node.listings.set(asset, { unitPrice, capacityTU });
  world.emit("registry", "ListingSet", nodeId, asset, old.unitPrice, old.capacityTU, unitPrice, capacityTU);
}

/** A renewal before expiry keeps the start; one after it starts anew. */
export function attestNode(
  world: World,
  nodeId: bigint,
  validUntil: bigint,
  evidence: string,
  vouches: readonly Vouch[],
): void {
  const node = world.state.nodes.get(nodeId);
  if (node === undefined) return refuseIf(true, "registry", "Registry_UnknownNode", nodeId);
  const inForce = node.attestations.at(-1);
  const earliest = max(world.now, inForce === undefined ? 0n : inForce.until + 1n);
  const latest = world.now + MAX_ATTESTATION;
  const isInBounds = earliest <= validUntil && validUntil <= latest;
  refuseIf(!isInBounds, "registry", "Registry_ValidityOutOfBounds", validUntil, earliest, latest);
  checkQuorum(world, vouches);

  let attestation: Attestation = { from: world.now, until: validUntil };
  if (inForce !== undefined && world.now <= inForce.until) {
    attestation = { from: inForce.from, until: validUntil };
    node.attestations.pop();
  }
  node.attestations.push(attestation);
  world.emit("registry", "NodeAttested", nodeId, attestation.from, validUntil, evidence);
}

/** Takes capacity for an order, and returns the unit price that it pays. */
export function reserve(world: World, nodeId: bigint, asset: Address, tuAmount: bigint): bigint {
  refuseIf(!covers(inForce(world, nodeId), world.now), "registry", "Registry_NotAttested", nodeId);
  const offer = listing(world, nodeId, asset);
  refuseIf(offer.unitPrice === 0n, "registry", "Registry_NotOffered", nodeId, asset);
  refuseIf(offer.capacityTU < tuAmount, "registry", "Registry_CapacityExceeded", tuAmount, offer.capacityTU);
  const left = { ...offer, capacityTU: offer.capacityTU - tuAmount };
  known(world.state.nodes, nodeId).listings.set(asset, left);
  return offer.unitPrice;
}

export function listing(world: World, nodeId: bigint, asset: Address): { unitPrice: bigint; capacityTU: bigint } {
  return world.state.nodes.get(nodeId)?.listings.get(asset) ?? { unitPrice: 0n, capacityTU: 0n };
}

export function ratePerDay(world: World, nodeId: bigint): bigint {
  const node = world.state.nodes.get(nodeId);
  return node === undefined ? 0n : known(world.state.ratings, node.gpuModel) * node.gpuCount;
}

/** The last attestation, be it lapsed or not. */
export function inForce(world: World, nodeId: bigint): Attestation | undefined {
  return world.state.nodes.get(nodeId)?.attestations.at(-1);
}

/** Whether a node was attested at `t` by the attestation that lapsed before the last. */
export function wasAttested(world: World, nodeId: bigint, t: bigint): boolean {
  return covers(world.state.nodes.get(nodeId)?.attestations.at(-2), t);
}

export function isAttestedAt(world: World, nodeId: bigint, t: bigint): boolean {
  return covers(inForce(world, nodeId), t) || wasAttested(world, nodeId, t);
}

function covers(attestation: Attestation | undefined, t: bigint): boolean {
  return attestation !== undefined && attestation.from <= t && t <= attestation.until;
}

function ownedNode(world: World, caller: Address, nodeId: bigint): Node {
  const node = world.state.nodes.get(nodeId);
  refuseIf(node?.owner !== caller, "registry", "Registry_NotNodeOwner", nodeId, caller);
  return known(world.state.nodes, nodeId);
}
