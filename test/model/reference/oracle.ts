import { ZeroAddress, ZeroHash } from "ethers";

import type { Receipt } from "@turingfog/sdk/wire";
import { DAY } from "./units";
import { refuseIf, undoPending, type Address, type World } from "./world";

/** The TUReceiptOracle: protocol.md, 3.5, in version 1. */

const FREEZE_LENGTH = 7n * DAY;
const FREEZE_INTERVAL = 30n * DAY;
const MIN_SIGNERS = 4n;
const MAX_SIGNERS = 64n;

export enum Status {
  Unknown,
  Pending,
  Final,
  Vetoed,
  Expired,
}

/** A signature that comes with a call, and whether its signer has given it for what is asked. */
export interface Vouch {
  signer: Address;
  isGiven: boolean;
}

export function frozenUntil(world: World): bigint {
  return world.state.freezes.at(-1)?.endsAt ?? 0n;
}

export function isFrozen(world: World): boolean {
  return world.now < frozenUntil(world);
}

/** A root's status, and when it is final: 0 unless it is pending or final. */
export function status(world: World, root: string): { status: Status; finalAt: bigint } {
  const known = world.state.roots.get(root);
  if (known === undefined) return { status: Status.Unknown, finalAt: 0n };
  if (known.fate === "vetoed") return { status: Status.Vetoed, finalAt: 0n };
  if (known.fate === "expired") return { status: Status.Expired, finalAt: 0n };
  const finalAt = known.windowFrom + world.setting.vetoWindow;
  return { status: world.now < finalAt ? Status.Pending : Status.Final, finalAt };
}

export function checkQuorum(world: World, vouches: readonly Vouch[]): void {
  const { signers, quorum } = world.state;
  refuseIf(isFrozen(world), "oracle", "Oracle_Frozen", frozenUntil(world));
  const count = BigInt(vouches.length);
  refuseIf(count < quorum, "oracle", "Oracle_TooFewSignatures", count, quorum);
  let previous = ZeroAddress;
  for (const { signer, isGiven } of vouches) {
    refuseIf(BigInt(signer) <= BigInt(previous), "oracle", "Oracle_SignersNotAscending", previous, signer);
    refuseIf(!signers.includes(signer), "oracle", "Oracle_NotSigner", signer);
    refuseIf(!isGiven, "oracle", "Oracle_InvalidSignature", signer);
    previous = signer;
  }
}

export function submit(
  world: World,
  root: string,
  receipts: Receipt[],
  dataHash: string,
  vouches: readonly Vouch[],
): void {
  refuseIf(root === ZeroHash || dataHash === ZeroHash, "oracle", "Oracle_ZeroHash");
  const { status: before } = status(world, root);
  const isNew = before === Status.Unknown || before === Status.Expired;
  refuseIf(!isNew, "oracle", "Oracle_KnownRoot", root, BigInt(before));
  checkQuorum(world, vouches);

  world.state.roots.set(root, { receipts, submittedAt: world.now, windowFrom: world.now, fate: "standing" });
  world.emit("oracle", "RootSubmitted", root, dataHash, world.state.signerSetVersion);
}

/** When a final root was submitted. */
export function finalSubmission(world: World, root: string): bigint {
  refuseIf(isFrozen(world), "oracle", "Oracle_Frozen", frozenUntil(world));
  const { status: is } = status(world, root);
  refuseIf(is !== Status.Final, "oracle", "Oracle_NotFinal", root, BigInt(is));
  return world.state.roots.get(root)?.submittedAt ?? 0n;
}

export function veto(world: World, caller: Address, root: string): void {
  refuseUnlessGuardian(world, caller);
  const { status: before } = status(world, root);
  refuseIf(before !== Status.Pending, "oracle", "Oracle_NotPending", root, BigInt(before));
  for (const [each, record] of world.state.roots) if (each === root) record.fate = "vetoed";
  world.state.lastVetoAt = world.now;
  world.emit("oracle", "RootVetoed", root);
}

/** Every pending root's window starts anew when the freeze ends. */
export function freeze(world: World, caller: Address): void {
  refuseUnlessGuardian(world, caller);
  const last = world.state.freezes.at(-1);
  const earliest = last === undefined ? 0n : last.startedAt + FREEZE_INTERVAL;
  refuseIf(world.now < earliest, "oracle", "Oracle_FreezeTooSoon", earliest);
  const endsAt = world.now + FREEZE_LENGTH;
  for (const record of pending(world)) record.windowFrom = endsAt;
  undoPending(world);
  world.state.freezes.push({ startedAt: world.now, endsAt });
  world.emit("oracle", "Frozen", endsAt);
}

export function thaw(world: World, caller: Address): void {
  refuseUnlessGuardian(world, caller);
  const last = world.state.freezes.at(-1);
  if (last === undefined || !isFrozen(world)) return refuseIf(true, "oracle", "Oracle_NotFrozen");
  // nothing is submitted during a freeze, so what is pending now was met by it
  for (const record of pending(world)) record.windowFrom = world.now;
  last.endsAt = world.now;
  world.emit("oracle", "Thawed");
}

/** What is pending expires; what is final stays final. */
export function setSigners(world: World, caller: Address, signers: Address[], quorum: bigint): void {
  const { state } = world;
  refuseIf(caller !== world.setting.governor, "oracle", "Oracle_NotGovernor", caller);
  const count = BigInt(signers.length);
  const isInBounds = MIN_SIGNERS <= count && count <= MAX_SIGNERS;
  refuseIf(!isInBounds, "oracle", "Oracle_SignerCountOutOfBounds", count, MIN_SIGNERS, MAX_SIGNERS);
  refuseIf(3n * quorum <= 2n * count || quorum > count, "oracle", "Oracle_InvalidQuorum", quorum, count);
  let previous = ZeroAddress;
  for (const signer of signers) {
    refuseIf(BigInt(signer) <= BigInt(previous), "oracle", "Oracle_SignersNotAscending", previous, signer);
    previous = signer;
  }

  for (const record of pending(world)) record.fate = "expired";
  undoPending(world);
  state.signers = signers;
  state.quorum = quorum;
  state.signerSetVersion += 1n;
  state.lastRotationAt = world.now;
  world.emit("oracle", "SignersSet", state.signerSetVersion, signers, quorum);
}

export function setGuardian(world: World, caller: Address, guardian: Address): void {
  refuseIf(caller !== world.setting.governor, "oracle", "Oracle_NotGovernor", caller);
  refuseIf(guardian === ZeroAddress, "oracle", "Oracle_ZeroGuardian");
  world.emit("oracle", "GuardianSet", world.state.guardian, guardian);
  world.state.guardian = guardian;
}

function pending(world: World) {
  return [...world.state.roots]
    .filter(([root]) => status(world, root).status === Status.Pending)
    .map(([, record]) => record);
}

function refuseUnlessGuardian(world: World, caller: Address): void {
  refuseIf(caller !== world.state.guardian, "oracle", "Oracle_NotGuardian", caller);
}
