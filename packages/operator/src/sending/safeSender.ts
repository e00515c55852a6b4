import { toJson, TuringFogError } from "@turingfog/sdk";
import { writeAtomically } from "@turingfog/sdk/node";
import type { Call, Sender, Submitted } from "./sender.js";

/** Everything that a batch was to do has been done. */
export class NothingToSignError extends TuringFogError {
  constructor() {
    super("There is nothing to do, and so nothing to sign");
  }
}

/**
 * Writes calls down for the owners of a Safe, as a batch that its Transaction Builder loads. Nothing is sent; whoever
 * signs reads what each transaction does.
 */
export class SafeSender implements Sender {
  readonly address = undefined;

  /** @param title what the batch does */
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

/** As Safe's Transaction Builder reads and writes it, version 1.0. */
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
