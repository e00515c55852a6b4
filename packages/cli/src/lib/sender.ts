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

/** Options of every command that sends something. */
export const SENDER_OPTIONS = {
  keystore: { type: "string" },
  safe: { type: "string" },
  "max-fee": { type: "string" },
  "dry-run": { type: "boolean", default: false },
} as const;

/** Text that explains {@link SENDER_OPTIONS}, for a usage text. */
export const SENDER_USAGE = `  --keystore FILE    the sender's encrypted key; asks for its passphrase unless TURINGFOG_PASSPHRASE is set. Without
                     this option uses TURINGFOG_KEYSTORE or TURINGFOG_PRIVATE_KEY, or a local node's first account
  --safe FILE        send nothing: write the transactions to FILE for a Safe's Transaction Builder
  --max-fee GWEI     highest fee per unit of gas (default: three times the current price)
  --dry-run          send nothing: show what would be sent, and what it would cost`;

/** Values of {@link SENDER_OPTIONS}. */
export interface SenderValues {
  keystore?: string;
  safe?: string;
  "max-fee"?: string;
  "dry-run"?: boolean;
}

/** Default limit of the gas price, as a multiple of the price when the command starts. */
const HEADROOM = 3n;

/**
 * Returns the sender that the values of a command name.
 * @param title what the command does, for those who sign a batch
 * @param journal journal in which transactions are recorded before they are sent; kept in memory if left out
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
    throw new UsageError("--safe and --keystore exclude each other: a batch is signed by the Safe's owners");
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

/** Returns the sources in which a command looks for a key. */
export function keySource(network: string, keystore?: string): KeySource {
  return { keystore, isLocal: isLocal(network), ask: (question) => askSecret(question, PASSPHRASE_VARIABLE) };
}

function readFee(gwei: string | undefined): bigint | undefined {
  if (gwei === undefined) return undefined;
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(gwei)) throw new UsageError(`--max-fee is ${gwei}, must be gwei as 25 or 0.05`);
  return parseUnits(gwei, "gwei");
}
