import { type Call, type Connection, KeySender, type Sender, type Submitted } from "@turingfog/operator";
import { explorerPage } from "@turingfog/sdk";
import { type Change, diff, simulate } from "@turingfog/sdk/ethers";
import { formatEther } from "ethers";

import type { Output } from "./output.js";
import { confirm, type ConfirmationValues } from "./confirm.js";

/** Outcome of calls, for a result. */
export interface Outcome {
  kind: Submitted["kind"];
  /** Hash of the transaction, of the first if there are several, if it was sent. */
  transaction?: string;
  /** Hashes of all transactions, if several were sent. */
  transactions?: string[];
  /** Pages of the chain's explorer on the transactions. */
  explorer?: string[];
  /** File with the batch, if the calls were written for a multisig. */
  file?: string;
  /** Gas of all calls that could be estimated. */
  gas?: bigint;
  /** What that gas costs at its present price, in wei. */
  cost?: bigint;
}

/** What a call needs on its way. */
export interface Step {
  connection: Connection;
  sender: Sender;
  values: ConfirmationValues;
  output: Output;
}

/**
 * Tries a call as its sender, if that is known, so that it fails before anything is promised or paid. Then shows what it
 * changes, and submits it, once it is confirmed if it is sent.
 * @param isDone see `Sender`
 * @throws RevertError with the error that the contract declares, UsageError, NotConfirmedError
 */
export async function submitShown(
  { connection, sender, values, output }: Step,
  title: string,
  changes: readonly Change[],
  call: Call,
  isDone?: () => Promise<boolean>,
): Promise<Submitted> {
  if (sender.address !== undefined) await simulate(connection.provider, sender.address, call);
  output.say([title, indent(diff(changes) || "nothing changes")].join("\n"));
  if (sender instanceof KeySender) await confirm(connection, values, `this from ${sender.address}`);
  return sender.submit([call], isDone);
}

/** Returns the outcome of calls. */
export function outcomeOf({ chain }: Connection, submitted: Submitted): Outcome {
  switch (submitted.kind) {
    case "sent": {
      const hashes = submitted.receipts.flatMap((receipt) => receipt?.hash ?? []);
      const explorer = hashes.flatMap((hash) => explorerPage(chain, "tx", hash) ?? []);
      return {
        ...{ kind: "sent", transaction: hashes[0] },
        ...(hashes.length > 1 && { transactions: hashes }),
        ...(explorer.length > 0 && { explorer }),
      };
    }
    case "batch":
      return { kind: "batch", file: submitted.file };
    case "dry": {
      const known = submitted.gas.filter((each) => each !== undefined);
      if (known.length === 0) return { kind: "dry" };
      const gas = known.reduce((sum, each) => sum + each, 0n);
      return { kind: "dry", gas, cost: gas * submitted.gasPrice };
    }
  }
}

/** Describes the outcome of calls, for people. */
export function outcomeLine({ kind, transaction, transactions, explorer, file, gas, cost = 0n }: Outcome): string {
  switch (kind) {
    case "sent":
      if (transaction === undefined) return "Nothing sent: it was done already";
      return `Sent: ${(explorer ?? transactions ?? [transaction]).join("\n      ")}`;
    case "batch":
      return `Nothing sent: wrote ${file} for the Safe's Transaction Builder`;
    case "dry":
      if (gas === undefined) return "Nothing sent. It would take an unknown amount of gas";
      return `Nothing sent. It would take ${gas.toLocaleString("en")} gas, ${formatEther(cost)} coins at its present price`;
  }
}

export function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}
