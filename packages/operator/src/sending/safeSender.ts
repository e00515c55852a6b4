import { toJson, TuringFogError } from "@turingfog/sdk";
import { writeAtomically } from "@turingfog/sdk/node";
import { id } from "ethers";
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

/**
 * Returns a batch in the format of Safe's Transaction Builder, version 1.0. The same calls give the same bytes, so that
 * owners can compare their files: the date of creation is fixed.
 */
export function safeBatch(chainId: bigint, name: string, calls: readonly Call[]) {
  const batch = {
    version: "1.0",
    chainId: chainId.toString(),
    createdAt: 0,
    meta: {
      name,
      description: calls.map(({ description }) => description).join("; "),
    },
    transactions: calls.map(({ to, value, data }) => ({
      to,
      value: (value ?? 0n).toString(),
      data,
      contractMethod: null,
      contractInputsValues: null,
    })),
  };
  return { ...batch, meta: { ...batch.meta, checksum: batchChecksum(batch) } };
}

/**
 * Returns the checksum by which the Transaction Builder tells whether a batch was changed, as `checksum.ts` of
 * safe-global/safe-react-apps has it: keccak256 of the batch's canonical text, with null for the name and without the
 * checksum.
 */
export function batchChecksum(batch: { meta: object }): string {
  return id(canonicalText({ ...batch, meta: { ...batch.meta, name: null, checksum: undefined } }));
}

/** Writes an object as its sorted keys, then each value and a comma; everything else as JSON has it. */
function canonicalText(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  fields.sort(([a], [b]) => (a < b ? -1 : 1));
  const values = fields.map(([, each]) => `${canonicalText(each)},`);
  return `{${JSON.stringify(fields.map(([key]) => key))}${values.join("")}}`;
}
