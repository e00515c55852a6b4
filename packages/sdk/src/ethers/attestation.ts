import { formatUnits, isAddress, isHexString, TypedDataEncoder, type ContractTransaction, type Signer } from "ethers";

import type { NodeRegistry } from "../bindings/index.js";
import { TuringFogError } from "../errors.js";
import { encodeMeasurementFile, evidenceOf, imagesPerSecondE3Of, type Measurements } from "../tu/measurements.js";
import { gpuModelOf, ratingOf } from "../tu/rating.js";
import { ORACLE_TYPES, type OracleMessages, type Signature } from "../wire/oracle.js";
import { collectQuorum, signMessage, type SignerSet } from "./oracle.js";
import { mined, signerOf } from "./transactions.js";

/** Names the layout of a signature file; another layout gets another name. */
export const SIGNATURE_FILE_FORMAT = "turingfog-signature-v1";

/** What a quorum is to sign, and what shall be read on chain afterwards. */
export type Attestation = RatingAttestation | NodeAttestation;

/** The rating of a model. */
export interface RatingAttestation {
  type: "RatingAttestation";
  gpu: string;
  message: OracleMessages["RatingAttestation"];
  /** TU per day per GPU, 18 decimals. */
  rating: bigint;
  /** The measurement file, whose hash is the evidence. */
  file: Uint8Array;
}

/** A node, whose benchmark log the signers have checked. */
export interface NodeAttestation {
  type: "NodeAttestation";
  gpu: string;
  message: OracleMessages["NodeAttestation"];
}

/** What an attestation has left on the chain. */
export interface Attested {
  transaction: string;
  /** The signers whose signatures were sent. */
  signers: string[];
}

/** The model has its rating, and a rating is given once. */
export class AlreadyRatedError extends TuringFogError {
  constructor(
    readonly gpu: string,
    readonly rating: bigint,
  ) {
    super(`${gpu} is rated at ${formatUnits(rating, 18)} TU per day; a model is rated once`);
  }
}

/** A log of other hardware than the node was registered with, or a node that was not registered at all. */
export class WrongHardwareError extends TuringFogError {
  constructor(
    readonly nodeId: bigint,
    readonly gpu: string,
  ) {
    super(`Node ${nodeId} is not registered with ${gpu}, which the log is of`);
  }
}

/** A source that holds more GPUs than the one to attest. */
export class AmbiguousGpuError extends TuringFogError {
  constructor(readonly gpus: readonly string[]) {
    super(`There are measurements of ${gpus.join(", ")}; name the one to attest`);
  }
}

/** A signature file that is not one, or is for something else. */
export class SignatureFileError extends TuringFogError {
  constructor(
    readonly file: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${reason}`, options);
  }
}

/** The chain does not say what was attested. */
export class ReadBackError extends TuringFogError {
  constructor(
    readonly what: string,
    readonly actual: bigint | string,
    readonly expected: bigint | string,
  ) {
    super(`The registry's ${what} is ${actual}, not ${expected}`);
  }
}

/**
 * The attestation of a model's rating, from measurements of all seven networks of one GPU.
 * @throws AmbiguousGpuError, MissingNetworksError, AlreadyRatedError, and what `ratingOf` throws
 */
export async function ratingAttestation(
  registry: NodeRegistry,
  { version }: Pick<SignerSet, "version">,
  candidates: readonly Measurements[],
): Promise<RatingAttestation> {
  const measurements = onlyOne(candidates);
  const { gpu } = measurements;
  const imagesPerSecondE3 = imagesPerSecondE3Of(measurements);
  const rating = ratingOf(imagesPerSecondE3);
  const gpuModel = gpuModelOf(gpu);
  const rated = await registry.ratingOf(gpuModel);
  if (rated !== 0n) throw new AlreadyRatedError(gpu, rated);

  const file = encodeMeasurementFile(measurements);
  const message = { gpuModel, imagesPerSecondE3, evidence: evidenceOf(file), signerSetVersion: version };
  return { type: "RatingAttestation", gpu, message, rating, file };
}

/**
 * Returns the attestation of a node by its own benchmark log.
 * @param candidates what the log says; it must be of the GPU that the node was registered with
 * @param evidence SHA-256 of the log
 * @param validUntil unix seconds
 * @throws AmbiguousGpuError, WrongHardwareError
 */
export async function nodeAttestation(
  registry: NodeRegistry,
  { version }: Pick<SignerSet, "version">,
  candidates: readonly Measurements[],
  evidence: string,
  nodeId: bigint,
  validUntil: bigint,
): Promise<NodeAttestation> {
  const { gpu } = onlyOne(candidates);
  const { gpuModel } = await registry.node(nodeId);
  if (gpuModel !== gpuModelOf(gpu)) throw new WrongHardwareError(nodeId, gpu);

  const message = { nodeId, validUntil, evidence, signerSetVersion: version };
  return { type: "NodeAttestation", gpu, message };
}

/** Signs an attestation with any ethers signer. */
export function signAttestation(signer: Signer, { domain }: SignerSet, attestation: Attestation): Promise<Signature> {
  return attestation.type === "RatingAttestation"
    ? signMessage(signer, domain, attestation.type, attestation.message)
    : signMessage(signer, domain, attestation.type, attestation.message);
}

