import { accountSignature, address, bytes32, keySignature, text, uint } from "./codecs.js";
import { JsonFormat, SignedFormat } from "./format.js";

/** The header that has the request for an attestation; the body is the log. */
export const ATTESTATION_HEADER = "TuringFog-Attestation";

/** A node's request to be attested by its benchmark log, by its meter key. */
export interface AttestationRequest {
  nodeId: bigint;
  /** Unix seconds: the end of the attestation. */
  validUntil: bigint;
  /** The SHA-256 of the log. */
  evidence: string;
  /** The card, for a driver that names only its chip; else empty. */
  card: string;
}

/** A signer's answer: its signature of the `NodeAttestation`. */
export interface GivenAttestation {
  signerSetVersion: bigint;
  signer: string;
  signature: string;
}

export const ATTESTATION_REQUEST = new SignedFormat<AttestationRequest>(
  "turingfog-attestation-request-v1",
  "AttestationRequest",
  1_024,
  {
    nodeId: uint(256),
    validUntil: uint(40),
    evidence: bytes32,
    card: text(/^[A-Za-z0-9 ()._+-]{0,64}$/, "at most 64 letters, digits, spaces, and characters of ()._+-"),
  },
  keySignature,
);

export const ATTESTATION = new JsonFormat<GivenAttestation>("turingfog-attestation-v1", 20_480, {
  signerSetVersion: uint(64),
  signer: address,
  signature: accountSignature,
});
