import { id, ZeroAddress } from "ethers";

import { max } from "@turingfog/sdk";
import { checkQuorum, type Vouch } from "./oracle";
import { DAY, TU } from "./units";
import { known, refuseIf, sum, type Address, type Attestation, type Node, type Rating, type World } from "./world";

/** The NodeRegistry: protocol.md, 3.7. TU with 18 decimals. */

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

/** They count from the beginning. */
export function genesisRatings(): Map<string, Rating> {
  return new Map(
    Object.entries(GENESIS_RATINGS).map(([name, hundredths]) => [
      id(name),
      { rating: (hundredths * TU) / 100n, from: 0n },
    ]),
  );
}

export function attestRating(
  world: World,
  gpuModel: string,
  imagesPerSecondE3: readonly bigint[],
  evidence: string,
  vouches: readonly Vouch[],
): void {
  const { ratings, vetoedRatings } = world.state;
  refuseIf(ratings.has(gpuModel), "registry", "Registry_AlreadyRated", gpuModel);
  imagesPerSecondE3.forEach((measured, i) => {
    refuseIf(measured === 0n, "registry", "Registry_ZeroThroughput", BigInt(i));
  });
  // quotients, in thousandths, and mean are rounded down
  const quotients = imagesPerSecondE3.map((measured, i) => (measured * TU) / REFERENCE[i]);
  const rating = sum(quotients) / 7_000n;
  refuseIf(rating === 0n || rating > MAX_RATING, "registry", "Registry_RatingOutOfBounds", rating, MAX_RATING);
  refuseIf(vetoedRatings.get(gpuModel)?.has(rating) === true, "registry", "Registry_VetoedRating", gpuModel, rating);
  checkQuorum(world, vouches);

  const from = world.now + world.setting.vetoWindow;
  ratings.set(gpuModel, { rating, from });
  world.emit("registry", "ModelRated", gpuModel, rating, from, evidence);
}

export function vetoRating(world: World, caller: Address, gpuModel: string): void {
  refuseUnlessGuardian(world, caller);
  const { rating, from } = pendingRating(world, gpuModel);
  refuseIf(from === 0n, "registry", "Registry_RatingNotPending", gpuModel);
  world.state.ratings.delete(gpuModel);
  const { vetoedRatings } = world.state;
  vetoedRatings.set(gpuModel, new Set([...(vetoedRatings.get(gpuModel) ?? []), rating]));
  world.emit("registry", "RatingVetoed", gpuModel, rating);
}

