import {
  type ContractTransaction,
  formatUnits,
  getAddress,
  isAddress,
  isHexString,
  type Result,
  type Signer,
  type TransactionReceipt,
  TypedDataEncoder,
} from "ethers";

import type { NodeRegistry } from "../bindings/index.js";
import { TuringFogError } from "../errors.js";
import { spellingsOf } from "../tu/drivers.js";
import { encodeMeasurementFile, evidenceOf, imagesPerSecondE3Of, type Measurements } from "../tu/measurements.js";
import { gpuModelOf, ratingOf } from "../tu/rating.js";
import { ORACLE_TYPES, type OracleMessages, type Signature } from "../wire/oracle.js";
import { collectQuorum, type SignerSet, signMessage } from "./oracle.js";
import { mined, signerOf } from "./transactions.js";

/** Name of the layout of a signature file. Another layout gets another name. */
export const SIGNATURE_FILE_FORMAT = "turingfog-signature-v1";

/** A statement for a quorum to sign, with the values that the chain must hold afterwards. */
export type Attestation = RatingAttestation | NodeAttestation;

/** The attestation of a GPU model's rating. */
export interface RatingAttestation {
  type: "RatingAttestation";
  gpu: string;
  message: OracleMessages["RatingAttestation"];
  /** TU per day per GPU, 18 decimals. */
  rating: bigint;
  /** Content of the measurement file, whose hash is the evidence. */
  file: Uint8Array;
}

/** The attestation of a node, whose benchmark log the signers have checked. */
export interface NodeAttestation {
  type: "NodeAttestation";
  gpu: string;
  message: OracleMessages["NodeAttestation"];
}

/** An attestation that is on the chain. */
export interface Attested {
  transaction: string;
  /** Signers whose signatures were sent. */
  signers: string[];
  /** Unix seconds from which it counts, unless the guardian, a freeze or a rotation of the signers undoes it before. */
  countsFrom: bigint;
}

/** Thrown when a model already has its rating, which is given once, be it pending. */
export class AlreadyRatedError extends TuringFogError {
  constructor(
    readonly gpu: string,
    readonly rating: bigint,
    readonly ratedAs = gpu,
  ) {
    const spelling = ratedAs === gpu ? "" : `, as "${ratedAs}"`;
    super(`${gpu} is rated at ${formatUnits(rating, 18)} TU per day${spelling}; a model is rated once`);
  }
}

/** Thrown when a log is of other hardware than the node was registered with, or when the node is not registered. */
export class WrongHardwareError extends TuringFogError {
  constructor(
    readonly nodeId: bigint,
    readonly gpu: string,
  ) {
    super(`Node ${nodeId} is not registered with ${gpu}, which the log is of`);
  }
}

/** Thrown when a source does not hold exactly one GPU to attest. */
export class AmbiguousGpuError extends TuringFogError {
  constructor(readonly gpus: readonly string[]) {
    super(`There are measurements of ${gpus.join(", ")}; name the one to attest`);
  }
}

/** Thrown when a file is not a signature file, or is one for another attestation. */
export class SignatureFileError extends TuringFogError {
  constructor(
    readonly file: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(`${file}: ${reason}`, options);
  }
}

/** Thrown when the chain holds another value than the one attested. */
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
 * Returns the attestation of a model's rating, from measurements of all seven networks on one GPU.
 * @throws AmbiguousGpuError, MissingNetworksError, AlreadyRatedError, and the errors of `ratingOf`
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
  await Promise.all(
    spellingsOf(gpu).map(async (spelling) => {
      const model = gpuModelOf(spelling);
      const rated = (await registry.ratingOf(model)) || (await registry.pendingRating(model)).rating;
      if (rated !== 0n) throw new AlreadyRatedError(gpu, rated, spelling);
    }),
  );

  const file = encodeMeasurementFile(measurements);
  const message = { gpuModel, imagesPerSecondE3, evidence: evidenceOf(file), signerSetVersion: version };
  return { type: "RatingAttestation", gpu, message, rating, file };
}

/**
 * Returns the attestation of a node by its own benchmark log.
 * @param candidates measurements in the log; they must be of the GPU that the node was registered with
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
  checkHardware({ nodeId, gpuModel }, gpu);

  const message = { nodeId, validUntil, evidence, signerSetVersion: version };
  return { type: "NodeAttestation", gpu, message };
}

/**
 * Checks that a node was registered with a GPU.
 * @throws WrongHardwareError
 */
export function checkHardware({ nodeId, gpuModel }: { nodeId: bigint; gpuModel: string }, gpu: string): void {
  if (gpuModel !== gpuModelOf(gpu)) throw new WrongHardwareError(nodeId, gpu);
}

