import { setTimeout as sleep } from "node:timers/promises";

import { TuringFogError } from "@turingfog/sdk";
import { isValidSignature, type SignerSet } from "@turingfog/sdk/ethers";
import {
  ATTESTATION,
  ATTESTATION_HEADER,
  ATTESTATION_REQUEST,
  type AttestationRequest,
  type OracleMessages,
  type Signature,
  type Signed,
  SIGNERS,
} from "@turingfog/sdk/wire";
import { getAddress } from "ethers";

import { type HttpClient, HttpError } from "../http/index.js";
import { reasonOf } from "../runtime/index.js";

export interface AttestationAsked {
  client: HttpClient;
  /** Addresses of signers to begin with; they tell all others. */
  seeds: readonly string[];
  signerSet: SignerSet;
  request: Signed<AttestationRequest>;
  /** The benchmark log. */
  log: Uint8Array;
}

/** The outcome of asking at one address. */
export interface AttestationAnswer {
  endpoint: string;
  /** A signature that counts, if there is one. */
  given?: Signature;
  /** Why there is none. */
  reason?: string;
}

/** Thrown when a signer answers with what does not count. */
class WrongAnswerError extends TuringFogError {}

/** Asks all signers that can be found for an attestation, each for itself, and returns what each has answered. */
export async function askForAttestation(asked: AttestationAsked): Promise<AttestationAnswer[]> {
  const endpoints = await endpointsOf(asked);
  return Promise.all(
    endpoints.map(async (endpoint) => {
      try {
        return { endpoint, given: await patiently(() => signatureOf(endpoint, asked)) };
      } catch (error) {
        return { endpoint, reason: reasonOf(error) };
      }
    }),
  );
}

/** Milliseconds in which a signer can fetch the document of a node that it first hears of, and how often it is asked again. */
const FETCH = 3_000;
const TRIES = 5;

/** Asks again if a signer must fetch the node's document first. */
async function patiently<T>(ask: () => Promise<T>, tries = TRIES): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (tries === 0 || !(error instanceof HttpError && error.error === "no-document")) throw error;
    await sleep(FETCH);
    return patiently(ask, tries - 1);
  }
}

/** Returns the addresses given, and those that they tell of signers in force. */
async function endpointsOf({ client, seeds, signerSet }: AttestationAsked): Promise<string[]> {
  const inForce = new Set(signerSet.signers.map((signer) => signer.toLowerCase()));
  const known = seeds.map((seed) => seed.replace(/\/$/, ""));
  const told = known.map(async (endpoint) => {
    const answer = await client.get(`${endpoint}/v1/signers`, { maxBytes: SIGNERS.maxBytes });
    return SIGNERS.decode(answer).documents.filter(({ signer }) => inForce.has(signer));
  });
  const documents = (await Promise.allSettled(told)).flatMap((each) => (each.status === "fulfilled" ? each.value : []));
  return [...new Set([...known, ...documents.map(({ endpoint }) => endpoint)])];
}

async function signatureOf(
  endpoint: string,
  { client, signerSet, request, log }: AttestationAsked,
): Promise<Signature> {
  const headers = {
    [ATTESTATION_HEADER]: ATTESTATION_REQUEST.encode(request),
    "content-type": "application/octet-stream",
  };
  const settings = { headers, maxBytes: ATTESTATION.maxBytes };
  const { signer, signature, signerSetVersion } = ATTESTATION.decode(
    await client.post(`${endpoint}/v1/attestations`, log, settings),
  );
  const { nodeId, validUntil, evidence } = request;
  const message: OracleMessages["NodeAttestation"] = { nodeId, validUntil, evidence, signerSetVersion };
  const given = { signer: getAddress(signer), signature };
  if (signerSetVersion !== signerSet.version) {
    throw new WrongAnswerError(`it signed for signer set ${signerSetVersion}, in force is ${signerSet.version}`);
  }
  if (!signerSet.signers.includes(given.signer)) throw new WrongAnswerError(`${given.signer} is no signer in force`);
  if (await isValidSignature(signerSet, "NodeAttestation", message, given)) return given;
  throw new WrongAnswerError(`its signature is not by ${given.signer}`);
}
