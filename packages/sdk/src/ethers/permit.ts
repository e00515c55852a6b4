import {
  type Addressable,
  Contract,
  type ContractRunner,
  getAddress,
  id,
  resolveAddress,
  Signature,
  type Signer,
  toBeHex,
  type TypedDataDomain,
  TypedDataEncoder,
} from "ethers";

import { TuringFogError } from "../errors.js";
import { type AccountKind, describeAccountKind, readAccountKind } from "./account.js";
import { type HasDomain, readDomain } from "./oracle.js";
import { answerOf, ask, describeRefusal, hasRevertData, isRefusal } from "./revert.js";

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

/** A token that may take permits, connected to a provider. */
export interface PermitToken extends Addressable {
  runner: ContractRunner | null;
}

/** Thrown when a token takes no ERC-2612 permit. */
export class NoPermitError extends TuringFogError {
  constructor(
    readonly asset: string,
    readonly spender: string,
    /** The permit that the token takes instead, if any: DAI's, or one of another type. */
    readonly takes: "none" | "DAI's" | "another",
  ) {
    const found = {
      none: "has no nonces()",
      "DAI's": "takes DAI's permit, of holder, nonce, expiry and allowed",
      another: "has another PERMIT_TYPEHASH()",
    }[takes];
    super(`${asset} takes no ERC-2612 permit: it ${found}. ${approveInstead(spender)}`);
  }
}

/** Thrown when the EIP-712 domain of a token is not to be found. */
export class UnknownDomainError extends TuringFogError {
  constructor(
    readonly asset: string,
    readonly spender: string,
  ) {
    super(
      `The EIP-712 domain of ${asset} is unknown: eip712Domain() does not tell it, and no domain of name() and a usual ` +
        `version gives its DOMAIN_SEPARATOR(). Pass the token's own as \`domain\`. Or: ${approveInstead(spender)}`,
    );
  }
}

/** Thrown when the owner of tokens is a contract, which cannot give a signature of v, r and s. */
export class ContractOwnerError extends TuringFogError {
  constructor(
    readonly owner: string,
    readonly asset: string,
    readonly spender: string,
    account: AccountKind,
    /** Whether the token also has the permit whose signature is bytes, as USDC has. */
    readonly takesBytes: boolean,
  ) {
    const wayOut = takesBytes
      ? `Send ${asset} permit(address,address,uint256,uint256,bytes) with the wallet's ERC-1271 signature, or have the ` +
        `wallet approve ${spender}; then call openOrder`
      : approveInstead(spender);
    super(`${owner} is a ${describeAccountKind(account)}, which cannot sign a permit of v, r and s. ${wayOut}`);
  }
}

/** Thrown when a token refuses a permit. */
export class PermitRefusedError extends TuringFogError {
  constructor(
    readonly asset: string,
    readonly owner: string,
    readonly spender: string,
    /** The token's own words, if it has any. */
    readonly reason: string,
    account: AccountKind,
    cause: unknown,
  ) {
    // such tokens take an account with code for a contract wallet, and ask its code instead of the key
    const delegated =
      account.kind === "delegated"
        ? ` ${owner} is an ${describeAccountKind(account)}, and some tokens ask that code for the signature (ERC-1271).`
        : "";
    super(`${asset} refuses the permit of ${owner}: ${reason}.${delegated} ${approveInstead(spender)}`, { cause });
  }
}

function approveInstead(spender: string): string {
  return `Approve ${spender} for the amount, then call openOrder`;
}

/** Functions of tokens that take permits; each token has a part of them. */
const ABI = [
  "function eip712Domain() view returns (bytes1 fields, string name, string version, uint256 chainId, address verifyingContract, bytes32 salt, uint256[] extensions)",
  "function name() view returns (string)",
  "function version() view returns (string)",
  "function nonces(address owner) view returns (uint256)",
  "function DOMAIN_SEPARATOR() view returns (bytes32)",
  "function DOMAIN_TYPEHASH() view returns (bytes32)",
  "function PERMIT_TYPEHASH() view returns (bytes32)",
  "function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)",
  "function permit(address owner, address spender, uint256 value, uint256 deadline, bytes signature)",
];

const PERMIT_TYPEHASH = id(TypedDataEncoder.from(PERMIT_TYPES).encodeType("Permit"));
const DAI_PERMIT_TYPEHASH = id("Permit(address holder,address spender,uint256 nonce,uint256 expiry,bool allowed)");

/** Versions that tokens have in their domain without telling them by version(). */
const USUAL_VERSIONS = ["1", "2"];

/**
 * Signs an ERC-2612 permit with the owner's next nonce.
 * @param value the most that the spender may take, in base units of the token
 * @param deadline the last second at which the permit may be used, in unix seconds
 * @param domain the token's EIP-712 domain; found as {@link findPermitDomain} does if left out
 * @throws NoPermitError, UnknownDomainError, ContractOwnerError
 */
