import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { time } from "@nomicfoundation/hardhat-network-helpers";
import { toBeHex, ZeroHash, type ContractTransaction, type ContractTransactionResponse, type Signer } from "ethers";

import type { TimelockController } from "../../typechain-types";

/** What became of a root, by the values of `RootStatus` in ITUReceiptOracle.sol. */
export const RootStatus = { Unknown: 0n, Pending: 1n, Final: 2n, Vetoed: 3n, Expired: 4n } as const;

/** In ascending order of address, as the oracle wants signers. */
export async function byAddress<T extends Signer>(signers: readonly T[]): Promise<T[]> {
  const keyed = await Promise.all(signers.map(async (signer) => ({ signer, key: BigInt(await signer.getAddress()) })));
  return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ signer }) => signer);
}

/**
 * Has the governor schedule a call, and resolves to what executes it: for calls that must come at an exact time, once
 * the timelock's delay has passed.
 */
export async function schedule(
  timelock: TimelockController,
  admin: HardhatEthersSigner,
  call: ContractTransaction,
): Promise<() => Promise<ContractTransactionResponse>> {
  // the block's number keeps two equal calls apart
  const salt = toBeHex(await time.latestBlock(), 32);
  const connected = timelock.connect(admin);
  await connected.schedule(call.to, 0, call.data, ZeroHash, salt, await timelock.getMinDelay());
  return () => connected.execute(call.to, 0, call.data, ZeroHash, salt);
}
