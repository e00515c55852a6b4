import type { TypedDataField } from "ethers";

/** The EIP-712 type that the one who would be refunded signs, under the domain of the ComputeEscrow. */
export const ACKNOWLEDGEMENT_TYPES = {
  Acknowledgement: [
    { name: "orderId", type: "uint256" },
    { name: "cumulativeTU", type: "uint96" },
  ],
} satisfies Record<string, TypedDataField[]>;

/** What the one who would be refunded says that their order's node has delivered, unsigned. */
export interface AcknowledgedTU {
  orderId: bigint;
  /** All TU, 18 decimals, that the node has delivered on the order so far. */
  cumulativeTU: bigint;
}

/** An acknowledgement in the form that the escrow takes; see `Acknowledgement` in IComputeEscrow.sol. */
export interface Acknowledgement extends AcknowledgedTU {
  /** `0x` if the one who would be refunded sends it. */
  signature: string;
}
