import type { TypedDataDomain } from "ethers";

/** Returns the escrow's domain, of acknowledgements. */
export function escrowDomain(chainId: bigint, escrow: string): TypedDataDomain {
  return { name: "TuringFog ComputeEscrow", version: "1", chainId, verifyingContract: escrow };
}
