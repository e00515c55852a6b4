import { Option } from "@commander-js/extra-typings";
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
import { parseUnits, type Wallet } from "ethers";

import { type HelpTexts, UsageError } from "./command.js";
import type { Output } from "./output.js";
import { checkConfirmable, type ConfirmationValues } from "./confirm.js";
import { deployedCommand } from "./deployed.js";
import { askSecret } from "./prompt.js";

export const KEYSTORE = new Option(
  "--keystore <FILE>",
  "the sender's encrypted key, whose passphrase is TURINGFOG_PASSPHRASE or asked for; " +
    "default: TURINGFOG_KEYSTORE or TURINGFOG_PRIVATE_KEY, or a local node's first account",
);
export const SAFE = new Option(
  "--safe <FILE>",
  "send nothing: write the transactions to FILE for a Safe's Transaction Builder",
).conflicts("keystore");
export const MAX_FEE = new Option(
  "--max-fee <GWEI>",
  "highest fee per unit of gas; default: three times the current price",
).argParser(readFee);
export const DRY_RUN = new Option("--dry-run", "send nothing: show what would be sent, and what it would cost");
export const YES = new Option("--yes", "send without asking, as it must be where there is no terminal");

/** Returns a command that works on a deployment and sends something. */
export function sendingCommand(texts: HelpTexts) {
  return deployedCommand(texts)
    .addOption(KEYSTORE)
    .addOption(SAFE)
    .addOption(MAX_FEE)
    .addOption(DRY_RUN)
    .addOption(YES);
}

/** Values of the options of a command that sends something. */
export interface SenderValues extends ConfirmationValues {
  keystore?: string;
  safe?: string;
  /** Wei per unit of gas. */
  maxFee?: bigint;
  dryRun?: boolean;
}

/** Default limit of the gas price, as a multiple of the price when the command starts. */
const HEADROOM = 3n;

/**
 * Returns the sender that the values of a command name. One that sends needs a confirmation: see `confirm`.
 * @param title what the command does, for those who sign a batch
 * @param journal journal in which transactions are recorded before they are sent; kept in memory if left out
 * @throws UsageError if nobody can confirm, before any passphrase is asked for
 */
export async function openSender(
  connection: Connection,
  values: SenderValues,
  output: Output,
  title: string,
  journal?: Journal,
): Promise<Sender> {
  const { provider, chainId } = connection;
  const { keystore, safe, maxFee } = values;
  if (values.dryRun === true) {
    const address = safe === undefined ? await addressOf(keySource(connection.name, keystore)) : undefined;
    return new DryRunSender(address, provider);
  }
  if (safe !== undefined) return new SafeSender(safe, chainId, title);

  checkConfirmable(connection, values);
  return keySenderOf(await openWallet(connection, keystore, output), connection, maxFee, output, journal);
}

/** Returns the sender of a key. @param maxFee wei per unit of gas */
export async function keySenderOf(
  wallet: Wallet,
  connection: Connection,
  maxFee: bigint | undefined,
  output: Output,
  journal?: Journal,
): Promise<KeySender> {
  const maxFeePerGas = maxFee ?? HEADROOM * ((await connection.provider.getFeeData()).gasPrice ?? 0n);
  const say = (line: string) => {
    output.say(line);
    output.doing("Waiting for the transaction to be mined");
  };
  return new KeySender(wallet, connection, { maxFeePerGas, journal, say });
}

/** Returns the key that the values of a command name. */
export function openWallet(
  { name, provider }: Connection,
  keystore: string | undefined,
  output: Output,
): Promise<Wallet> {
  const decrypting = () => output.doing("Decrypting the key");
  const ask = async (question: string) => {
    const passphrase = await askSecret(question, PASSPHRASE_VARIABLE);
    decrypting();
    return passphrase;
  };
  decrypting();
  return loadWallet({ ...keySource(name, keystore), ask }, provider);
}

/** Returns the sources in which a command looks for a key, without a way to ask for a passphrase. */
export function keySource(network: string, keystore?: string): KeySource {
  return { keystore, isLocal: isLocal(network) };
}

function readFee(gwei: string): bigint {
  if (!/^\d{1,9}(\.\d{1,9})?$/.test(gwei)) throw new UsageError(`--max-fee is ${gwei}, must be gwei as 25 or 0.05`);
  return parseUnits(gwei, "gwei");
}
