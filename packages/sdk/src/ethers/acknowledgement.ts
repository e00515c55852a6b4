import type { Signer, TypedDataDomain } from "ethers";

import { type AcknowledgedTU, type Acknowledgement, ACKNOWLEDGEMENT_TYPES } from "../wire/acknowledgement.js";

/**
 * Signs what a node has delivered on an order, as the one who would be refunded: `refundTo`, or else the holder.
 * @param domain the escrow's EIP-712 domain, as `readDomain` reads it
 */
export async function signAcknowledgement(
  signer: Signer,
  domain: TypedDataDomain,
  { orderId, cumulativeTU }: AcknowledgedTU,
): Promise<Acknowledgement> {
  const signature = await signer.signTypedData(domain, ACKNOWLEDGEMENT_TYPES, { orderId, cumulativeTU });
  return { orderId, cumulativeTU, signature };
}
