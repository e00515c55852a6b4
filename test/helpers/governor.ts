import { time } from "@nomicfoundation/hardhat-network-helpers";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { toBeHex, ZeroHash, type ContractTransaction, type ContractTransactionResponse } from "ethers";

import type { TimelockController } from "../../typechain-types";

/**
 * Has the governor make a call: schedules it through the timelock, lets the delay pass and executes it. What the call
 * reverts with, the execution reverts with.
 *
 * @param admin Who proposes and executes.
 * @param call As `await escrow.listAsset.populateTransaction(asset, price)`.
 */
export async function asGovernor(
  timelock: TimelockController,
  admin: HardhatEthersSigner,
  call: ContractTransaction,
): Promise<ContractTransactionResponse> {
  const delay = await timelock.getMinDelay();
  // the block's number keeps two equal calls apart
  const salt = toBeHex(await time.latestBlock(), 32);

  await timelock.connect(admin).schedule(call.to, 0, call.data, ZeroHash, salt, delay);
  await time.increase(delay);
  return timelock.connect(admin).execute(call.to, 0, call.data, ZeroHash, salt);
}
