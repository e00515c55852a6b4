import { randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";

import {
  HttpClient,
  priceOn,
  readNodeDocument,
  Rental,
  type RentalRecord,
  runnerFor,
  slotsText,
} from "@turingfog/network";
import { latestBlock, MemoryJournal } from "@turingfog/operator";
import { depositOf, formatDuration, HOUR, pricePerGpuHour, TuringFogError } from "@turingfog/sdk";
import {
  connectContracts,
  IERC20Metadata__factory,
  type LogRange,
  readEvents,
  timelockWitness,
  TuringFog,
  type SystemContracts,
  withTransferExplained,
} from "@turingfog/sdk/ethers";
import { formatUnits, hexlify, keccak256, parseUnits, type Provider, type Wallet } from "ethers";

import { assetNamed } from "../../lib/asset.js";
import { newCommand, UsageError, wholeNumber } from "../../lib/command.js";
import { confirm, type ConfirmationValues } from "../../lib/confirm.js";
import { DEPLOYMENTS, NETWORK, openDeployment, type OpenDeployment } from "../../lib/deployed.js";
import { finalityText } from "../../lib/finality.js";
import { FrozenError, frozenUntil } from "../../lib/freeze.js";
import { readNodeId } from "../../lib/nodeId.js";
import { type Output, outputOf } from "../../lib/output.js";
import { KEYSTORE, keySenderOf, MAX_FEE, openWallet, YES } from "../../lib/sender.js";
import { slotsOf } from "../../lib/slots.js";
import { outcomeLine, outcomeOf } from "../../lib/steps.js";
import { formatPrice, formatToken, readToken, type Token } from "../../lib/token.js";

export const command = newCommand({
  description: `Opens an order on a node: seals the job, shows what it costs and who can read it, and pays once that is confirmed.

If DIR has an order that was begun, goes on with it, and needs none of its terms again. An order that is refused before it was sent
leaves nothing in DIR.`,
  examples: [
    "turingfog order open ORDER --network sepolia --node 7 --asset USDC --tu 0.5 --hours 12 --runner hash --files FILES",
    "turingfog order open ORDER --network sepolia",
  ],
})
  .argument("<DIR>", "folder for the order's keys and its sealed bundle")
  .addOption(NETWORK)
  .addOption(DEPLOYMENTS)
  .option("--node <ID>", "the node")
  .option("--asset <TOKEN>", "what is paid with, by its symbol or its address")
  .option("--tu <AMOUNT>", "TU to buy, as 0.5")
  .option("--hours <N>", "hours until the order ends")
  .option("--runner <NAME>", "the node's runner that the job asks for")
  .option("--slot <NAME=VALUE...>", "what fills slots of the runner")
  .option("--files <DIR>", "folder of the job's files; default: none")
  .option("--images-per-tu <N>", "meter by work: images that make 1 TU; 0 to meter time", "0")
  .option("--encrypt-progress", "let the renter alone read the progress", false)
  .option("--approve", "allow the escrow the deposit in a transaction of its own, for an asset without permits", false)
  .option("--allow-private", "take a node on a private address, and http, for test networks", false)
  .addOption(KEYSTORE)
  .addOption(MAX_FEE)
  .addOption(YES)
  .action((folder, values) => openOrder(folder, values, outputOf(values)));

/** Thrown when an account has less of an asset than an order's deposit. */
class BalanceTooLowError extends TuringFogError {
  constructor(account: string, balance: bigint, deposit: bigint, token: Token) {
    super(
      `You have ${formatToken(balance, token)}, the deposit is ${formatToken(deposit, token)}: ` +
        `${account} needs more of ${token.address}`,
    );
  }
}

/** Thrown when an order was opened, and the node has no log of it. */
class NotSeenError extends TuringFogError {
  constructor(folder: string) {
    super(
      `The order of ${folder} was opened, and the chain's node does not tell its ID yet: run the same command again`,
    );
  }
}

interface Values extends ConfirmationValues {
  maxFee?: bigint;
  network: string;
  deployments: string;
  node?: string;
  asset?: string;
  tu?: string;
  hours?: string;
  runner?: string;
  slot?: string[];
  files?: string;
  imagesPerTu: string;
  encryptProgress: boolean;
  approve: boolean;
  allowPrivate: boolean;
  keystore?: string;
}

async function openOrder(folder: string, values: Values, output: Output): Promise<void> {
  const deployment = await openDeployment(values);
  const { connection, book } = deployment;
  const { provider } = connection;
  const contracts = connectContracts(book.addresses, provider);
  const wallet = await openWallet(connection, values.keystore, output);
  const rental = new Rental(folder);
  const opening = { deployment, contracts, wallet, values, output };
  const range = rangeOf(deployment);
  const isBegun = rental.isPrepared;
  if (isBegun) await rental.checkTerms(await givenTerms(values, wallet.address, contracts, range));
  else await prepare(opening, rental);
  const record = await rental.read();
  if (record.orderId !== undefined) return output.result(record, `Order ${record.orderId} is open already`);
  const find = () => openedBefore(contracts, range, wallet.address, record);
  const before = await find();
  if (before === undefined) {
    const journal = new MemoryJournal();
    try {
      await checkNotFrozen(contracts, provider);
      await checkBalance(record, wallet.address, provider);
      output.say(await describe(record, contracts, provider, rental.folder));
      await confirm(connection, values, `the deposit from ${wallet.address}`);
      await open(opening, record, journal);
    } catch (error) {
      // once it may have been sent, nothing but the folder's keys opens what was paid for
      const isSent = journal.attempts.some(({ call }) => call === openingOf(record));
      if (!isBegun && !isSent) await rental.discard();
      throw error;
    }
  }
  const orderId = before ?? (await find());
  if (orderId === undefined) throw new NotSeenError(folder);
  await rental.write({ ...record, orderId });
  const opened = `Order ${orderId} is open${finalityText(connection)}. Next: turingfog order send ${folder}`;
  output.result({ ...record, orderId }, opened);
}

function rangeOf({ connection, book }: OpenDeployment) {
  return { provider: connection.provider, since: book.firstBlock ?? 0 };
}

/** What an order is opened with. */
interface Opening {
  deployment: OpenDeployment;
  contracts: SystemContracts;
  wallet: Wallet;
  values: Values;
  output: Output;
}

/** Checks that the node and the account can do what the terms say, then seals the job and writes the terms down. */
async function prepare({ deployment, contracts, wallet, values }: Opening, rental: Rental): Promise<void> {
  const { connection, book } = deployment;
  const { provider, chainId } = connection;
  const { nodeId, duration, tuAmount, runner, ...given } = termsOf(values);
  await checkFiles(values.files);
  await checkNotFrozen(contracts, provider);
  const range = rangeOf(deployment);
  const asset = await assetNamed(given.asset, contracts, range);
  const now = BigInt((await latestBlock(provider)).timestamp);
  const unitPrice = await priceOn(contracts.registry, { nodeId, asset, tuAmount, duration, now });
  await checkBalance({ asset, tuAmount, maxUnitPrice: unitPrice }, wallet.address, provider);

  const client = new HttpClient();
  const source = { contracts, chainId, ...range, client, allowPrivate: values.allowPrivate, now };
  const document = await readNodeDocument(nodeId, source).finally(() => client.close());
  const slots = slotsOf(values.slot ?? []);
  runnerFor(document, { runner, slots });

  const salt = hexlify(randomBytes(32));
  const renter = wallet.address.toLowerCase();
  const common = { nodeId, asset: asset.toLowerCase(), tuAmount, renter };
  const imagesPerTU = BigInt(wholeNumber("images-per-tu", values.imagesPerTu, 0));
  const progress = values.encryptProgress ? ("encrypted" as const) : ("public" as const);
  const order = { chainId, escrow: book.addresses.escrow.toLowerCase(), ...common };
  const job = { ...order, salt, runner, slots, imagesPerTU, holdback: 0n, progress };
  const { allowPrivate } = values;
  const reached = { endpoint: document.endpoint, recipient: document.encryptionKey, allowPrivate };
  // what is paid for once follows from what was drawn once
  const payment = { maxUnitPrice: unitPrice, duration, paymentRef: keccak256(salt) };
  await rental.prepare(values.files, job, { network: values.network, ...common, ...payment, ...reached });
}

/** Checks that --files names a folder. @throws UsageError */
async function checkFiles(files: string | undefined): Promise<void> {
  if (files === undefined) return;
  const found = await stat(files).catch(() => undefined);
  if (found?.isDirectory() !== true) throw new UsageError(`--files is ${files}, must be a folder that exists`);
}

/** Checks that an account has an order's deposit. @throws BalanceTooLowError */
async function checkBalance(
  { asset, tuAmount, maxUnitPrice }: Pick<RentalRecord, "asset" | "tuAmount" | "maxUnitPrice">,
  account: string,
  provider: Provider,
): Promise<void> {
  const deposit = depositOf(tuAmount, maxUnitPrice);
  const balance = await IERC20Metadata__factory.connect(asset, provider).balanceOf(account);
  if (balance < deposit) throw new BalanceTooLowError(account, balance, deposit, await readToken(asset, provider));
}

/** Pays the deposit by a permit, or after an approval, and opens the order once, however often it is tried. */
async function open(
  { deployment, wallet, values, output }: Opening,
  record: RentalRecord,
  journal: MemoryJournal,
): Promise<void> {
  const { connection, book } = deployment;
  const { escrow } = book.addresses;
  const fog = new TuringFog(book.addresses, wallet);
  const { nodeId, asset, tuAmount, maxUnitPrice, duration, jobHash, paymentRef } = record;
  const request = { nodeId, asset, tuAmount, maxUnitPrice, duration, jobHash, paymentRef };
  const deposit = fog.depositFrom(request, wallet.address);
  const token = IERC20Metadata__factory.connect(asset, wallet);
  const approval = {
    call: {
      description: "Approve the deposit",
      to: asset,
      data: token.interface.encodeFunctionData("approve", [escrow, deposit.amount]),
    },
    isDone: async () => (await token.allowance(wallet.address, escrow)) >= deposit.amount,
  };
  const { to, data } = await (values.approve ? fog.openingCall(request) : fog.permittedOpeningCall(request));
  const opening = {
    call: { description: openingOf(record), to, data },
    isDone: () => fog.contracts.escrow.isPaymentRefUsed(wallet.address, paymentRef),
  };
  const steps = values.approve ? [approval, opening] : [opening];
  const sender = await keySenderOf(wallet, connection, values.maxFee, output, journal);
  const sent = sender.submit(
    steps.map(({ call }) => call),
    (i) => steps[i].isDone(),
  );
  const submitted = await withTransferExplained(sent, wallet, () => deposit);
  output.say(outcomeLine(outcomeOf(connection, submitted)));
}

/** Describes the transaction that opens an order. */
function openingOf({ jobHash }: RentalRecord): string {
  return `Open the order of job ${jobHash}`;
}

/** @throws FrozenError */
async function checkNotFrozen(contracts: SystemContracts, provider: Provider): Promise<void> {
  const until = await frozenUntil(contracts, BigInt((await latestBlock(provider)).timestamp));
  if (until !== undefined) throw new FrozenError(until);
}

function termsOf({ node, asset, tu, hours, runner }: Values) {
  for (const [name, value] of Object.entries({ node, asset, tu, hours, runner })) {
    if (value === undefined) throw new UsageError(`--${name} is missing; see --help`);
  }
  const duration = BigInt(wholeNumber("hours", hours ?? "", 1)) * HOUR;
  const tuAmount = readTU(tu ?? "");
  return { nodeId: readNodeId(node ?? ""), asset: asset ?? "", tuAmount, duration, runner: runner ?? "" };
}

function readTU(text: string): bigint {
  if (/^\d{1,9}(\.\d{1,18})?$/.test(text)) return parseUnits(text, 18);
  throw new UsageError(`--tu is ${text}, must be TU as 0.5`);
}

/** Returns the terms that were given for an order that was begun before, as texts. */
async function givenTerms(
  values: Values,
  renter: string,
  contracts: SystemContracts,
  range: LogRange,
): Promise<Record<string, string | undefined>> {
  const { network, node, asset, tu, hours, runner, slot, imagesPerTu, encryptProgress } = values;
  return {
    network,
    renter: renter.toLowerCase(),
    node: node && String(readNodeId(node)),
    asset: asset && (await assetNamed(asset, contracts, range)).toLowerCase(),
    tu: tu && String(readTU(tu)),
    duration: hours && String(BigInt(wholeNumber("hours", hours, 1)) * HOUR),
    runner,
    slots: slot && slotsText(slotsOf(slot)),
    imagesPerTU: imagesPerTu === "0" ? undefined : imagesPerTu,
    progress: encryptProgress ? "encrypted" : undefined,
  };
}

/** Returns the order that an earlier try has opened, whose end it did not see. */
async function openedBefore(
  { escrow, timelock }: SystemContracts,
  range: LogRange,
  payer: string,
  { paymentRef }: RentalRecord,
): Promise<bigint | undefined> {
  if (!(await escrow.isPaymentRefUsed(payer, paymentRef))) return undefined;
  const [opened] = await readEvents(range, await timelockWitness(timelock), {
    contract: escrow,
    event: escrow.filters.OrderOpened,
    args: [null, null, payer],
  });
  return opened.find(({ args }) => args.paymentRef === paymentRef)?.args.orderId;
}

async function describe(
  record: RentalRecord,
  { registry }: SystemContracts,
  provider: Provider,
  folder: string,
): Promise<string> {
  const { nodeId, asset, tuAmount, maxUnitPrice, duration, endpoint, jobHash } = record;
  const { gpuModel } = await registry.node(nodeId);
  const token = await readToken(asset, provider);
  const gpuHour = pricePerGpuHour(maxUnitPrice, await registry.ratingOf(gpuModel));
  const amount = (units: bigint) => formatToken(units, token);
  return [
    `Order of ${formatUnits(tuAmount, 18)} TU on node ${nodeId} at ${endpoint}, for ${formatDuration(duration)}`,
    `  Price     ${amount(maxUnitPrice)} for 1 TU, ${formatPrice(gpuHour, token)} for an hour of one GPU`,
    `  Deposit   ${amount(depositOf(tuAmount, maxUnitPrice))}; what is not delivered comes back when the order closes`,
    `  Job       ${jobHash}, sealed in ${folder}`,
    `  Readable  by the owner of node ${nodeId}, once it was sent; by nobody else`,
  ].join("\n");
}
