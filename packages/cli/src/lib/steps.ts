import type { Call, Connection, Sender, Submitted } from "@turingfog/operator";
import { type Change, diff, simulate } from "@turingfog/sdk/ethers";

/** What became of a call, for a result. */
export interface Outcome {
  kind: Submitted["kind"];
  /** Hash, where it was sent. */
  transaction?: string;
  /** Where it was written down for a multisig. */
  file?: string;
  gas?: bigint;
}

/**
 * Makes a call as its sender would, where that is known, to see it fail before anything is paid; then does it.
 * @throws RevertError by the error that the contract declares
 */
export async function submitCall({ provider }: Connection, sender: Sender, call: Call): Promise<Outcome> {
  if (sender.address !== undefined) await simulate(provider, sender.address, call);
  const submitted = await sender.submit([call]);
  switch (submitted.kind) {
    case "sent":
      return { kind: "sent", transaction: submitted.receipts[0]?.hash };
    case "batch":
      return { kind: "batch", file: submitted.file };
    case "dry":
      return { kind: "dry", gas: submitted.gas[0] };
  }
}

/** The changes and what became of the call, for people. */
export function describeOutcome(title: string, changes: readonly Change[], outcome: Outcome): string {
  return [title, indent(diff(changes) || "nothing changes"), outcomeLine(outcome)].join("\n");
}

/** Says what became of a call, for people. */
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
