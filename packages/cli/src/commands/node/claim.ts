import { setTimeout as sleep } from "node:timers/promises";

import { type Call, type Connection, KeySender, MemoryJournal, type Sender } from "@turingfog/operator";
import { MOST_BUCKETS } from "@turingfog/sdk";
import { connectContracts, type SystemContracts } from "@turingfog/sdk/ethers";
import { keccak256 } from "ethers";

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
pays the gas. With --every it goes on until SIGTERM; what fails is tried again the next time, and nothing is claimed twice: a claim
that is not mined is sent again in its own place, with a higher fee.

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

/** What a command claims, and how. */
interface Claiming {
  deployment: OpenDeployment;
  sender: Sender;
  miner: string;
  recipient?: string;
  /** TFT, 18 decimals. */
  least: bigint;
  /** Undefined if it claims once. */
  signed?: Signed;
}

/** A claim as it is sent. */
interface Prepared {
  call: Call;
  ids: bigint[];
  /** TFT, 18 decimals. */
  amount: bigint;
  recipient: string;
  rounds: bigint[];
}

/** What claims again and again have signed, and the last of them, which may not be mined. */
interface Signed {
  journal: MemoryJournal;
  last?: Prepared;
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
  const signed = { journal: new MemoryJournal() };
  const renewed = every === undefined ? undefined : await renewableSender(connection, values, output, signed);
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
  const claims = await claimAgain({ ...claiming, signed }, renewed, every, output);
  const sum = claims.reduce((all, { amount }) => all + amount, 0n);
  output.result({ miner, claims }, `Claimed ${formatTft(sum)} in ${claims.length} claims`);
}

/** Opens the key once, and returns what makes a sender of it. */
async function renewableSender(
  connection: Connection,
  values: Values,
  output: Output,
  { journal }: Signed,
): Promise<() => Promise<Sender>> {
  checkConfirmable(connection, values);
  const wallet = await openWallet(connection, values.keystore, output);
  return () => keySenderOf(wallet, connection, values.maxFee, output, journal);
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
        // others may have claimed it first
        if (claimed.outcome.transaction !== undefined) claims.push(claimed);
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

/** Claims what can be claimed now, once it is confirmed; undefined if that is nothing or too little. */
async function claimOnce(claiming: Claiming, values: SenderValues, output: Output): Promise<Claimed | undefined> {
  const { deployment, sender, miner, signed } = claiming;
  const { connection, book } = deployment;
  const { pool } = connectContracts(book.addresses, connection.provider);
  const prepared = (await unfinished(claiming, pool)) ?? (await prepare(claiming, pool, output));
  if (prepared === undefined) return undefined;
  if (signed !== undefined) signed.last = prepared;
  const { call, ids, amount, recipient, rounds } = prepared;
  const change = { what: `TFT of ${miner}`, from: "in the pool", to: `${formatTft(amount)} paid to ${recipient}` };
  const step = { connection, sender, values, output };
  const isDone = async () => (await pool.claimable(miner, ids)) === 0n;
  const submitted = await submitShown(step, `Claim of ${ids.length} rounds`, [change], call, isDone);
  return { amount, recipient, rounds, outcome: outcomeOf(connection, submitted) };
}

/**
 * Returns the claim that waits to be mined, to be sent again in its own place. If others have claimed meanwhile, puts an empty
 * transaction there, so that it does not hold up what comes after it.
 */
async function unfinished(
  { deployment, sender, miner, signed }: Claiming,
  pool: SystemContracts["pool"],
): Promise<Prepared | undefined> {
  if (signed?.last === undefined || !(sender instanceof KeySender)) return undefined;
  const used = await deployment.connection.provider.getTransactionCount(sender.address);
  const waiting = signed.journal.attempts.filter(({ nonce }) => nonce >= used).at(-1);
  if (waiting === undefined) return undefined;
  if ((await pool.claimable(miner, signed.last.ids)) > 0n) return signed.last;
  await sender.replace(waiting, { description: `Cancel transaction ${waiting.nonce}`, to: sender.address, data: "0x" });
  return undefined;
}

/** Shows what can be claimed now; undefined if that is nothing or too little. */
async function prepare(
  { deployment, sender, miner, recipient: given, least }: Claiming,
  pool: SystemContracts["pool"],
  output: Output,
): Promise<Prepared | undefined> {
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
  const recipient = isOwn ? (given ?? miner) : set;
  const ids = some.map(({ id }) => id);
  const data = isOwn
    ? pool.interface.encodeFunctionData("claim", [ids, recipient])
    : pool.interface.encodeFunctionData("claimFor", [miner, ids]);
  // a bucket that was claimed is never claimable again
  const description = `Claim ${ids.length} rounds for ${miner} (${keccak256(data).slice(0, 10)})`;
  const call = { description, to: deployment.book.addresses.pool, data };
  return { call, ids, amount, recipient, rounds: some.map(({ round }) => round) };
}
