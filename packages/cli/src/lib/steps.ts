import type { Call, Connection, Sender, Submitted } from "@turingfog/operator";
import { type Change, diff, simulate } from "@turingfog/sdk/ethers";

/** Outcome of a call, for a result. */
export interface Outcome {
  kind: Submitted["kind"];
  /** Hash of the transaction, if the call was sent. */
  transaction?: string;
  /** File with the batch, if the call was written for a multisig. */
  file?: string;
  gas?: bigint;
}

/**
 * Tries a call as its sender, if that is known, so that it fails before anything is paid. Then submits it.
 * @throws RevertError with the error that the contract declares
 */
export async function submitTried({ provider }: Connection, sender: Sender, call: Call): Promise<Submitted> {
  if (sender.address !== undefined) await simulate(provider, sender.address, call);
  return sender.submit([call]);
}

/** Submits a call as {@link submitTried} does, and returns the outcome. */
export async function submitCall(connection: Connection, sender: Sender, call: Call): Promise<Outcome> {
  return outcomeOf(await submitTried(connection, sender, call));
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

/** Describes the changes and the outcome of a call, for people. */
export function describeOutcome(title: string, changes: readonly Change[], outcome: Outcome): string {
  return [title, indent(diff(changes) || "nothing changes"), outcomeLine(outcome)].join("\n");
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
