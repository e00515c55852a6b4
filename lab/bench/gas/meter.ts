import { takeSnapshot, time } from "@nomicfoundation/hardhat-network-helpers";
import { mined } from "@turingfog/sdk/ethers";
import type { ContractTransactionResponse } from "ethers";
import { ethers } from "hardhat";

import { recordedAs, type RecordedStep, type RecordedTransaction } from "../replay/recording";
import { breakdownOf, type Breakdown } from "./breakdown";

/**
 * Puts a second between any two transactions. Left alone, the chain's clock follows the computer's, and with the times
 * in calldata and signatures the number of zero bytes, which cost less than others, would differ from run to run.
 */
export function tickWithTransactions(): void {
  const { provider } = ethers;
  const send = provider.send.bind(provider);
  provider.send = async (method, params) => {
    if (method === "eth_sendTransaction") await time.setNextBlockTimestamp((await time.latest()) + 1);
    return send(method, params) as Promise<unknown>;
  };
}

/** Notes which recorded transactions were sent for what, by the id of what they do. */
export class Meter {
  /** Of the ids to be traced, where their gas went. */
  readonly breakdowns = new Map<string, Breakdown>();

  /** In the order of measuring. */
  readonly measured = new Map<string, readonly RecordedTransaction[]>();

  constructor(
    private readonly recorded: readonly RecordedStep[],
    /** Told what is being measured. */
    readonly progress: (what: string) => void,
    private readonly traced: readonly string[] = [],
  ) {}

  async measure(id: string, sending: Promise<ContractTransactionResponse>): Promise<void> {
    const receipt = await mined(sending);
    this.note(id, [receipt.hash]);
    if (this.traced.includes(id)) this.breakdowns.set(id, await breakdownOf(receipt));
  }

  /** Notes transactions that do something together, and has errors call them by its id. */
  note(id: string, hashes: readonly string[]): void {
    if (this.measured.has(id)) throw new Error(`${id} is measured twice`);
    const transactions = hashes.map((hash) => recordedAs(this.recorded, hash));
    for (const transaction of transactions) transaction.name = id;
    this.measured.set(id, transactions);
  }
}

/** Does something to the chain, and undoes it. */
export async function undone(act: () => Promise<unknown>): Promise<void> {
  const before = await takeSnapshot();
  await act();
  await before.restore();
}