/** @param nodeId what the registry has given out: any number that is neither 0 nor another node's */
export function registerNode(
  world: World,
  caller: Address,
  nodeId: bigint,
  node: { gpuModel: string; gpuCount: bigint; payout: Address; metadataURI: string },
): void {
  const { gpuModel, gpuCount, payout, metadataURI } = node;
  refuseIf(ratingOf(world, gpuModel) === 0n, "registry", "Registry_UnratedModel", gpuModel);
  const isInBounds = 1n <= gpuCount && gpuCount <= MAX_GPU_COUNT;
  refuseIf(!isInBounds, "registry", "Registry_GpuCountOutOfBounds", gpuCount, MAX_GPU_COUNT);
  refuseIf(payout === ZeroAddress, "registry", "Registry_ZeroPayout");
  if (nodeId === 0n || world.state.nodes.has(nodeId)) throw new Error(`Node ${nodeId} was given out again`);

  const untouched = { pendingOwner: ZeroAddress, attestations: [], revokedUntil: 0n, listings: new Map() };
  world.state.nodes.set(nodeId, { owner: caller, payout, gpuModel, gpuCount, ...untouched });
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

export function setMetadataURI(world: World, caller: Address, nodeId: bigint, uri: string): void {
  ownedNode(world, caller, nodeId);
  world.emit("registry", "MetadataURISet", nodeId, uri);
}

export function transferNode(world: World, caller: Address, nodeId: bigint, to: Address): void {
  ownedNode(world, caller, nodeId).pendingOwner = to;
  world.emit("registry", "NodeTransferStarted", nodeId, caller, to);
}

export function acceptNode(world: World, caller: Address, nodeId: bigint): void {
  const node = world.state.nodes.get(nodeId);
  if (node?.pendingOwner !== caller) return refuseIf(true, "registry", "Registry_NotPendingOwner", nodeId, caller);
  world.emit("registry", "NodeTransferred", nodeId, node.owner, caller);
  node.owner = caller;
  node.pendingOwner = ZeroAddress;
}

/** A renewal before expiry, and what prolongs a pending one, keep the start; any other waits a veto window. */
export function attestNode(
  world: World,
  nodeId: bigint,
  validUntil: bigint,
  evidence: string,
  vouches: readonly Vouch[],
): void {
  const node = world.state.nodes.get(nodeId);
  if (node === undefined) return refuseIf(true, "registry", "Registry_UnknownNode", nodeId);
  const last = node.attestations.at(-1);
  const isProlonged = last !== undefined && world.now <= last.until;
  const from = isProlonged ? last.from : world.now + world.setting.vetoWindow;
  const earliest = max(isProlonged ? last.until + 1n : from, node.revokedUntil + 1n);
  const latest = world.now + MAX_ATTESTATION;
  const isInBounds = earliest <= validUntil && validUntil <= latest;
  refuseIf(!isInBounds, "registry", "Registry_ValidityOutOfBounds", validUntil, earliest, latest);
  checkQuorum(world, vouches);

  if (isProlonged) node.attestations.pop();
  node.attestations.push({ from, until: validUntil });
  world.emit("registry", "NodeAttested", nodeId, from, validUntil, evidence);
}

/** Ends an attestation that counts, and takes one that does not count yet away. */
export function revokeNode(world: World, caller: Address, nodeId: bigint): void {
  refuseUnlessGuardian(world, caller);
  const node = world.state.nodes.get(nodeId);
  const last = node?.attestations.at(-1);
  const lasts = last !== undefined && world.now <= last.until;
  if (node === undefined || !lasts) {
    return refuseIf(true, "registry", "Registry_NothingToRevoke", nodeId);
  }
  node.revokedUntil = last.until;
  world.emit("registry", "NodeRevoked", nodeId, last.from, last.until);
  node.attestations.pop();
  if (last.from <= world.now) node.attestations.push({ from: last.from, until: world.now - 1n });
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
  return node === undefined ? 0n : known(world.state.ratings, node.gpuModel).rating * node.gpuCount;
}

export function ratingOf(world: World, gpuModel: string): bigint {
  const found = world.state.ratings.get(gpuModel);
  return found !== undefined && found.from <= world.now ? found.rating : 0n;
}

/** All zero when there is none. */
export function pendingRating(world: World, gpuModel: string): Rating {
  const found = world.state.ratings.get(gpuModel);
  return found !== undefined && world.now < found.from ? found : { rating: 0n, from: 0n };
}

/** All zero when there is none. */
export function pendingAttestation(world: World, nodeId: bigint): Attestation {
  const last = world.state.nodes.get(nodeId)?.attestations.at(-1);
  return last !== undefined && world.now < last.from ? last : { from: 0n, until: 0n };
}

/** The last attestation that counts or did, be it lapsed or not. */
export function inForce(world: World, nodeId: bigint): Attestation | undefined {
  return counting(world, nodeId).at(-1);
}

/** By the attestation in force or the one before it. */
export function isAttested(world: World, nodeId: bigint, t: bigint): boolean {
  return counting(world, nodeId)
    .slice(-2)
    .some((attestation) => covers(attestation, t));
}

function counting(world: World, nodeId: bigint): Attestation[] {
  const attestations = world.state.nodes.get(nodeId)?.attestations ?? [];
  return attestations.filter(({ from }) => from <= world.now);
}

function covers(attestation: Attestation | undefined, t: bigint): boolean {
  return attestation !== undefined && attestation.from <= t && t <= attestation.until;
}

function refuseUnlessGuardian(world: World, caller: Address): void {
  refuseIf(caller !== world.state.guardian, "registry", "Registry_NotGuardian", caller);
}

function ownedNode(world: World, caller: Address, nodeId: bigint): Node {
  const node = world.state.nodes.get(nodeId);
  refuseIf(node?.owner !== caller, "registry", "Registry_NotNodeOwner", nodeId, caller);
  return known(world.state.nodes, nodeId);
}
