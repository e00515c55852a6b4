import type { Call } from "@turingfog/operator";
import type { TransactionResponse } from "ethers";
import { ethers } from "hardhat";

import { TestSafe } from "../../../test/helpers/safes";
import type { SenderName } from "./kinds";

/** Sends a call, which is mined at once or refused. */
export type Send = (call: Call) => Promise<TransactionResponse>;

const VERSIONS = { Safe: "1.5.0", SafeL2: "1.5.0 L2" };

/** Owners of a Safe, and how many of them sign. */
const OWNERS = 5;
const THRESHOLD = 3;

/** Returns what sends calls as a deployer of that kind does; creates its Safe first. */
export async function senderOf(name: SenderName): Promise<Send> {
  const [deployer, ...others] = await ethers.getSigners();
  if (name === "key") return ({ to, data }) => deployer.sendTransaction({ to, data });

  const safe = await TestSafe.create(VERSIONS[name], others.slice(0, OWNERS), THRESHOLD);
  return ({ to, data }) => safe.execute({ transactions: [{ to, value: "0", data }] });
}
