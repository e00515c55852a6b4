import type { TypedDataDomain } from "ethers";

/** Returns the domain of node documents. */
export function nodeDomain(chainId: bigint, registry: string): TypedDataDomain {
  return { name: "TuringFog Node", version: "1", chainId, verifyingContract: registry };
}

/** Returns the domain of readings and round claims. */
export function meterDomain(chainId: bigint, escrow: string): TypedDataDomain {
  return { name: "TuringFog Meter", version: "1", chainId, verifyingContract: escrow };
}

/** Returns the domain of grants. */
export function jobDomain(chainId: bigint, escrow: string): TypedDataDomain {
  return { name: "TuringFog Job", version: "1", chainId, verifyingContract: escrow };
}

/** Returns the domain of envelopes. */
export function linkDomain(chainId: bigint, oracle: string): TypedDataDomain {
  return { name: "TuringFog Link", version: "1", chainId, verifyingContract: oracle };
}

/** Returns the domain of the oracle: of signers' documents, and of what they sign for the chain. */
export function oracleDomain(chainId: bigint, oracle: string): TypedDataDomain {
  return { name: "TuringFog TUReceiptOracle", version: "1", chainId, verifyingContract: oracle };
}