/** Signs an attestation with any ethers signer. */
export function signAttestation(signer: Signer, { domain }: SignerSet, attestation: Attestation): Promise<Signature> {
  return attestation.type === "RatingAttestation"
    ? signMessage(signer, domain, attestation.type, attestation.message)
    : signMessage(signer, domain, attestation.type, attestation.message);
}

/**
 * Renders a signature as a file for its signer to hand on. The file carries the digest, so that it cannot be mistaken
 * for a signature of another attestation.
 */
export function encodeSignatureFile(signerSet: SignerSet, attestation: Attestation, signature: Signature): string {
  const digest = digestOf(signerSet, attestation);
  return `${JSON.stringify({ format: SIGNATURE_FILE_FORMAT, type: attestation.type, digest, ...signature }, null, 2)}\n`;
}

/**
 * Reads a signature file. Does not check the signature, which `submitAttestation` does.
 * @param file name of the file, for errors
 * @param text content of the file
 * @throws SignatureFileError if it is not one for this attestation under the signer set in force
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

/** A call that submits an attestation, with the signers whose signatures it carries. */
export interface AttestationCall {
  to: string;
  data: string;
  signers: string[];
}

/**
 * Picks a quorum out of the signatures and returns the call to the registry that submits it. Anyone may send that call.
 * @param from account that will send the call, if it is known
 * @throws QuorumNotReachedError, StaleSignerSetError, RevertError
 */
export async function attestationCall(
  registry: NodeRegistry,
  signerSet: SignerSet,
  attestation: Attestation,
  signatures: Iterable<Signature>,
  from?: string,
): Promise<AttestationCall> {
  const populate = async (): Promise<[ContractTransaction, Signature[]]> => {
    if (attestation.type === "RatingAttestation") {
      const { type, message } = attestation;
      const quorum = await collectQuorum(signerSet, type, message, signatures, from);
      const measured = message.imagesPerSecondE3 as SevenThroughputs;
      const { gpuModel, evidence } = message;
      return [await registry.attestRating.populateTransaction(gpuModel, measured, evidence, quorum), quorum];
    }
    const { type, message } = attestation;
    const quorum = await collectQuorum(signerSet, type, message, signatures, from);
    const { nodeId, validUntil, evidence } = message;
    return [await registry.attestNode.populateTransaction(nodeId, validUntil, evidence, quorum), quorum];
  };
  const [{ to, data }, quorum] = await populate();
  return { to, data, signers: quorum.map(({ signer }) => signer) };
}

/**
 * Checks that the chain holds what was attested.
 * @param receipt receipt of the transaction that submitted the attestation
 * @returns unix seconds from which it counts, see {@link Attested}
 * @throws ReadBackError
 */
export async function checkAttested(
  registry: NodeRegistry,
  attestation: Attestation,
  { logs }: Pick<TransactionReceipt, "logs">,
): Promise<bigint> {
  const address = getAddress(await registry.getAddress());
  const { evidence } = attestation.message;
  const argsOf = (event: "ModelRated" | "NodeAttested"): Result => {
    const found = logs
      .filter((log) => log.address === address)
      .map((log) => registry.interface.parseLog(log))
      .find((log) => log?.name === event && log.args.evidence === evidence);
    if (!found) throw new ReadBackError("evidence", "nothing", evidence);
    return found.args;
  };
  if (attestation.type === "RatingAttestation") {
    const rated = argsOf("ModelRated");
    compare("gpuModel", rated.gpuModel as string, attestation.message.gpuModel);
    compare("rating", rated.rating as bigint, attestation.rating);
    return rated.from as bigint;
  }
  const attested = argsOf("NodeAttested");
  compare("nodeId", attested.nodeId as bigint, BigInt(attestation.message.nodeId));
  compare("attestedUntil", attested.validUntil as bigint, BigInt(attestation.message.validUntil));
  return attested.attestedFrom as bigint;
}

/**
 * Picks a quorum out of the signatures, submits it and checks that the chain then holds what was attested.
 * @param registry connected to the account that pays, which may be any
 * @throws QuorumNotReachedError, StaleSignerSetError, NoSignerError, RevertError, ReadBackError
 */
export async function submitAttestation(
  registry: NodeRegistry,
  signerSet: SignerSet,
  attestation: Attestation,
  signatures: Iterable<Signature>,
): Promise<Attested> {
  const payer = signerOf(registry.runner);
  const from = await payer.getAddress();
  const { to, data, signers } = await attestationCall(registry, signerSet, attestation, signatures, from);
  const receipt = await mined(payer.sendTransaction({ to, data }));
  const countsFrom = await checkAttested(registry, attestation, receipt);
  return { transaction: receipt.hash, signers, countsFrom };
}

type SevenThroughputs = Parameters<NodeRegistry["attestRating"]>[1];

function compare<T extends bigint | string>(what: string, actual: T, expected: T): void {
  if (actual !== expected) throw new ReadBackError(what, actual, expected);
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
