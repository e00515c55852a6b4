import { Signature, type Addressable, type Signer, type TypedDataDomain } from "ethers";

import { readDomain, type HasDomain } from "./oracle.js";

/** The typed data of ERC-2612. */
export const PERMIT_TYPES = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
};

/** A signed permit, `Permit` of IComputeEscrow.sol. */
export interface SignedPermit {
  /** Last second at which the permit may be used, in unix seconds. */
  deadline: bigint;
  v: number;
  r: string;
  s: string;
}

/** A token that takes permits and returns its domain by `eip712Domain()` (ERC-5267). */
export interface PermitToken extends HasDomain {
  nonces(owner: string): Promise<bigint>;
}

/**
 * Signs an ERC-2612 permit with the owner's next nonce.
 * @param value the most that the spender may take, in base units of the token
 * @param deadline the last second at which the permit may be used, in unix seconds
 * @param domain the token's EIP-712 domain; read from the token if left out
 */
export async function signPermit(
  owner: Signer,
  token: PermitToken,
  spender: string | Addressable,
  value: bigint,
  deadline: bigint,
  domain?: TypedDataDomain,
): Promise<SignedPermit> {
  const address = await owner.getAddress();
  const permit = {
    owner: address,
    spender: typeof spender === "string" ? spender : await spender.getAddress(),
    value,
    nonce: await token.nonces(address),
    deadline,
  };
  const signature = await owner.signTypedData(domain ?? (await readDomain(token)), PERMIT_TYPES, permit);
  const { v, r, s } = Signature.from(signature);
  return { deadline, v, r, s };
}
