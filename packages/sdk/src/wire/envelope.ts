import { TuringFogError } from "../errors.js";
import { address, bytes32, keySignature, text, uint } from "./codecs.js";
import { SignedFormat } from "./format.js";

/** The header that has the envelope of a request. */
export const ENVELOPE_HEADER = "TuringFog-Envelope";

/** The most seconds that an envelope may be valid for, so that a receiver need not keep a nonce for longer. */
export const MAX_ENVELOPE_AGE = 300n;

const MAX_ENVELOPE = 1_024;

/** Statement of the sender's link key about a request, without which the request could be sent on to another signer. */
export interface Envelope {
  /** The signer that it is for. */
  receiver: string;
  /** Method and path, such as `POST /v1/proposals`. */
  request: string;
  /** The SHA-256 of the body as sent. */
  bodyHash: string;
  /** Drawn at random, and taken once. */
  nonce: string;
  /** Unix seconds. */
  expiresAt: bigint;
}

export const ENVELOPE = new SignedFormat<Envelope>(
  "turingfog-envelope-v1",
  "Envelope",
  MAX_ENVELOPE,
  {
    receiver: address,
    request: text(
      /^(GET|POST|PUT) \/[!-~]{0,255}$/,
      "a method and a path of at most 256 ASCII characters, with its query",
    ),
    bodyHash: bytes32,
    nonce: bytes32,
    expiresAt: uint(40),
  },
  keySignature,
);

/** Thrown when an envelope is not of the request that it came with. */
export class EnvelopeRefusedError extends TuringFogError {
  constructor(
    readonly envelope: Envelope,
    /** The value that does not fit. */
    readonly field: keyof Envelope,
    expected: string,
  ) {
    super(`Envelope: ${field} is ${envelope[field]}, expected ${expected}`);
  }
}

/**
 * Checks all of an envelope but its signature, and that its nonce is new.
 * @param received the receiver, method and path, the SHA-256 of the body, and the time
 * @throws EnvelopeRefusedError
 */
export function checkEnvelope(
  envelope: Envelope,
  { receiver, request, bodyHash, now }: { receiver: string; request: string; bodyHash: string; now: bigint },
): void {
  const refuse = (field: keyof Envelope, expected: string) => {
    throw new EnvelopeRefusedError(envelope, field, expected);
  };
  if (envelope.receiver !== receiver.toLowerCase()) refuse("receiver", receiver.toLowerCase());
  if (envelope.request !== request) refuse("request", request);
  if (envelope.bodyHash !== bodyHash) refuse("bodyHash", `${bodyHash}, that of the body`);
  const latest = now + MAX_ENVELOPE_AGE;
  const isInTime = envelope.expiresAt > now && envelope.expiresAt <= latest;
  if (!isInTime) refuse("expiresAt", `after ${now}, at most ${latest}`);
}
