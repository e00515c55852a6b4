import {
  getAddress,
  hexlify,
  isError,
  Signature as EthersSignature,
  TypedDataEncoder,
  verifyTypedData,
  type ContractRunner,
  type Signer,
  type TypedDataDomain,
} from "ethers";

import { IERC1271__factory, type TUReceiptOracle } from "../bindings/index.js";
import { TuringFogError } from "../errors.js";
import { typesOf, type OracleMessages, type OracleMessageType, type Signature } from "../wire/oracle.js";

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
 * Checks whether a signature is by the signer that it names, by the contract's rule: ECDSA first, then ERC-1271. Does
 * not check whether that signer is one of the oracle's.
 */
export async function isValidSignature<T extends OracleMessageType>(
  { domain, runner }: Pick<SignerSet, "domain" | "runner">,
  type: T,
  message: OracleMessages[T],
  { signer, signature }: Signature,
): Promise<boolean> {
  if (recover(domain, type, message, signature) === getAddress(signer)) return true;
  if (runner === null) return false;

  const digest = TypedDataEncoder.hash(domain, typesOf(type), message);
  try {
    return (
      (await IERC1271__factory.connect(signer, runner).isValidSignature(digest, signature)) === ERC1271_MAGIC_VALUE
    );
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}

const ERC1271_MAGIC_VALUE = "0x1626ba7e";

/** Tells a refusal from a failure of the network: a wallet that reverts and an account without code refuse. */
function isRefusal(error: unknown): boolean {
  if (isError(error, "CALL_EXCEPTION") || isError(error, "BAD_DATA")) return true;
  return error instanceof Error && "data" in error; // the form in which Hardhat's own chain throws a revert
}

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
 * @throws StaleSignerSetError if the message is for another signer set
 * @throws QuorumNotReachedError naming the signers who have not signed, and the signatures refused
 */
export async function collectQuorum<T extends OracleMessageType>(
  signerSet: SignerSet,
  type: T,
  message: OracleMessages[T],
  signatures: Iterable<Signature>,
): Promise<Signature[]> {
  if (message.signerSetVersion !== signerSet.version) {
    throw new StaleSignerSetError(message.signerSetVersion, signerSet.version);
  }

  const missing = new Set(signerSet.signers.map(getAddress));
  const collected: Signature[] = [];
  const refused: RefusedSignature[] = [];
  const candidates = Array.from(signatures, ({ signer, signature }) => ({ signer: getAddress(signer), signature }));
  candidates.sort((a, b) => (a.signer === b.signer ? 0 : BigInt(a.signer) < BigInt(b.signer) ? -1 : 1));
  for (const candidate of candidates) {
    const { signer } = candidate;
    if (collected.at(-1)?.signer === signer) continue;
    const reason = missing.has(signer) ? await refusalOf(signerSet, type, message, candidate) : "not a signer";
    if (reason !== null) {
      refused.push({ signer, reason });
      continue;
    }
    missing.delete(signer);
    collected.push(candidate);
    if (collected.length === signerSet.quorum) return collected;
  }
  throw new QuorumNotReachedError(collected.length, signerSet.quorum, [...missing], refused);
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
