import type { Provider } from "ethers";

import { decodeRevert } from "@turingfog/sdk/ethers";
import { latestBlock } from "../connection.js";
import type { Call, Sender, Submitted } from "./sender.js";

/** Estimates the gas of calls, and sends nothing. */
export class DryRunSender implements Sender {
  constructor(
    readonly address: string | undefined,
    private readonly provider: Provider,
  ) {}

  async submit(calls: readonly Call[]): Promise<Submitted> {
    const gas = await Promise.all(calls.map((call) => this.estimate(call)));
    // getFeeData would tell nothing of a node that does not answer
    const { baseFeePerGas } = await latestBlock(this.provider);
    return { kind: "dry", gas, gasPrice: baseFeePerGas ?? 0n };
  }

  private async estimate({ to, data, value }: Call): Promise<bigint | undefined> {
    try {
      return await this.provider.estimateGas({ from: this.address, to, data, value });
    } catch (error) {
      const isRefused = decodeRevert(error) !== null || (error as { code?: string }).code === "CALL_EXCEPTION";
      if (!isRefused) throw error;
      return undefined;
    }
  }
}
