import { TuringFogError } from "@turingfog/sdk";
import { IERC1271__factory, isRefusal } from "@turingfog/sdk/ethers";
import { GRANT, type Grant, type Signed } from "@turingfog/sdk/wire";
import { dataLength, dataSlice, type Provider, type Signer, type TypedDataDomain, zeroPadBytes } from "ethers";

import { decryptText, encryptText } from "./age.js";

/** Thrown when a grant is not by the order's holder, or is none for this reader. */
export class GrantRefusedError extends TuringFogError {
  constructor(
    readonly grant: Grant,
    readonly reason: string,
  ) {
    super(`Grant of order ${grant.orderId}: ${reason}`);
  }
}

/** The word with which a contract takes a signature: four bytes, and zeros after them. */
const ERC1271_ANSWER = zeroPadBytes("0x1626ba7e", 32);

/**
 * Gives the key of a job to one reader.
 * @param holder who holds the order or, on a joint order, its coordinator
 * @param domain see `jobDomain`
 * @param identity the age identity of the job's key
 */
export async function makeGrant(
  holder: Pick<Signer, "signTypedData">,
  domain: TypedDataDomain,
  orderId: bigint,
  recipient: string,
  identity: string,
): Promise<Signed<Grant>> {
  const sealed = Buffer.from(await encryptText(recipient, identity)).toString("base64");
  return GRANT.sign(holder, domain, { orderId, recipient, identity: sealed });
}

/**
 * Checks that a grant is for a reader, and by who holds its order: a key or a contract (ERC-1271).
 * @param reader the age recipient that must be able to read it
 * @throws GrantRefusedError
 */
export async function checkGrant(
  grant: Signed<Grant>,
  domain: TypedDataDomain,
  { reader, holder, provider }: { reader: string; holder: string; provider: Provider },
): Promise<void> {
  if (grant.recipient !== reader) {
    throw new GrantRefusedError(grant, `is for ${grant.recipient}, expected ${reader}`);
  }
  if (GRANT.signerOf(domain, grant) === holder.toLowerCase()) return;
  if (!(await isSignedByContract(grant, domain, holder, provider))) {
    throw new GrantRefusedError(grant, `is not signed by ${holder}, who holds the order`);
  }
}

/**
 * Opens a grant that was checked, and returns the age identity of the job's key.
 * @param identity the reader's
 * @throws UndecipherableError, GrantRefusedError
 */
export async function openGrant(grant: Grant, identity: string): Promise<string> {
  const what = `The grant of order ${grant.orderId}`;
  const opened = await decryptText(identity, Buffer.from(grant.identity, "base64"), what);
  if (/^AGE-SECRET-KEY-1[A-Z0-9]{58}$/.test(opened)) return opened;
  throw new GrantRefusedError(grant, "what it holds is no age identity");
}

async function isSignedByContract(
  grant: Signed<Grant>,
  domain: TypedDataDomain,
  holder: string,
  provider: Provider,
): Promise<boolean> {
  const digest = GRANT.digest(domain, grant);
  const data = IERC1271__factory.createInterface().encodeFunctionData("isValidSignature", [digest, grant.signature]);
  try {
    const answer = await provider.call({ to: holder, data });
    return dataLength(answer) >= 32 && dataSlice(answer, 0, 32) === ERC1271_ANSWER;
  } catch (error) {
    if (isRefusal(error)) return false;
    throw error;
  }
}
