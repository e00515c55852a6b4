import { TuringFogError } from "@turingfog/sdk";
import { GRANT, type Grant, type Signed } from "@turingfog/sdk/wire";
import type { Signer, TypedDataDomain } from "ethers";

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

/** What a grant is checked against. */
export interface GrantTerms {
  /** The age recipient that must be able to read it. */
  reader: string;
  holder: string;
  /** Checks whether a contract takes a signature (ERC-1271). */
  isSignedByContract(account: string, digest: string, signature: string): Promise<boolean>;
}

/**
 * Checks that a grant is for a reader, and by who holds its order.
 * @throws GrantRefusedError
 */
export async function checkGrant(grant: Signed<Grant>, domain: TypedDataDomain, terms: GrantTerms): Promise<void> {
  const { reader, holder } = terms;
  if (grant.recipient !== reader) throw new GrantRefusedError(grant, `is for ${grant.recipient}, expected ${reader}`);
  if (GRANT.signerOf(domain, grant) === holder.toLowerCase()) return;
  if (!(await terms.isSignedByContract(holder, GRANT.digest(domain, grant), grant.signature))) {
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
