import {
  dataLength,
  dataSlice,
  getAddress,
  hexlify,
  Signature as EthersSignature,
  TypedDataEncoder,
  verifyTypedData,
  zeroPadBytes,
  type ContractRunner,
  type Signer,
  type TypedDataDomain,
} from "ethers";

import { IERC1271__factory, type TUReceiptOracle, TUReceiptOracle__factory } from "../bindings/index.js";
import { TuringFogError } from "../errors.js";
import { structHash, typesOf, type OracleMessages, type OracleMessageType, type Signature } from "../wire/oracle.js";
import { isRefusal, RevertError, withRevertDecoded } from "./revert.js";
import { MAX_TRANSACTION_GAS, signerOf } from "./transactions.js";

/** The accounts that can sign for the oracle, and the domain under which they sign. */
export interface SignerSet {
  domain: TypedDataDomain;
  signers: readonly string[];
  /** Number of signers who must sign. */
  quorum: number;
  version: bigint;
  /** Runner that asks signers that are ERC-1271 contracts. If it is null, only ECDSA signatures count. */
  runner: ContractRunner | null;
}

/** Thrown when a message is for another signer set than the one in force, so that no quorum can sign it. */
export class StaleSignerSetError extends TuringFogError {
  constructor(
    readonly version: bigint,
    readonly inForce: bigint,
  ) {
    super(`The message is for signer set ${version}, in force is ${inForce}`);
  }
}

/** A signature that does not count, with the reason. */
export interface RefusedSignature {
  signer: string;
  reason: string;
}

/** Thrown when there are fewer valid signatures than the quorum. */
export class QuorumNotReachedError extends TuringFogError {
  constructor(
    readonly valid: number,
    readonly quorum: number,
    /** Signers without a valid signature. */
    readonly missing: readonly string[],
    readonly refused: readonly RefusedSignature[],
  ) {
    const refusals = refused.map(({ signer, reason }) => `; refused ${signer}: ${reason}`).join("");
    super(`${valid} valid signatures, ${quorum} needed; missing: ${missing.join(", ")}${refusals}`);
  }
}

/** A contract that returns its EIP-712 domain by ERC-5267: the oracle, the TFT and most permit tokens. */
export interface HasDomain {
  eip712Domain(): Promise<{
    fields: string;
    name: string;
    version: string;
    chainId: bigint;
    verifyingContract: string;
    salt: string;
  }>;
}

/** Returns the EIP-712 domain of a contract, with only the fields that the contract says it uses (ERC-5267). */
export async function readDomain(contract: HasDomain): Promise<TypedDataDomain> {
  const told = await contract.eip712Domain();
  const names = ["name", "version", "chainId", "verifyingContract", "salt"] as const;
  const used = names.filter((_, bit) => (Number(told.fields) >> bit) & 1);
  return Object.fromEntries(used.map((name) => [name, told[name]]));
}

/** Reads the signer set in force from the chain. */
export async function readSignerSet(oracle: TUReceiptOracle): Promise<SignerSet> {
  const [domain, signers, quorum, version] = await Promise.all([
    readDomain(oracle),
    oracle.signers(),
    oracle.quorum(),
    oracle.signerSetVersion(),
  ]);
  return { domain, signers, quorum: Number(quorum), version, runner: oracle.runner };
}

/** Signs a message with any ethers signer. */
export async function signMessage<T extends OracleMessageType>(
  signer: Signer,
  domain: TypedDataDomain,
  type: T,
  message: OracleMessages[T],
): Promise<Signature> {
  return {
    signer: await signer.getAddress(),
    signature: await signer.signTypedData(domain, typesOf(type), message),
  };
}

/**
 * Checks whether a signature is by the signer that it names, by the contract's rule: ECDSA first, then ERC-1271. Asks the
 * signer's contract as the oracle does, from its address. Does not check whether that signer is one of the oracle's.
 */
