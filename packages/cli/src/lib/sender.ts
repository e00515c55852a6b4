import {
  addressOf,
  type Connection,
  DryRunSender,
  isLocal,
  type Journal,
  KeySender,
  type KeySource,
  loadWallet,
  PASSPHRASE_VARIABLE,
  SafeSender,
  type Sender,
} from "@turingfog/operator";
import { parseUnits } from "ethers";

import { type Output, UsageError } from "./command.js";
import { askSecret } from "./prompt.js";

/** The options of every command that sends something. */
export const SENDER_OPTIONS = {
  keystore: { type: "string" },
  safe: { type: "string" },
  "max-fee": { type: "string" },
  "dry-run": { type: "boolean", default: false },
} as const;

/** What {@link SENDER_OPTIONS} mean, for a usage text. */
export const SENDER_USAGE = `  --keystore FILE    the sender's encrypted key; its passphrase is asked for, or taken from TURINGFOG_PASSPHRASE.
                     Otherwise TURINGFOG_KEYSTORE or TURINGFOG_PRIVATE_KEY; a local node's first account needs neither
  --safe FILE        send nothing: write the transactions to FILE, for the Transaction Builder of a Safe
  --max-fee GWEI     the most to pay for a unit of gas; three times the present price when left out
  --dry-run          send nothing: say what would be sent, and what it would cost`;

/** What {@link SENDER_OPTIONS} were given. */
export interface SenderValues {
  keystore?: string;
  safe?: string;
  "max-fee"?: string;
  "dry-run"?: boolean;
}

/** How much the price of gas may rise while a command runs, unless told. */
const HEADROOM = 3n;

/**
 * Who sends, by what a command was given.
 * @param title what it does, for whoever signs a batch
 * @param journal where what is sent is written down before
 */
export async function openSender(
  connection: Connection,
  values: SenderValues,
  output: Output,
  title: string,
  journal?: Journal,
): Promise<Sender> {
  const { provider, chainId } = connection;
  if (values.safe !== undefined && values.keystore !== undefined) {
    throw new Error("--safe and --keystore exclude each other: a batch is signed by the Safe's owners");
  }
  const source = keySource(connection.name, values.keystore);
  if (values["dry-run"] === true) {
    return new DryRunSender(values.safe === undefined ? await addressOf(source) : undefined, provider);
  }
  if (values.safe !== undefined) return new SafeSender(values.safe, chainId, title);

  const maxFeePerGas = readFee(values["max-fee"]) ?? HEADROOM * ((await provider.getFeeData()).gasPrice ?? 0n);
  const wallet = await loadWallet(source, provider);
  return new KeySender(wallet, connection, { maxFeePerGas, journal, say: (line) => output.say(line) });
}

/** Where a command looks for a key. */
export function keySource(network: string, keystore?: string): KeySource {
  return { keystore, isLocal: isLocal(network), ask: (question) => askSecret(question, PASSPHRASE_VARIABLE) };
}

function readFee(gwei: string | undefined): bigint | undefined {
  if (gwei === undefined) return undefined;
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(gwei)) throw new UsageError(`--max-fee is ${gwei}, must be gwei as 25 or 0.05`);
  return parseUnits(gwei, "gwei");
}
