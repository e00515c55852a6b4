import { formatUnits } from "ethers";

import { RootStatus } from "../../settlement.js";
import { formatInstant } from "../../time.js";
import { DAY } from "../../units.js";
import type { GovernorCall } from "./actions.js";
import { NONE, type Change } from "./changes.js";
import type { SystemContracts } from "../contracts.js";

/** The contracts on which the guardian acts. */
export type GuardedContracts = Pick<SystemContracts, "oracle" | "registry">;

/** An action that the guardian can take. */
export type GuardianAction =
  | { kind: "veto"; receiptsRoot: string }
  | { kind: "revoke-node"; nodeId: bigint }
  /** `gpuModel` is the hash of the model's name. */
  | { kind: "veto-rating"; gpuModel: string }
  | { kind: "freeze" }
  | { kind: "thaw" };

/** Length of a freeze in seconds, `FREEZE_DURATION` of TUReceiptOracle.sol. */
const FREEZE_DURATION = 7n * DAY;

/** Returns the call that carries out an action. */
export async function encodeGuardianAction(
  { oracle, registry }: GuardedContracts,
  action: GuardianAction,
): Promise<GovernorCall> {
  switch (action.kind) {
    case "veto":
      return oracle.veto.populateTransaction(action.receiptsRoot);
    case "revoke-node":
      return registry.revokeNode.populateTransaction(action.nodeId);
    case "veto-rating":
      return registry.vetoRating.populateTransaction(action.gpuModel);
    case "freeze":
      return oracle.freeze.populateTransaction();
    case "thaw":
      return oracle.thaw.populateTransaction();
  }
}

/**
 * Returns what an action would change.
 * @param now time of the latest block, in unix seconds
 */
export async function guardianChanges(
  { oracle, registry }: GuardedContracts,
  action: GuardianAction,
  now: bigint,
): Promise<Change[]> {
  switch (action.kind) {
    case "veto": {
      const [status, finalAt] = await oracle.status(action.receiptsRoot);
      const name = RootStatus[Number(status)];
      const until = finalAt === 0n ? "" : `, final at ${formatInstant(finalAt)}`;
      return [
        {
          what: `root ${action.receiptsRoot}`,
          from: `${name}${until}`,
          to: `${RootStatus[RootStatus.Vetoed]}, permanently`,
        },
      ];
    }
    case "revoke-node":
      return [await revocation(registry, action.nodeId, now)];
    case "veto-rating": {
      const [rating, from] = await registry.pendingRating(action.gpuModel);
      const pending = `${formatUnits(rating, 18)} TU per day, counts from ${formatInstant(from)}`;
      return [{ what: `pending rating of ${action.gpuModel}`, from: from === 0n ? NONE : pending, to: NONE }];
    }
    case "freeze":
    case "thaw":
      return [await freezing(oracle, action.kind, now)];
  }
}

async function revocation(registry: GuardedContracts["registry"], nodeId: bigint, now: bigint): Promise<Change> {
  const { attestedFrom, attestedUntil } = await registry.node(nodeId);
  if (attestedUntil >= now) {
    const from = `from ${formatInstant(attestedFrom)} until ${formatInstant(attestedUntil)}`;
    return { what: `attestation of node ${nodeId}`, from, to: "until now; what it has done can still be settled" };
  }

  const [from, until] = await registry.pendingAttestation(nodeId);
  const pending = `from ${formatInstant(from)} until ${formatInstant(until)}`;
  return { what: `pending attestation of node ${nodeId}`, from: from === 0n ? NONE : pending, to: NONE };
}

async function freezing(oracle: GuardedContracts["oracle"], kind: "freeze" | "thaw", now: bigint): Promise<Change> {
  const frozenUntil = await oracle.frozenUntil();
  const from = frozenUntil > now ? `until ${formatInstant(frozenUntil)}` : "no";
  const to = kind === "freeze" ? `until ${formatInstant(now + FREEZE_DURATION)}, and not again within 30 days` : "no";
  return { what: "frozen", from, to };
}
