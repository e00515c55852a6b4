import { formatInstant } from "@turingfog/sdk";

/** Whose refusal it is, by the prefix of the error's name. */
const REFUSERS: Readonly<Record<string, string>> = {
  Escrow: "The escrow",
  Registry: "The registry of nodes",
  Controller: "The buyback",
  Pool: "The reward pool",
  Oracle: "The oracle",
  Vault: "The reserve",
  Filler: "The filler",
  ERC20: "The token",
  ERC721: "The order's token",
};

const OPENED = "What is filled in was paid before, and its order opened: look among your orders.";

/** A contract's error as the SDK decodes it. */
interface Revert extends Error {
  error: string;
  args: { toObject(): Record<string, unknown> };
}

/** Thrown when it went wrong after a transaction was sent: it may still be mined. */
export class SentError extends Error {
  constructor(
    readonly transaction: string,
    cause: unknown,
  ) {
    super(wordsOf(cause), { cause });
  }
}

/** Says in words why an act was not done. */
export function wordsOf(error: unknown): string {
  if (error instanceof SentError) return error.message;
  if (isRejection(error)) return "You have refused it in the wallet. Nothing was sent.";
  if (isRevert(error)) return refusal(error);
  return error instanceof Error ? error.message : String(error);
}

/** Says what a contract refuses, by the name of its error: Escrow_TooEarly is "too early". */
function refusal({ error, args }: Revert): string {
  if (error === "Escrow_PaymentRefUsed") return OPENED;
  const [, prefix, name] = /^(?:([A-Z][A-Za-z\d]*)_)?(.+)$/.exec(error) ?? [];
  const words = (name ?? error)
    .replace(/^ERC\d+/, "")
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .toLowerCase();
  const values = Object.entries(args.toObject()).map(([key, value]) => `${key} ${valueText(value)}`);
  const refuser = REFUSERS[prefix ?? /^ERC\d+/.exec(error)?.[0] ?? ""] ?? "The contract";
  return `${refuser} refuses: ${words}${values.length === 0 ? "" : ` (${values.join(", ")})`}. Its error is ${error}.`;
}

/** A number that can only be a moment is shown as one. */
function valueText(value: unknown): string {
  const isMoment = typeof value === "bigint" && value > 1_600_000_000n && value < 10_000_000_000n;
  return isMoment ? formatInstant(value) : String(value);
}

/** Told by its shape: the build shortens the names of classes, and the class itself is loaded later. */
function isRevert(error: unknown): error is Revert {
  if (!(error instanceof Error)) return false;
  const { error: name, args } = error as Partial<Revert>;
  return typeof name === "string" && args !== undefined;
}

const REJECTED = 4_001;

/** Wallets refuse by EIP-1193's code; ethers wraps it. */
function isRejection(error: unknown): boolean {
  if (typeof error !== "object" || error === null) return false;
  const { code, info, cause } = error as { code?: unknown; info?: { error?: unknown }; cause?: unknown };
  return code === REJECTED || code === "ACTION_REJECTED" || isRejection(info?.error) || isRejection(cause);
}
