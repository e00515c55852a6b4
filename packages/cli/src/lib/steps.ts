import { type Call, type Connection, KeySender, type Sender, type Submitted } from "@turingfog/operator";
import { type Change, diff, simulate } from "@turingfog/sdk/ethers";

import type { Output } from "./output.js";
import { confirm, type ConfirmationValues } from "./confirm.js";

/** Outcome of a call, for a result. */
export interface Outcome {
  kind: Submitted["kind"];
  /** Hash of the transaction, if the call was sent. */
  transaction?: string;
  /** File with the batch, if the call was written for a multisig. */
  file?: string;
  gas?: bigint;
}

/** What a call needs on its way. */
export interface Step {
  connection: Connection;
  sender: Sender;
  values: ConfirmationValues;
  output: Output;
}

/**
 * Shows what a call changes, and tries it as its sender, if that is known, so that it fails before anything is paid. Then
 * submits it, once it is confirmed if it is sent.
 * @throws RevertError with the error that the contract declares, UsageError, NotConfirmedError
 */
export async function submitShown(
  { connection, sender, values, output }: Step,
  title: string,
  changes: readonly Change[],
  call: Call,
): Promise<Submitted> {
  output.say([title, indent(diff(changes) || "nothing changes")].join("\n"));
  if (sender.address !== undefined) await simulate(connection.provider, sender.address, call);
  if (sender instanceof KeySender) await confirm(connection, values, `this from ${sender.address}`);
  return sender.submit([call]);
}

/** Returns the outcome of a single call. */
export function outcomeOf(submitted: Submitted): Outcome {
  switch (submitted.kind) {
    case "sent":
      return { kind: "sent", transaction: submitted.receipts[0]?.hash };
    case "batch":
      return { kind: "batch", file: submitted.file };
    case "dry":
      return { kind: "dry", gas: submitted.gas[0] };
  }
}

/** Describes the outcome of a call, for people. */
export function outcomeLine({ kind, transaction, file, gas }: Outcome): string {
  switch (kind) {
    case "sent":
      return `Sent: ${transaction}`;
    case "batch":
      return `Nothing sent: wrote ${file} for the Safe's Transaction Builder`;
    case "dry":
      return `Nothing sent. It would take ${gas === undefined ? "an unknown amount of" : gas.toLocaleString("en")} gas`;
  }
}

export function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}
