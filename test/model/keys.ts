import { HDNodeWallet, SigningKey, TypedDataEncoder, type TypedDataDomain, type TypedDataField } from "ethers";
import hre from "hardhat";
import type { HardhatNetworkHDAccountsConfig } from "hardhat/types";

/** The keys of the chain's accounts, in their order. */
export function accountKeys(): SigningKey[] {
  const { mnemonic, path, count } = hre.config.networks.hardhat.accounts as HardhatNetworkHDAccountsConfig;
  const parent = HDNodeWallet.fromPhrase(mnemonic, undefined, path);
  return Array.from({ length: count }, (_, i) => new SigningKey(parent.deriveChild(i).privateKey));
}

/** Signs typed data with several keys, hashing once. */
export function signTyped(
  keys: readonly SigningKey[],
  domain: TypedDataDomain,
  types: Record<string, TypedDataField[]>,
  message: Record<string, unknown>,
): string[] {
  const digest = TypedDataEncoder.hash(domain, types, message);
  return keys.map((key) => key.sign(digest).serialized);
}
