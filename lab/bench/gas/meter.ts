import { takeSnapshot, time } from "@nomicfoundation/hardhat-network-helpers";
import { mined } from "@turingfog/sdk/ethers";
import type { ContractTransactionResponse } from "ethers";
import { ethers } from "hardhat";

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

/** Notes what transactions cost, by the id of what they do. */
export class Meter {
  /** Of the ids to be traced, where their gas went. */
  readonly breakdowns = new Map<string, Breakdown>();

  private readonly figures = new Map<string, number>();

  constructor(
    /** Told what is being measured. */
    readonly progress: (what: string) => void,
    private readonly traced: readonly string[] = [],
  ) {}

  /** The gas that the sender pays for, refunds deducted. */
  async measure(id: string, sending: Promise<ContractTransactionResponse>): Promise<number> {
    const receipt = await mined(sending);
    const gas = Number(receipt.gasUsed);
    this.note(id, gas);
    if (this.traced.includes(id)) this.breakdowns.set(id, await breakdownOf(receipt));
    return gas;
  }

  note(id: string, gas: number): void {
    if (this.figures.has(id)) throw new Error(`${id} is measured twice`);
    this.figures.set(id, Math.round(gas));
  }

  /** @throws Error when nothing was measured under this id */
  of(id: string): number {
    const gas = this.figures.get(id);
    if (gas === undefined) throw new Error(`${id} was not measured`);
    return gas;
  }

  /** In the order of measuring. */
  get ids(): string[] {
    return [...this.figures.keys()];
  }
}

/** Does something to the chain, and undoes it. */
export async function undone(act: () => Promise<unknown>): Promise<void> {
  const before = await takeSnapshot();
  await act();
  await before.restore();
}
