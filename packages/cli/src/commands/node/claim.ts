import { setTimeout as sleep } from "node:timers/promises";

import { type Connection, type Sender } from "@turingfog/operator";
import { connectContracts } from "@turingfog/sdk/ethers";

import { UsageError, wholeNumber } from "../../lib/command.js";
import { checkConfirmable, confirm } from "../../lib/confirm.js";
import { openDeployment, type OpenDeployment } from "../../lib/deployed.js";
import { bucketTable, claimableOf, earningsOf, formatTft } from "../../lib/miner.js";
import { type Output, outputOf } from "../../lib/output.js";
import { keySenderOf, openSender, openWallet, sendingCommand, type SenderValues } from "../../lib/sender.js";
import { type Outcome, outcomeLine, outcomeOf, submitShown } from "../../lib/steps.js";
import { readAddress, readAmount } from "../../lib/token.js";

export const command = sendingCommand({
  description: `Claims the TFT that nodes have earned for their payout account, once or again and again.

The payout account claims to itself, or to --recipient. Any other key claims for --miner, to whom that account has said, and
pays the gas. With --every it goes on until SIGTERM; what fails is tried again the next time, and nothing is claimed twice.

--json prints {miner, claims}, each claim with its amount (TFT, 18 decimals), recipient, rounds and outcome.`,
  examples: [
    "turingfog node claim --network sepolia --keystore owner.json",
    "turingfog node claim --network sepolia --keystore owner.json --recipient 0x… --every 86400 --least 10 --yes",
    "turingfog node claim --network sepolia --miner 0x… --dry-run",
  ],
})
  .option("--miner <ADDRESS>", "payout account to claim for; default: that of the key")
  .option("--recipient <ADDRESS>", "who receives the TFT; only the payout account itself may say so here")
  .option("--least <TFT>", "claim nothing below this", "0")
  .option("--every <SECONDS>", "claim again each time that so many seconds have passed, until SIGTERM")
  .action((values) => claim(values, outputOf(values)));

interface Values extends SenderValues {
  network: string;
  deployments: string;
  miner?: string;
  recipient?: string;
  least: string;
  every?: string;
}

/** The most buckets of one transaction: each takes up to 40,000 gas. */
const MOST_BUCKETS = 200;

/** What a command claims, and how. */
interface Claiming {
  deployment: OpenDeployment;
  sender: Sender;
  miner: string;
  recipient?: string;
  /** TFT, 18 decimals. */
  least: bigint;
}

/** A claim that was submitted. */
interface Claimed {
  /** TFT, 18 decimals. */
  amount: bigint;
  recipient: string;
  rounds: bigint[];
  outcome: Outcome;
}

async function claim(values: Values, output: Output): Promise<void> {
  const every = values.every === undefined ? undefined : wholeNumber("every", values.every, 1);
  if (every !== undefined && (values.safe !== undefined || values.dryRun === true)) {
    throw new UsageError("--every sends: it takes neither --safe nor --dry-run");
  }
  const least = readAmount("least", values.least, 18, "TFT");
  const recipient = values.recipient === undefined ? undefined : readAddress("recipient", values.recipient);
  const named = values.miner === undefined ? undefined : readAddress("miner", values.miner);
  const deployment = await openDeployment(values);
  const { connection } = deployment;
  // a sender bounds its fees by the price when it is made, and claims may be years apart
  const renewed = every === undefined ? undefined : await renewableSender(connection, values, output);
  const sender = await (renewed?.() ?? openSender(connection, values, output, "TuringFog: claim"));
  const miner = named ?? sender.address;
  if (miner === undefined) throw new UsageError("--miner is missing: the batch of a Safe does not tell its account");
  if (recipient !== undefined && sender.address !== undefined && sender.address !== miner) {
    throw new UsageError(`--recipient is for ${miner} to say, the key is that of ${sender.address}: leave it out`);
  }
  const claiming = { deployment, sender, miner, recipient, least };
  if (every === undefined || renewed === undefined) {
    const claimed = await claimOnce(claiming, values, output);
    const text = claimed === undefined ? "Nothing was claimed" : outcomeLine(claimed.outcome);
    return output.result({ miner, claims: claimed === undefined ? [] : [claimed] }, text);
  }
  await confirm(connection, values, `what ${miner} can claim, every ${every} s, from ${sender.address}`);
  const claims = await claimAgain(claiming, renewed, every, output);
  const sum = claims.reduce((all, { amount }) => all + amount, 0n);
  output.result({ miner, claims }, `Claimed ${formatTft(sum)} in ${claims.length} claims`);
}

/** Opens the key once, and returns what makes a sender of it. */
async function renewableSender(connection: Connection, values: Values, output: Output): Promise<() => Promise<Sender>> {
  checkConfirmable(connection, values);
  const wallet = await openWallet(connection, values.keystore, output);
  return () => keySenderOf(wallet, connection, values.maxFee, output);
}

/** Claims until the process is told to end. */
async function claimAgain(
  claiming: Claiming,
  renewed: () => Promise<Sender>,
  every: number,
  output: Output,
): Promise<Claimed[]> {
  const end = new AbortController();
  const stop = () => end.abort();
  process.once("SIGTERM", stop).once("SIGINT", stop);
  const claims: Claimed[] = [];
  while (!end.signal.aborted) {
    try {
      const claimed = await claimOnce({ ...claiming, sender: await renewed() }, { yes: true }, output);
      if (claimed !== undefined) {
        claims.push(claimed);
        output.say(outcomeLine(claimed.outcome));
      }
    } catch (error) {
      output.note(`Not claimed, and tried again in ${every} s: ${(error as Error).message}`);
    }
    output.doing("Waiting for the next claim", `once in ${every} s`);
    // an end does not interrupt a claim, only the wait
    await sleep(every * 1_000, undefined, { signal: end.signal }).catch(() => undefined);
  }
  process.off("SIGTERM", stop).off("SIGINT", stop);
  return claims;
}

/** Shows what can be claimed now, and claims it once it is confirmed; undefined if that is nothing or too little. */
async function claimOnce(
  { deployment, sender, miner, recipient, least }: Claiming,
  values: SenderValues,
  output: Output,
): Promise<Claimed | undefined> {
  const { connection, book } = deployment;
  const { pool } = connectContracts(book.addresses, connection.provider);
  const { buckets, tokens, recipient: set } = await earningsOf(deployment, miner, output);
  if (buckets.length > 0) output.say(bucketTable(buckets, tokens));
  const some = buckets.filter(({ claimable }) => claimable > 0n).slice(0, MOST_BUCKETS);
  const amount = claimableOf(some);
  if (amount === 0n || amount < least) {
    const limit = amount === 0n ? "" : `, less than ${formatTft(least)}`;
    output.say(`${miner} can claim ${formatTft(amount)} now${limit}`);
    return undefined;
  }

  const isOwn = sender.address === undefined || sender.address === miner;
  const to = isOwn ? (recipient ?? miner) : set;
  const ids = some.map(({ id }) => id);
  const data = isOwn
    ? pool.interface.encodeFunctionData("claim", [ids, to])
    : pool.interface.encodeFunctionData("claimFor", [miner, ids]);
  const call = { description: `Claim for ${miner}`, to: book.addresses.pool, data };
  const change = { what: `TFT of ${miner}`, from: "in the pool", to: `${formatTft(amount)} paid to ${to}` };
  const step = { connection, sender, values, output };
  const outcome = outcomeOf(connection, await submitShown(step, `Claim of ${ids.length} rounds`, [change], call));
  return { amount, recipient: to, rounds: some.map(({ round }) => round), outcome };
}