export async function signPermit(
  owner: Signer,
  token: PermitToken,
  spender: string | Addressable,
  value: bigint,
  deadline: bigint,
  domain?: TypedDataDomain,
): Promise<SignedPermit> {
  const [ownerAddress, asset, spenderAddress] = await Promise.all([
    owner.getAddress(),
    token.getAddress(),
    resolveAddress(spender),
  ]);
  const contract = new Contract(asset, ABI, token.runner);
  const [typehash, nonce] = await Promise.all([
    ask<string>(contract, "PERMIT_TYPEHASH"),
    ask<bigint>(contract, "nonces", ownerAddress),
  ]);
  if (typehash === DAI_PERMIT_TYPEHASH) throw new NoPermitError(asset, spenderAddress, "DAI's");
  if (typehash !== undefined && typehash !== PERMIT_TYPEHASH) throw new NoPermitError(asset, spenderAddress, "another");
  if (nonce === undefined) throw new NoPermitError(asset, spenderAddress, "none");

  const permit = { owner: ownerAddress, spender: spenderAddress, value, nonce, deadline };
  const account = await kindOf(token, ownerAddress);
  if (account.kind === "contract") {
    const takesBytes = await takesBytesSignature(contract, permit);
    throw new ContractOwnerError(ownerAddress, asset, spenderAddress, account, takesBytes);
  }

  const under = domain ?? (await findPermitDomain(token));
  if (under === undefined) throw new UnknownDomainError(asset, spenderAddress);
  const { v, r, s } = Signature.from(await owner.signTypedData(under, PERMIT_TYPES, permit));
  return { deadline, v, r, s };
}

/**
 * Lets a token try a permit without sending anything, because the escrow passes over a permit that fails and its reason.
 * @throws PermitRefusedError
 */
export async function tryPermit(
  owner: Signer,
  token: PermitToken,
  spender: string | Addressable,
  value: bigint,
  { deadline, v, r, s }: SignedPermit,
): Promise<void> {
  const [ownerAddress, asset, spenderAddress] = await Promise.all([
    owner.getAddress(),
    token.getAddress(),
    resolveAddress(spender),
  ]);
  const permit = new Contract(asset, ABI, token.runner).getFunction(
    "permit(address,address,uint256,uint256,uint8,bytes32,bytes32)",
  );
  try {
    await permit.staticCall(ownerAddress, spenderAddress, value, deadline, v, r, s);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    const account = await kindOf(token, ownerAddress);
    throw new PermitRefusedError(asset, ownerAddress, spenderAddress, describeRefusal(error), account, error);
  }
}

/**
 * Finds the EIP-712 domain of a token that takes permits. It is the one that eip712Domain() tells (ERC-5267), or one of
 * the token's name and a usual version with the fields that tokens use, held against DOMAIN_SEPARATOR(). For a token
 * without a separator it is the only one that has the fields of DOMAIN_TYPEHASH().
 * @returns undefined if the token tells too little
 */
export async function findPermitDomain(token: PermitToken): Promise<TypedDataDomain | undefined> {
  const asset = getAddress(await token.getAddress());
  const contract = new Contract(asset, ABI, token.runner);
  const [told, separator] = await Promise.all([
    answerOf(readDomain(contract as Contract & HasDomain)),
    ask<string>(contract, "DOMAIN_SEPARATOR"),
  ]);
  if (told?.verifyingContract === asset) {
    if (separator === undefined || TypedDataEncoder.hashDomain(told) === separator) return told;
  }

  const domains = await usualDomains(contract);
  if (separator !== undefined) return domains.find((domain) => TypedDataEncoder.hashDomain(domain) === separator);
  const typehash = await ask<string>(contract, "DOMAIN_TYPEHASH");
  const possible = domains.filter((domain) => domainTypehash(domain) === typehash);
  return possible.length === 1 ? possible[0] : undefined;
}

/** Returns the domains that tokens use: with or without name, version and chain, or with the chain as salt. */
async function usualDomains(contract: Contract): Promise<TypedDataDomain[]> {
  const [name, version, verifyingContract, network] = await Promise.all([
    ask<string>(contract, "name"),
    ask<string>(contract, "version"),
    contract.getAddress(),
    contract.runner?.provider?.getNetwork(),
  ]);
  const named = name === undefined ? [] : [{ name }];
  const versions = new Set([...(version === undefined ? [] : [version]), ...USUAL_VERSIONS]);
  const versioned = Array.from(versions, (each) => ({ version: each }));
  const chains = network === undefined ? [] : [{ chainId: network.chainId }, { salt: toBeHex(network.chainId, 32) }];
  return [...named, {}].flatMap((ofName) =>
    [...versioned, {}].flatMap((ofVersion) =>
      [...chains, {}].map((ofChain) => ({ ...ofName, ...ofVersion, ...ofChain, verifyingContract })),
    ),
  );
}

/** The fields of a domain in the order of EIP-712. */
const DOMAIN_FIELDS = {
  name: "string",
  version: "string",
  chainId: "uint256",
  verifyingContract: "address",
  salt: "bytes32",
};

function domainTypehash(domain: TypedDataDomain): string {
  const fields = Object.entries(DOMAIN_FIELDS).filter(([field]) => field in domain);
  return id(`EIP712Domain(${fields.map(([field, type]) => `${type} ${field}`).join(",")})`);
}

/** Tells whether a token has the permit whose signature is bytes: it then refuses an empty one with a reason. */
async function takesBytesSignature(
  contract: Contract,
  { owner, spender, value, deadline }: { owner: string; spender: string; value: bigint; deadline: bigint },
): Promise<boolean> {
  const permit = contract.getFunction("permit(address,address,uint256,uint256,bytes)");
  try {
    await permit.staticCall(owner, spender, value, deadline, "0x");
    return false; // a fallback that takes anything
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return hasRevertData(error);
  }
}

async function kindOf({ runner }: PermitToken, address: string): Promise<AccountKind> {
  const provider = runner?.provider;
  return provider ? readAccountKind(provider, address) : { kind: "plain" };
}