export async function isValidSignature<T extends OracleMessageType>(
  { domain, runner }: Pick<SignerSet, "domain" | "runner">,
  type: T,
  message: OracleMessages[T],
  { signer, signature }: Signature,
): Promise<boolean> {
  if (recover(domain, type, message, signature) === getAddress(signer)) return true;
  const reader = runner?.provider ?? runner;
  if (!reader?.call) return false;

  const digest = TypedDataEncoder.hash(domain, typesOf(type), message);
  const data = IERC1271__factory.createInterface().encodeFunctionData("isValidSignature", [digest, signature]);
  try {
    const answer = await reader.call({ from: domain.verifyingContract, to: signer, data });
    return dataLength(answer) >= 32 && dataSlice(answer, 0, 32) === ERC1271_ANSWER;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

/** The word with which a contract takes a signature: four bytes, and zeros after them. */
const ERC1271_ANSWER = zeroPadBytes("0x1626ba7e", 32);

function recover<T extends OracleMessageType>(
  domain: TypedDataDomain,
  type: T,
  message: OracleMessages[T],
  signature: string,
): string | null {
  try {
    // ethers also takes compact signatures and a v of 0 or 1; the contract takes neither
    if (EthersSignature.from(signature).serialized !== hexlify(signature)) return null;
    return verifyTypedData(domain, typesOf(type), message, signature);
  } catch {
    return null; // not the shape of an ECDSA signature
  }
}

/**
 * Picks a quorum out of the given signatures, ready for the contracts: valid, by signers in force, one per signer, in
 * ascending order of signer, and no more than needed. Passes over signatures that do not count or whose contract cannot
 * be asked, so that nobody can spoil a quorum by sending one.
 *
 * Takes ECDSA signatures first, which are valid for everyone. A contract may answer the oracle otherwise than others, so
 * a quorum with the signature of a contract is tried on the oracle. A signer whom the oracle refuses is replaced.
 * @param from account that will send the quorum; that of the runner if left out
 * @throws StaleSignerSetError if the message is for another signer set
 * @throws QuorumNotReachedError naming the signers who have not signed, and the signatures refused
 * @throws RevertError if the oracle refuses for another reason, such as a freeze
 */
export async function collectQuorum<T extends OracleMessageType>(
  signerSet: SignerSet,
  type: T,
  message: OracleMessages[T],
  signatures: Iterable<Signature>,
  from?: string,
): Promise<Signature[]> {
  const { domain, quorum, version } = signerSet;
  if (message.signerSetVersion !== version) throw new StaleSignerSetError(message.signerSetVersion, version);

  const inForce = signerSet.signers.map(getAddress);
  const collected = new Map<string, Signature>();
  const refused: RefusedSignature[] = [];
  const byContracts: Signature[] = [];
  for (const { signer: given, signature } of signatures) {
    const signer = getAddress(given);
    const candidate = { signer, signature };
    if (!inForce.includes(signer)) refused.push({ signer, reason: "not a signer" });
    else if (recover(domain, type, message, signature) === signer) collected.set(signer, candidate);
    else byContracts.push(candidate);
  }
  if (collected.size >= quorum) return ascending(collected.values()).slice(0, quorum);

  for (const candidate of ascending(byContracts)) {
    if (collected.has(candidate.signer)) continue;
    const reason = await refusalOf(signerSet, type, message, candidate);
    if (reason !== null) {
      refused.push({ signer: candidate.signer, reason });
      continue;
    }
    collected.set(candidate.signer, candidate);
    if (collected.size < quorum) continue;

    const picked = ascending(collected.values());
    const spoiler = await refusedByOracle(signerSet, structHash(type, message), picked, from);
    if (spoiler === null) return picked;
    collected.delete(spoiler.signer);
    refused.push(spoiler);
  }
  const missing = inForce.filter((signer) => !collected.has(signer));
  throw new QuorumNotReachedError(collected.size, quorum, missing, refused);
}

function ascending(signatures: Iterable<Signature>): Signature[] {
  return [...signatures].sort((a, b) => (BigInt(a.signer) < BigInt(b.signer) ? -1 : 1));
}

/** Errors by which the oracle names the signer that it refuses. */
const NAMING = ["Oracle_InvalidSignature", "Oracle_NotSigner"];

/** Tries a quorum on the oracle, and returns the signer whom it refuses; null if it takes the quorum. */
async function refusedByOracle(
  { domain, runner }: SignerSet,
  hash: string,
  quorum: Signature[],
  from?: string,
): Promise<RefusedSignature | null> {
  const oracle = TUReceiptOracle__factory.connect(domain.verifyingContract ?? "", runner?.provider ?? runner);
  const sender = from ?? (runner !== null && "getAddress" in runner ? await signerOf(runner).getAddress() : undefined);
  try {
    await withRevertDecoded(oracle.checkQuorum(hash, quorum, { from: sender, gasLimit: MAX_TRANSACTION_GAS }));
    return null;
  } catch (error) {
    if (!(error instanceof RevertError) || !NAMING.includes(error.error)) throw error;
    return { signer: getAddress(error.args[0] as string), reason: `refused by the oracle (${error.error})` };
  }
}

/** Returns the reason for which a signature does not count; null if it does. */
async function refusalOf<T extends OracleMessageType>(
  signerSet: SignerSet,
  type: T,
  message: OracleMessages[T],
  signature: Signature,
): Promise<string | null> {
  try {
    return (await isValidSignature(signerSet, type, message, signature)) ? null : "invalid signature";
  } catch (error) {
    return `cannot be checked: ${error instanceof Error ? error.message : String(error)}`;
  }
}
