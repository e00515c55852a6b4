import { concat, getCreate2Address, keccak256, type Provider } from "ethers";

import { TuringFogError } from "@turingfog/sdk";

/**
 * The deterministic deployment proxy: a contract without owner or state that creates the code sent to it by CREATE2.
 * The address follows from salt and creation code alone. The proxy stands at this address on every public chain, and on
 * the OP Stack from the first block on (https://github.com/Arachnid/deterministic-deployment-proxy;
 * https://github.com/ethereum-optimism/specs/blob/main/specs/protocol/preinstalls.md).
 */
export const CREATE2_DEPLOYER = "0x4e59b44847b379578588920cA78FbF26c0B4956C";

/** The whole runtime code of {@link CREATE2_DEPLOYER}. */
export const CREATE2_DEPLOYER_CODE =
  "0x7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3";

/**
 * The transaction that creates {@link CREATE2_DEPLOYER}, from an account whose key nobody has: the signature was made
 * up, and the sender follows from it. Anyone may send the transaction once the account has its cost.
 */
export const KEYLESS_CREATION = {
  sender: "0x3fAB184622Dc19b6109349B94811493BF2a45362",
  /** Cost in wei: the gas limit of 100,000 at the price of 100 gwei. */
  cost: 10n ** 16n,
  transaction:
    "0xf8a58085174876e800830186a08080b853604580600e600039806000f350fe7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf31ba02222222222222222222222222222222222222222222222222222222222222222a02222222222222222222222222222222222222222222222222222222222222222",
} as const;

/** Thrown when the address of the deterministic deployment proxy has other code. */
export class WrongCreate2DeployerError extends TuringFogError {
  constructor(readonly codeHash: string) {
    super(
      `The code at ${CREATE2_DEPLOYER} has hash ${codeHash}, must have ${keccak256(CREATE2_DEPLOYER_CODE)}: ` +
        "nothing can be deployed to this chain",
    );
  }
}

/** Thrown when a chain has no deterministic deployment proxy, and none could be created. */
export class NoCreate2DeployerError extends TuringFogError {
  constructor(chain: string) {
    super(
      `${chain} has no deterministic deployment proxy at ${CREATE2_DEPLOYER}: create it with its keyless ` +
        "transaction (https://github.com/Arachnid/deterministic-deployment-proxy), then run the same command again",
    );
  }
}

/**
 * Checks whether the chain has the deterministic deployment proxy.
 * @throws WrongCreate2DeployerError
 */
export async function hasCreate2Deployer(provider: Provider): Promise<boolean> {
  const code = await provider.getCode(CREATE2_DEPLOYER);
  if (code === "0x") return false;
  if (code !== CREATE2_DEPLOYER_CODE) throw new WrongCreate2DeployerError(keccak256(code));
  return true;
}

/** Returns the address of the contract that {@link CREATE2_DEPLOYER} creates. */
export function create2Address(salt: string, initCode: string): string {
  return getCreate2Address(CREATE2_DEPLOYER, salt, keccak256(initCode));
}

/** Returns the data to send to {@link CREATE2_DEPLOYER} for it to create a contract. */
export function create2Data(salt: string, initCode: string): string {
  return concat([salt, initCode]);
}
