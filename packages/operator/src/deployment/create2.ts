import { concat, formatUnits, getCreate2Address, keccak256, type Provider, Transaction } from "ethers";

import { TuringFogError } from "@turingfog/sdk";
import { nodeWords } from "@turingfog/sdk/ethers";
import { latestBlock } from "../connection.js";
import { UnreachableError } from "../node.js";

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
  /** Cost in wei: {@link KEYLESS_CREATION.gasLimit} at {@link KEYLESS_CREATION.gasPrice}. */
  cost: 10n ** 16n,
  gasLimit: 100_000n,
  gasPrice: 10n ** 11n,
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

/**
 * Thrown when the keyless transaction that creates the deterministic deployment proxy cannot succeed on a chain. Money
 * sent to its account would be lost, because the transaction cannot be changed.
 */
export class KeylessCreationError extends TuringFogError {}

/**
 * Finds out why the keyless transaction would fail, before money is sent to its account.
 * @returns undefined if it can succeed
 */
export async function keylessProblem(provider: Provider): Promise<string | undefined> {
  const { sender, gasLimit, gasPrice, transaction } = KEYLESS_CREATION;
  const proxy = `the deterministic deployment proxy at ${CREATE2_DEPLOYER}`;
  if ((await provider.getTransactionCount(sender)) !== 0) {
    return `The keyless transaction that creates ${proxy} was used here and failed: deploy to a chain that has the proxy`;
  }

  const baseFee = (await latestBlock(provider)).baseFeePerGas ?? 0n;
  if (baseFee > gasPrice) {
    const [asked, paid] = [baseFee, gasPrice].map((price) => formatUnits(price, "gwei"));
    return `The chain asks ${asked} gwei for gas, and the keyless transaction that creates ${proxy} pays ${paid} gwei: run the same command again when it asks less`;
  }

  const data = Transaction.from(transaction).data;
  const gas = await provider.estimateGas({ from: sender, data }).catch((error: unknown) => {
    if (error instanceof UnreachableError) throw error;
    return nodeWords(error);
  });
  if (typeof gas === "bigint" && gas <= gasLimit) return undefined;
  const takes = typeof gas === "bigint" ? `takes ${gas.toLocaleString("en")} gas` : `fails ("${gas}")`;
  return (
    `Creating ${proxy} ${takes}, and its keyless transaction has ${gasLimit.toLocaleString("en")}: ` +
    "nothing was sent to its account; deploy to a chain that has the proxy, or to a node that has it from its " +
    "first block on (EIP-7997)"
  );
}

/** Returns the address of the contract that {@link CREATE2_DEPLOYER} creates. */
export function create2Address(salt: string, initCode: string): string {
  return getCreate2Address(CREATE2_DEPLOYER, salt, keccak256(initCode));
}

/** Returns the data to send to {@link CREATE2_DEPLOYER} for it to create a contract. */
export function create2Data(salt: string, initCode: string): string {
  return concat([salt, initCode]);
}
