import type { TypedDataDomain } from "ethers";

import { TuringFogError } from "@turingfog/sdk";
import { documentInForce, GRANT, type Grant, type Signed, SIGNER_DOCUMENT, SIGNERS } from "@turingfog/sdk/wire";
import type { HttpClient } from "../http/index.js";

/** Thrown when too few signers can read a job for its rounds to be paid. */
export class UnauditedJobError extends TuringFogError {
  constructor(granted: number, quorum: number) {
    super(
      `${granted} signers took the job's key, ${quorum} must audit its rounds before any is paid: name others with --signer, ` +
        "and run the command again",
    );
  }
}

export interface SignerGrants {
  client: HttpClient;
  orderId: bigint;
  /** Addresses of signers, each of which tells all others. */
  endpoints: readonly string[];
  /** The oracle's signers, in lower case, and how many of them make a quorum. */
  signers: readonly string[];
  quorum: number;
  /** That of signers' documents. */
  domain: TypedDataDomain;
  /** Unix seconds. */
  now: bigint;
  /** Makes the grant for an age recipient. */
  grantTo: (recipient: string) => Promise<Signed<Grant>>;
  note: (line: string) => void;
}

/**
 * Gives the key of a training job to the oracle's signers, which recompute its rounds. Signers that are contracts are left out.
 * @returns those that have taken it
 * @throws UnauditedJobError
 */
export async function grantSigners(options: SignerGrants): Promise<string[]> {
  const { client, orderId, endpoints, signers, quorum, domain, now, grantTo, note } = options;
  const told = await Promise.all(
    endpoints.map(async (endpoint) => {
      const url = `${endpoint.replace(/\/$/, "")}/v1/signers`;
      const answer = await client.get(url, { maxBytes: SIGNERS.maxBytes }).catch((error: Error) => note(error.message));
      return answer === undefined ? [] : SIGNERS.decode(answer).documents;
    }),
  );
  const right = told.flat().filter((each) => SIGNER_DOCUMENT.signerOf(domain, each) === each.signer);
  const granted: string[] = [];
  for (const signer of signers) {
    const documents = right.filter((each) => each.signer === signer);
    const document = documents.length === 0 ? undefined : documentInForce(SIGNER_DOCUMENT, documents, now);
    if (document === undefined) continue;
    const grant = GRANT.encode(await grantTo(document.encryptionKey));
    try {
      await client.put(`${document.endpoint}/v1/orders/${orderId}/grants`, grant);
      granted.push(signer);
    } catch (error) {
      note((error as Error).message);
    }
  }
  if (granted.length < quorum) throw new UnauditedJobError(granted.length, quorum);
  return granted;
}
