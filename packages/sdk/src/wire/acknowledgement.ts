import { keySignature, uint } from "./codecs.js";
import { type Signed, SignedFormat } from "./format.js";

/** Statement of the one who would be refunded about what their order's node has delivered, unsigned. */
export interface AcknowledgedTU {
  orderId: bigint;
  /** All TU, 18 decimals, that the node has delivered on the order so far. */
  cumulativeTU: bigint;
}

/**
 * An acknowledgement in the form that the escrow takes; see `Acknowledgement` in IComputeEscrow.sol. The signature is
 * `0x` if the one who would be refunded sends it.
 */
export type Acknowledgement = Signed<AcknowledgedTU>;

/** An acknowledgement as it is handed to the node. The escrow takes the signature of a key, and asks no contract. */
export const ACKNOWLEDGEMENT = new SignedFormat<AcknowledgedTU>(
  "turingfog-acknowledgement-v1",
  "Acknowledgement",
  1_024,
  { orderId: uint(256), cumulativeTU: uint(96) },
  keySignature,
);