/** A signature as a file that its signer hands on: with the digest, so that it cannot be taken for another's. */
export function encodeSignatureFile(signerSet: SignerSet, attestation: Attestation, signature: Signature): string {
  const digest = digestOf(signerSet, attestation);
  return `${JSON.stringify({ format: SIGNATURE_FILE_FORMAT, type: attestation.type, digest, ...signature }, null, 2)}\n`;
}

/**
 * Reads a signature file. Only `submitAttestation` finds out whether the signature is valid.
 * @param file its name, for errors
 * @param text its content
 * @throws SignatureFileError when it is not one for this attestation under the signer set in force
 */
export function decodeSignatureFile(
  file: string,
  text: string,
  signerSet: SignerSet,
  attestation: Attestation,
): Signature {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new SignatureFileError(file, "is not JSON", { cause: error });
  }
  if (!isSignatureFile(content)) throw new SignatureFileError(file, `is not a ${SIGNATURE_FILE_FORMAT}`);
  if (content.digest !== digestOf(signerSet, attestation)) {
    const { evidence, signerSetVersion } = attestation.message;
    const wanted = `${attestation.type} of evidence ${evidence} under signer set ${signerSetVersion}`;
    throw new SignatureFileError(file, `is not for the ${wanted}`);
  }
  return { signer: content.signer, signature: content.signature };
}

/** A call that attests, with the signers whose signatures it carries. */
export interface AttestationCall {
  to: string;
  data: string;
  signers: string[];
}

/**
 * Picks a quorum out of the signatures, and returns the call to the registry that submits it; anyone may send it.
 * @throws QuorumNotReachedError, StaleSignerSetError
 */
export async function attestationCall(
  registry: NodeRegistry,
  signerSet: SignerSet,
  attestation: Attestation,
  signatures: Iterable<Signature>,
): Promise<AttestationCall> {
  const populate = async (): Promise<[ContractTransaction, Signature[]]> => {
    if (attestation.type === "RatingAttestation") {
      const { type, message } = attestation;
      const quorum = await collectQuorum(signerSet, type, message, signatures);
      const measured = message.imagesPerSecondE3 as SevenThroughputs;
      const { gpuModel, evidence } = message;
      return [await registry.attestRating.populateTransaction(gpuModel, measured, evidence, quorum), quorum];
    }
    const { type, message } = attestation;
    const quorum = await collectQuorum(signerSet, type, message, signatures);
    const { nodeId, validUntil, evidence } = message;
    return [await registry.attestNode.populateTransaction(nodeId, validUntil, evidence, quorum), quorum];
  };
  const [{ to, data }, quorum] = await populate();
  return { to, data, signers: quorum.map(({ signer }) => signer) };
}

/**
 * Reads back what the chain says of an attestation.
 * @param block in which it was mined
 * @throws ReadBackError when that is something else
 */
export async function checkAttested(registry: NodeRegistry, attestation: Attestation, block: number): Promise<void> {
  if (attestation.type === "RatingAttestation") {
    const { gpuModel, evidence } = attestation.message;
    const logs = await registry.queryFilter(registry.filters.ModelRated(gpuModel), block, block);
    compare("rating", await registry.ratingOf(gpuModel), attestation.rating);
    compare("evidence", logs.at(-1)?.args.evidence, evidence);
    return;
  }
  const { nodeId, validUntil, evidence } = attestation.message;
  const logs = await registry.queryFilter(registry.filters.NodeAttested(nodeId), block, block);
  compare("attestedUntil", (await registry.node(nodeId)).attestedUntil, validUntil);
  compare("evidence", logs.at(-1)?.args.evidence, evidence);
}

/**
 * Picks a quorum out of the signatures, submits it and reads back what the chain then says.
 * @param registry connected to whoever pays; anyone may
 * @throws QuorumNotReachedError, StaleSignerSetError, NoSignerError, RevertError, ReadBackError
 */
export async function submitAttestation(
  registry: NodeRegistry,
  signerSet: SignerSet,
  attestation: Attestation,
  signatures: Iterable<Signature>,
): Promise<Attested> {
  const { to, data, signers } = await attestationCall(registry, signerSet, attestation, signatures);
  const { hash, blockNumber } = await mined(signerOf(registry.runner).sendTransaction({ to, data }));
  await checkAttested(registry, attestation, blockNumber);
  return { transaction: hash, signers };
}

type SevenThroughputs = Parameters<NodeRegistry["attestRating"]>[1];

function compare(what: string, actual: bigint | string | undefined, expected: bigint | string): void {
  if (actual !== expected) throw new ReadBackError(what, actual ?? "nothing", expected);
}

function onlyOne(candidates: readonly Measurements[]): Measurements {
  if (candidates.length !== 1) throw new AmbiguousGpuError(candidates.map(({ gpu }) => gpu));
  return candidates[0];
}

function digestOf({ domain }: SignerSet, { type, message }: Attestation): string {
  return TypedDataEncoder.hash(domain, { [type]: ORACLE_TYPES[type] }, message);
}

function isSignatureFile(content: unknown): content is Signature & { digest: string } {
  if (typeof content !== "object" || content === null) return false;
  const { format, signer, signature } = content as Record<string, unknown>;
  return format === SIGNATURE_FILE_FORMAT && isAddress(signer) && isHexString(signature);
}
