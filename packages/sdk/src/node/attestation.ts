import { readFile } from "node:fs/promises";

import type { NodeRegistry } from "../bindings/index.js";
import { type Attestation, decodeSignatureFile, nodeAttestation, type NodeAttestation } from "../ethers/attestation.js";
import type { SignerSet } from "../ethers/oracle.js";
import { evidenceOf } from "../tu/measurements.js";
import type { Signature } from "../wire/oracle.js";
import { readingOf } from "./files.js";
import { readMeasurements } from "./measurements.js";

/**
 * Returns the attestation of a node by the file of its benchmark log.
 * @param validUntil unix seconds
 * @param card the card, if its driver names only the chip
 * @throws RefusedLogError, AmbiguousGpuError, WrongHardwareError
 */
export async function attestationOfLog(
  registry: NodeRegistry,
  signerSet: Pick<SignerSet, "version">,
  log: string,
  nodeId: bigint,
  validUntil: bigint,
  card?: string,
): Promise<NodeAttestation> {
  const evidence = evidenceOf(await readingOf(log, readFile(log)));
  return nodeAttestation(registry, signerSet, await readMeasurements(log, card), evidence, nodeId, validUntil);
}

/**
 * Reads a signature file from disk.
 * @throws SignatureFileError if it is not one for this attestation under the signer set in force
 */
export async function readSignatureFile(
  file: string,
  signerSet: SignerSet,
  attestation: Attestation,
): Promise<Signature> {
  return decodeSignatureFile(file, await readFile(file, "utf8"), signerSet, attestation);
}
