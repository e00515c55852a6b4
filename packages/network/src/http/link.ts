import { createHash, randomBytes } from "node:crypto";

import type { TypedDataDomain, Wallet } from "ethers";
import type { FastifyRequest } from "fastify";
import type { Kysely } from "kysely";

import {
  checkEnvelope,
  type Envelope,
  ENVELOPE,
  ENVELOPE_HEADER,
  EnvelopeRefusedError,
  InvalidMessageError,
  type SignerDocument,
} from "@turingfog/sdk/wire";
import type { Clock } from "../runtime/index.js";
import type { HttpClient, RequestSettings } from "./client.js";
import { RefusedError } from "./errors.js";
import { type LinkTables, takeNonce } from "./nonces.js";

/** Seconds for which an envelope is sent to be valid: clocks differ, and the receiver takes none for above 300. */
const LIFETIME = 120n;

export interface LinkOptions {
  /** The account of this signer. */
  signer: string;
  linkKey: Wallet;
  /** That of envelopes. */
  domain: TypedDataDomain;
  /** Returns the documents of the signers that are in force. */
  documents: () => readonly SignerDocument[];
  db: Kysely<LinkTables>;
  clock: Clock;
  client: HttpClient;
}

/** Sends requests to other signers and takes theirs, each with its envelope. */
export class Link {
  constructor(private readonly options: LinkOptions) {}

  /**
   * Sends a request to another signer.
   * @param path with its query, to be added to the signer's endpoint
   * @throws HttpError
   */
  async send(
    to: SignerDocument,
    method: "GET" | "POST" | "PUT",
    path: string,
    body: Uint8Array | string = "",
    settings: RequestSettings = {},
  ): Promise<Buffer> {
    const { linkKey, domain, clock, client } = this.options;
    const request = { receiver: to.signer, request: `${method} ${path}`, now: clock.now() };
    const envelope = await envelopeHeader(linkKey, domain, request, body);
    const url = `${to.endpoint}${path}`;
    const withEnvelope = { ...settings, headers: { ...settings.headers, ...envelope } };
    if (method === "GET") return client.get(url, withEnvelope);
    return client[method === "POST" ? "post" : "put"](url, body, withEnvelope);
  }

  /**
   * Checks that a request comes from another signer, and is for this one, and for the first time.
   * @returns the sender's document
   * @throws RefusedError
   */
  async check(request: FastifyRequest): Promise<SignerDocument> {
    const { signer, domain, documents, db, clock } = this.options;
    const { envelope, key } = openEnvelope(request, domain, { receiver: signer, now: clock.now() });
    const sender = documents().find(({ linkKey }) => linkKey === key);
    if (sender === undefined) throw refusal(`${key ?? "Nobody"} has signed it, who is no signer's link key`);
    if (!(await takeNonce(db, clock, envelope))) throw refusal(`Its nonce ${envelope.nonce} was used before`);
    return sender;
  }
}

/** Returns the header of a request with its envelope. */
export async function envelopeHeader(
  key: Pick<Wallet, "signTypedData">,
  domain: TypedDataDomain,
  { receiver, request, now }: { receiver: string; request: string; now: bigint },
  body: Uint8Array | string = "",
): Promise<Record<string, string>> {
  const envelope = await ENVELOPE.sign(key, domain, {
    receiver,
    request,
    bodyHash: sha256(body),
    nonce: `0x${randomBytes(32).toString("hex")}`,
    expiresAt: now + LIFETIME,
  });
  return { [ENVELOPE_HEADER]: ENVELOPE.encode(envelope) };
}

/**
 * Reads a request's envelope, and checks all of it but its nonce and whose key has signed it.
 * @returns the envelope and that key, in lower case; undefined if no key has
 * @throws RefusedError
 */
export function openEnvelope(
  { method, url, headers, body }: FastifyRequest,
  domain: TypedDataDomain,
  { receiver, now }: { receiver: string; now: bigint },
): { envelope: Envelope; key: string | undefined } {
  const text = headers[ENVELOPE_HEADER.toLowerCase()];
  if (typeof text !== "string") throw refusal(`The header ${ENVELOPE_HEADER} is missing`);
  try {
    const envelope = ENVELOPE.decode(text);
    const bodyHash = sha256(Buffer.isBuffer(body) ? body : "");
    checkEnvelope(envelope, { receiver, request: `${method} ${url}`, bodyHash, now });
    return { envelope, key: ENVELOPE.signerOf(domain, envelope) };
  } catch (error) {
    if (error instanceof InvalidMessageError || error instanceof EnvelopeRefusedError) throw refusal(error.message);
    throw error;
  }
}

function refusal(reason: string): RefusedError {
  return new RefusedError(401, "bad-envelope", reason);
}

function sha256(body: Uint8Array | string): string {
  return `0x${createHash("sha256").update(body).digest("hex")}`;
}
