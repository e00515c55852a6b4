import { formatInstant } from "@turingfog/sdk";
import {
  type Attestation,
  attestationCall,
  type Change,
  checkAttested,
  NONE,
  type NodeRegistry,
  type SignerSet,
} from "@turingfog/sdk/ethers";
import type { Signature } from "@turingfog/sdk/wire";
import { formatUnits } from "ethers";

import { UsageError } from "./command.js";
import { type Outcome, outcomeLine, outcomeOf, type Step, submitShown } from "./steps.js";

/** An attestation that was submitted. */
export interface Attested {
  attestation: Attestation;
  /** Signers whose signatures were sent. */
  signers?: string[];
  outcome: Outcome;
  /** Unix seconds. */
  countsFrom?: bigint;
}

/**
 * Reads the value of --valid-until, in unix seconds.
 * @throws UsageError
 */
export function readValidUntil(text: string | undefined): bigint {
  const until = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text ?? "") ? Date.parse(text ?? "") : NaN;
  if (!Number.isNaN(until)) return BigInt(until / 1_000);
  throw new UsageError(`--valid-until is ${text ?? "missing"}, must be a time in UTC, as 2027-01-01T00:00:00Z`);
}

/**
 * Shows what an attestation changes, and submits it with a quorum of the signatures.
 * @returns the result, and a line for people
 * @throws QuorumNotReachedError, StaleSignerSetError, RevertError, ReadBackError, NotConfirmedError
 */
export async function submitAttestation(
  step: Step,
  registry: NodeRegistry,
  signerSet: SignerSet,
  attestation: Attestation,
  signatures: Iterable<Signature>,
): Promise<{ result: Attested; line: string }> {
  const { sender, connection } = step;
  const { to, data, signers } = await attestationCall(registry, signerSet, attestation, signatures, sender.address);
  const changes = await attestedChanges(registry, attestation);
  const submitted = await submitShown(step, describeAttestation(attestation), changes, {
    description: "attest",
    to,
    data,
  });
  const outcome = outcomeOf(connection, submitted);
  const receipt = submitted.kind === "sent" ? submitted.receipts[0] : undefined;
  if (receipt === undefined) return { result: { attestation, outcome }, line: outcomeLine(outcome) };

  const countsFrom = await checkAttested(registry, attestation, receipt);
  const line = `Attested by ${signers.join(", ")} in ${outcome.transaction}; counts from ${formatInstant(countsFrom)}`;
  return { result: { attestation, signers, outcome, countsFrom }, line };
}

/** Returns what an attestation changes. A model is rated once, so that it has no rating before. */
async function attestedChanges(registry: NodeRegistry, attestation: Attestation): Promise<Change[]> {
  if (attestation.type === "RatingAttestation") {
    const { gpu, rating } = attestation;
    return [{ what: `rating of ${gpu}, TU per day`, from: NONE, to: formatUnits(rating, 18) }];
  }
  const { nodeId, validUntil } = attestation.message;
  const { attestedUntil } = await registry.node(nodeId);
  const from = attestedUntil === 0n ? NONE : formatInstant(attestedUntil);
  return [{ what: `node ${nodeId} is attested until`, from, to: formatInstant(validUntil) }];
}

/** Describes an attestation, for people. */
export function describeAttestation(attestation: Attestation): string {
  const { gpu, message } = attestation;
  const evidence = `evidence ${message.evidence}, signer set ${message.signerSetVersion}`;
  return attestation.type === "RatingAttestation"
    ? `Rating of ${gpu}: ${attestation.rating} base units of TU per day; ${evidence}`
    : `Node ${attestation.message.nodeId} with ${gpu} until ${formatInstant(attestation.message.validUntil)}; ${evidence}`;
}
