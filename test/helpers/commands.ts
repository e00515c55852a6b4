import { PRIVATE_KEY_VARIABLE } from "@turingfog/operator";
import { computeAddress } from "ethers";

import { checkedDeployment } from "./checkedDeployment";
import type { Protocol } from "./fixture";
import { accountKeys } from "./keys";
import { folderOf, printedBy } from "./tuLogs";

/** Writes the address book that a deployment would have written, and returns its folder. */
export async function addressBookOf(protocol: Protocol, chainId = 31_337): Promise<string> {
  const { addresses } = await checkedDeployment(protocol);
  return folderOf({ "hardhat.json": JSON.stringify({ network: "hardhat", chainId, addresses, transactions: {} }) });
}

/**
 * Runs a `turingfog` command in this process, with an account's key or that of the first, and returns what it has
 * printed.
 */
export async function printedFor(account: { address: string } | undefined, command: string, args: string[]) {
  const key = accountKeys().find((each) => computeAddress(each) === account?.address)?.privateKey;
  const before = process.env[PRIVATE_KEY_VARIABLE];
  if (key !== undefined) process.env[PRIVATE_KEY_VARIABLE] = key;
  try {
    return await printedBy(command, ...args);
  } finally {
    if (before === undefined) delete process.env[PRIVATE_KEY_VARIABLE];
    else process.env[PRIVATE_KEY_VARIABLE] = before;
  }
}
