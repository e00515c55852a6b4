import {
  concat,
  HDNodeWallet,
  keccak256,
  SigningKey,
  TypedDataEncoder,
  type TypedDataDomain,
  type TypedDataField,
} from "ethers";
import hre from "hardhat";
import type { HardhatNetworkHDAccountsConfig } from "hardhat/types";

/** The keys of the chain's accounts, in their order. */
export function accountKeys(): SigningKey[] {
  const { mnemonic, path, count } = hre.config.networks.hardhat.accounts as HardhatNetworkHDAccountsConfig;
  const parent = HDNodeWallet.fromPhrase(mnemonic, undefined, path);
  return Array.from({ length: count }, (_, i) => new SigningKey(parent.deriveChild(i).privateKey));
}

const domainHashes = new WeakMap<TypedDataDomain, string>();
const encoders = new WeakMap<readonly TypedDataField[], TypedDataEncoder>();

/** Signs typed data with several keys. What depends on domain and type alone is worked out once for each. */
export function signTyped(
  keys: readonly SigningKey[],
  domain: TypedDataDomain,
  type: { name: string; fields: readonly TypedDataField[] },
  message: Record<string, unknown>,
): string[] {
  const domainHash = domainHashes.get(domain) ?? TypedDataEncoder.hashDomain(domain);
  domainHashes.set(domain, domainHash);
  const encoder = encoders.get(type.fields) ?? TypedDataEncoder.from({ [type.name]: [...type.fields] });
  encoders.set(type.fields, encoder);
  const digest = keccak256(concat(["0x1901", domainHash, encoder.hash(message)]));
  return keys.map((key) => key.sign(digest).serialized);
}
