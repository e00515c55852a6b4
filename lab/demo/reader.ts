import type { Contract, ContractRunner, Provider, TransactionRequest } from "ethers";

/** Gas that a read may take, far above the dearest. */
const READ_GAS = 1_000_000n;

interface Read {
  target: string;
  callData: string;
  resolve: (data: string) => void;
  reject: (reason: unknown) => void;
}

/** Makes the reads that are asked for together in one call, by the multicall that Uniswap has published. */
export class Reader implements ContractRunner {
  readonly provider: Provider | null;
  private asked: Read[] = [];

  constructor(private readonly multicall: Contract) {
    this.provider = multicall.runner?.provider ?? null;
  }

  call({ to, data }: TransactionRequest): Promise<string> {
    if (typeof to !== "string" || typeof data !== "string") throw new Error("A read has a contract and a function");
    // all that is asked for in this turn of the event loop goes with it
    if (this.asked.length === 0) setImmediate(() => void this.answer());
    return new Promise((resolve, reject) => this.asked.push({ target: to, callData: data, resolve, reject }));
  }

  private async answer(): Promise<void> {
    const reads = this.asked;
    this.asked = [];
    try {
      const calls = reads.map(({ target, callData }) => ({ target, gasLimit: READ_GAS, callData }));
      const [, results] = (await this.multicall.multicall.staticCall(calls)) as [
        bigint,
        { success: boolean; returnData: string }[],
      ];
      for (const [i, { target, callData, resolve, reject }] of reads.entries()) {
        const { success, returnData } = results[i];
        if (success) resolve(returnData);
        else reject(new Error(`${target} refused to be read with ${callData}: ${returnData}`));
      }
    } catch (error) {
      for (const { reject } of reads) reject(error);
    }
  }
}
