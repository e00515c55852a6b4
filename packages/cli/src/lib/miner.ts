import { addressOf } from "@turingfog/operator";
import { connectContracts, type EarnedBucket, type Earnings, readEarnings } from "@turingfog/sdk/ethers";
import { formatAmount } from "@turingfog/sdk";
import { getAddress } from "ethers";

import { UsageError } from "./command.js";
import type { OpenDeployment } from "./deployed.js";
import { type Output, table } from "./output.js";
import { progressOn } from "./progress.js";
import { keySource } from "./sender.js";
import { formatToken, readAddress, readTokens, type Token } from "./token.js";

/** Writes an amount of TFT, as "1,234.50 TFT"; cuts off what is below a millionth. */
export function formatTft(amount: bigint): string {
  return `${formatAmount(amount, 18, 6)} TFT`;
}

/**
 * Returns the account that a command is about: the one that an option names, or that of the sender's key.
 * @throws UsageError if there is neither
 */
export async function accountOf(
  network: string,
  option: string,
  { account, keystore }: { account?: string; keystore?: string },
): Promise<string> {
  if (account !== undefined) return readAddress(option, account);
  const own = await addressOf(keySource(network, keystore));
  if (own === undefined) throw new UsageError(`--${option} is missing, and there is no key whose account it could be`);
  return getAddress(own);
}

/** Reads what a miner has earned, and the tokens that it was earned in. */
export async function earningsOf(
  { connection, book }: OpenDeployment,
  miner: string,
  output: Output,
): Promise<Earnings & { tokens: Map<string, Token> }> {
  const { provider } = connection;
  const contracts = connectContracts(book.addresses, provider);
  const range = { provider, since: book.firstBlock ?? 0, onProgress: progressOn(output) };
  const earnings = await readEarnings(contracts, range, miner);
  const tokens = await readTokens(
    earnings.buckets.map(({ asset }) => asset),
    provider,
  );
  return { ...earnings, tokens };
}

/** Returns the TFT, 18 decimals, that can be claimed now. */
export function claimableOf(buckets: readonly EarnedBucket[]): bigint {
  return buckets.reduce((sum, { claimable }) => sum + claimable, 0n);
}

const STATES: Record<EarnedBucket["state"], string> = {
  open: "takes in earnings until its day ends",
  closed: "is being burned or sold",
  final: "final",
};

/** Shows buckets as a table. */
export function bucketTable(buckets: readonly EarnedBucket[], tokens: ReadonlyMap<string, Token>): string {
  const head = ["round", "asset", "epochs", "earned", "state", "claimable"];
  const rows = buckets.map(({ round, asset, weight, state, claimable, settlements }) => {
    const token = tokens.get(asset);
    const epochs = [...new Set(settlements.map(({ epoch }) => epoch))].sort((a, b) => Number(a - b));
    return [
      String(round),
      token?.symbol ?? asset,
      epochs.join(", "),
      token === undefined ? String(weight) : formatToken(weight, token),
      STATES[state],
      state === "final" ? formatTft(claimable) : "not yet",
    ];
  });
  return table([head, ...rows]);
}
