import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { setBalance } from "@nomicfoundation/hardhat-network-helpers";
import type { SystemContracts } from "@turingfog/sdk/ethers";
import { type Addressable, parseEther } from "ethers";
import { ethers } from "hardhat";

import type { SystemStruct } from "../../typechain-types/contracts/Genesis";

/** Who is who, as the constructors take it. */
export function systemOf(contracts: SystemContracts): SystemStruct {
  const { timelock, tft, vault, oracle, registry, pool, controller, escrow } = contracts;
  return { governor: timelock, tft, vault, oracle, registry, pool, controller, escrow };
}

/** A contract as if it had a key, and some coin for gas: what could it do, were it broken? */
export async function impersonate(contract: Addressable): Promise<HardhatEthersSigner> {
  const signer = await ethers.getImpersonatedSigner(await contract.getAddress());
  await setBalance(signer.address, parseEther("1"));
  return signer;
}
