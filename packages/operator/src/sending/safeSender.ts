import { toJson, TuringFogError } from "@turingfog/sdk";
import { writeAtomically } from "@turingfog/sdk/node";
import type { Call, Sender, Submitted } from "./sender.js";

/** Thrown when every call of a batch is already done. */
export class NothingToSignError extends TuringFogError {
  constructor() {
    super("Every call of the batch is already done: there is nothing to sign");
  }
}

/**
 * Writes calls for the owners of a Safe to a file, as a batch that Safe's Transaction Builder loads. Sends nothing. The
 * batch describes each call for those who sign it.
 */
export class SafeSender implements Sender {
  readonly address = undefined;

  /** @param title name of the batch, for those who sign it */
  constructor(
    private readonly file: string,
    private readonly chainId: bigint,
    private readonly title: string,
  ) {}

  /** @throws NothingToSignError */
  async submit(calls: readonly Call[], isDone?: (index: number) => Promise<boolean>): Promise<Submitted> {
    const done = isDone === undefined ? [] : await Promise.all(calls.map((_, i) => isDone(i)));
    const open = calls.filter((_, i) => done[i] !== true);
    if (open.length === 0) throw new NothingToSignError();
    await writeAtomically(this.file, `${toJson(safeBatch(this.chainId, this.title, open))}\n`);
    return { kind: "batch", file: this.file };
  }
}

/** Returns a batch in the format of Safe's Transaction Builder, version 1.0. */
export function safeBatch(chainId: bigint, name: string, calls: readonly Call[]) {
  return {
    version: "1.0",
    chainId,
    createdAt: Date.now(),
    meta: {
      name,
      description: calls.map(({ description }) => description).join("; "),
    },
    transactions: calls.map(({ to, value, data }) => ({
      to,
      value: value ?? 0n,
      data,
      contractMethod: null,
      contractInputsValues: null,
    })),
  };
}
