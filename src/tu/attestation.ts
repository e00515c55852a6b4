import { readFile } from "node:fs/promises";

import {
  formatUnits,
  isAddress,
  isHexString,
  TypedDataEncoder,
  type ContractTransactionReceipt,
  type ContractTransactionResponse,
  type Signer,
} from "ethers";

import type { NodeRegistry } from "../../typechain-types";
import { TuringFogError } from "../errors";
import {
  collectQuorum,
  ORACLE_TYPES,
  signMessage,
  type OracleMessages,
  type Signature,
  type SignerSet,
} from "../oracle";
import { withRevertDecoded } from "../revert";
import { encodeMeasurementFile, evidenceOf, imagesPerSecondE3Of, type Measurements } from "./measurements";
import { gpuModelOf, ratingOf } from "./rating";
import { readMeasurements } from "./read";

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
 * The attestation of a node, by its own benchmark log.
 * @param log the file; it must be a log that could be rated, of the GPU that the node was registered with
 * @param validUntil unix seconds
 * @throws RefusedLogError, WrongHardwareError
 */
export async function nodeAttestation(
  registry: NodeRegistry,
  { version }: Pick<SignerSet, "version">,
  log: string,
  nodeId: bigint,
  validUntil: bigint,
): Promise<NodeAttestation> {
  const { gpu } = onlyOne(await readMeasurements(log));
  const { gpuModel } = await registry.node(nodeId);
  if (gpuModel !== gpuModelOf(gpu)) throw new WrongHardwareError(nodeId, gpu);

  const message = { nodeId, validUntil, evidence: evidenceOf(await readFile(log)), signerSetVersion: version };
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
 * Reads a signature file. Whether the signature is valid, `submitAttestation` finds out.
 * @throws SignatureFileError when it is not one for this attestation under the signer set in force
 */
export async function readSignatureFile(
  file: string,
  signerSet: SignerSet,
  attestation: Attestation,
): Promise<Signature> {
  const text = await readFile(file, "utf8");
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

/**
 * Picks a quorum out of the signatures, submits it and reads back what the chain then says.
 * @param registry connected to whoever pays; anyone may
 * @throws QuorumNotReachedError, StaleSignerSetError, RevertError, ReadBackError
 */
export async function submitAttestation(
  registry: NodeRegistry,
  signerSet: SignerSet,
  attestation: Attestation,
  signatures: Iterable<Signature>,
): Promise<Attested> {
  if (attestation.type === "RatingAttestation") {
    const { type, message, rating } = attestation;
    const { gpuModel, imagesPerSecondE3, evidence } = message;
    const quorum = await collectQuorum(signerSet, type, message, signatures);
    const sent = registry.attestRating(gpuModel, imagesPerSecondE3 as SevenThroughputs, evidence, quorum);
    const { hash, blockNumber } = await mined(sent);
    const logs = await registry.queryFilter(registry.filters.ModelRated(gpuModel), blockNumber, blockNumber);
    compare("rating", await registry.ratingOf(gpuModel), rating);
    compare("evidence", logs.at(-1)?.args.evidence, evidence);
    return { transaction: hash, signers: quorum.map(({ signer }) => signer) };
  }

  const { type, message } = attestation;
  const { nodeId, validUntil, evidence } = message;
  const quorum = await collectQuorum(signerSet, type, message, signatures);
  const sent = registry.attestNode(nodeId, validUntil, evidence, quorum);
  const { hash, blockNumber } = await mined(sent);
  const logs = await registry.queryFilter(registry.filters.NodeAttested(nodeId), blockNumber, blockNumber);
  compare("attestedUntil", (await registry.node(nodeId)).attestedUntil, validUntil);
  compare("evidence", logs.at(-1)?.args.evidence, evidence);
  return { transaction: hash, signers: quorum.map(({ signer }) => signer) };
}

type SevenThroughputs = Parameters<NodeRegistry["attestRating"]>[1];

async function mined(sent: Promise<ContractTransactionResponse>): Promise<ContractTransactionReceipt> {
  const receipt = await withRevertDecoded(sent.then((transaction) => transaction.wait()));
  return receipt as ContractTransactionReceipt; // null only when no confirmation is waited for
}

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
