import { Option } from "@commander-js/extra-typings";
import { inventoryConfig, type MachineOffer, readConfig } from "@turingfog/network";
import { pricePerGpuHour, TuringFogError, unitPriceOf } from "@turingfog/sdk";
import {
  connectContracts,
  type LogRange,
  readEvents,
  type SystemContracts,
  timelockWitness,
} from "@turingfog/sdk/ethers";
import { type Provider } from "ethers";

import { assetNamed } from "../../lib/asset.js";
import { UsageError } from "../../lib/command.js";
import { openDeployment, type OpenDeployment } from "../../lib/deployed.js";
import { nodeOf, ratedMachines, readRegistered, submitBatches } from "../../lib/fleet.js";
import { readNodeId } from "../../lib/nodeId.js";
import { type Output, outputOf, table } from "../../lib/output.js";
import { openSender, sendingCommand, type SenderValues } from "../../lib/sender.js";
import { outcomeLine } from "../../lib/steps.js";
import { formatPrice, formatTU, readAddress, readAmount, readTokens, type Token } from "../../lib/token.js";

export const command = sendingCommand({
  description: `Offers a node's compute in an asset, or that of every machine of an inventory, each offer in a transaction of its own.

Sets the price and how many TU are on offer from now on. Orders lower the capacity, and running the command again restores it.
What the chain has already is skipped, so an interrupted run is finished by the same command.

--json prints {owner, listings, outcomes}; prices are in base units of the asset, TU with 18 decimals.`,
  examples: [
    "turingfog node list --network sepolia --node 7 --asset USDC --price 0.4 --capacity 100",
    "turingfog node list --network sepolia --node 7 --asset 0x… --price 0.05 --per-gpu-hour --capacity 100",
    "turingfog node list --network sepolia --inventory fleet.json5 --dry-run",
  ],
})
  .option("--node <ID>", "the node")
  .option("--asset <TOKEN>", "what is paid with, by its symbol or its address")
  .option("--price <AMOUNT>", "price of 1 TU in whole units of the asset, as 0.4; 0 withdraws the offer")
  .option("--per-gpu-hour", "the price is that of an hour of one GPU", false)
  .option("--capacity <TU>", "TU on offer")
  .addOption(
    new Option("--inventory <FILE>", "list all machines of this file, see docs/operators/node.md").conflicts([
      ...["node", "asset", "price", "capacity", "perGpuHour"],
    ]),
  )
  .option("--owner <ADDRESS>", "with --safe: the Safe, which owns the nodes")
  .action((values) => list(values, outputOf(values)));

interface Values extends SenderValues {
  network: string;
  deployments: string;
  node?: string;
  asset?: string;
  price?: string;
  perGpuHour: boolean;
  capacity?: string;
  inventory?: string;
  owner?: string;
}

/** Thrown when a machine of an inventory is no node yet. */
class NotRegisteredError extends TuringFogError {
  constructor(uri: string, owner: string) {
    super(`${uri} is no node of ${owner}: register it with turingfog node register first`);
  }
}

/** Thrown when a node is somebody else's. */
class OtherOwnerError extends TuringFogError {
  constructor(nodeId: bigint, owner: string, sender: string) {
    super(`Node ${nodeId} is ${BigInt(owner) === 0n ? "not registered" : `owned by ${owner}`}, not by ${sender}`);
  }
}

/** A node with an offer, as it is given. */
interface Wanted {
  nodeId: bigint;
  /** TU per day of one GPU, 18 decimals. */
  rating: bigint;
  offer: MachineOffer;
}

/** A listing to set. */
interface Listing {
  nodeId: bigint;
  asset: string;
  /** Base units of the asset per whole TU. */
  unitPrice: bigint;
  /** Base units of the asset per hour of one GPU. */
  gpuHourPrice: bigint;
  /** 18 decimals. */
  capacityTU: bigint;
  before: { unitPrice: bigint; capacityTU: bigint };
}

async function list(values: Values, output: Output): Promise<void> {
  const single = values.inventory === undefined ? offerOf(values) : undefined;
  const deployment = await openDeployment(values);
  const { connection, book } = deployment;
  const { provider } = connection;
  const contracts = connectContracts(book.addresses, provider);
  const { registry } = contracts;
  const sender = await openSender(connection, values, output, "TuringFog: list nodes");
  const owner = sender.address ?? (values.owner && readAddress("owner", values.owner));
  if (owner === undefined) throw new UsageError("--owner is missing: the batch of a Safe does not tell its account");
  const wanted =
    single === undefined
      ? await fleetOf(values.inventory as string, contracts, deployment, owner, output)
      : await singleOf(single, contracts, owner, { provider, since: book.firstBlock ?? 0 });

  const tokens = await readTokens(
    wanted.map(({ offer }) => offer.asset),
    provider,
  );
  const listings = await Promise.all(wanted.map((each) => listingOf(each, tokens, contracts)));
  const isSet = ({ unitPrice, capacityTU, before }: Listing) =>
    before.unitPrice === unitPrice && before.capacityTU === capacityTU;
  const missing = listings.filter((listing) => !isSet(listing));
  output.say(listingTable(listings, tokens, isSet));
  output.say(
    `${listings.length - missing.length} of ${listings.length} are listed so already, ${missing.length} are to be`,
  );
  const calls = missing.map(({ nodeId, asset, unitPrice, capacityTU }) => ({
    description: `List node ${nodeId} in ${(tokens.get(asset) as Token).symbol}, ${asset}`,
    to: book.addresses.registry,
    data: registry.interface.encodeFunctionData("setListing", [nodeId, asset, unitPrice, capacityTU]),
  }));
  const from = (await provider.getBlockNumber()) + 1;
  const isDone = (i: number) => wasSet(missing[i], contracts, provider, { since: book.firstBlock ?? 0, from });
  const step = { connection, sender, values, output };
  const outcomes = calls.length === 0 ? [] : await submitBatches(step, calls, isDone);
  const text = outcomes.length === 0 ? "Nothing was to be listed" : outcomes.map(outcomeLine).join("\n");
  output.result({ owner, listings, outcomes }, text);
}

function offerOf({ node, asset, price, capacity, perGpuHour }: Values): { nodeId: bigint; offer: MachineOffer } {
  for (const [name, value] of Object.entries({ node, asset, price })) {
    if (value === undefined) throw new UsageError(`--${name} is missing, or --inventory; see --help`);
  }
  const isWithdrawn = Number(price) === 0;
  if (capacity === undefined && !isWithdrawn) throw new UsageError("--capacity is missing; see --help");
  const offer = {
    price: price ?? "",
    per: perGpuHour ? ("GPU hour" as const) : ("TU" as const),
    capacity: capacity ?? "0",
  };
  return { nodeId: readNodeId(node ?? ""), offer: { ...offer, asset: asset ?? "" } };
}

async function singleOf(
  { nodeId, offer }: { nodeId: bigint; offer: MachineOffer },
  contracts: SystemContracts,
  sender: string,
  range: LogRange,
): Promise<Wanted[]> {
  const { registry } = contracts;
  const { owner, gpuModel } = await registry.node(nodeId);
  if (owner !== sender) throw new OtherOwnerError(nodeId, owner, sender);
  const asset = await assetNamed(offer.asset, contracts, range);
  return [{ nodeId, rating: await registry.ratingOf(gpuModel), offer: { ...offer, asset } }];
}

async function fleetOf(
  file: string,
  contracts: SystemContracts,
  deployment: OpenDeployment,
  owner: string,
  output: Output,
): Promise<Wanted[]> {
  const { nodes, offers } = await readConfig(file, inventoryConfig);
  const machines = await ratedMachines(nodes, contracts.registry);
  const registered = await readRegistered(contracts, deployment, owner, output);
  return machines.flatMap((machine) => {
    const nodeId = nodeOf(machine, registered);
    if (nodeId === undefined) throw new NotRegisteredError(machine.uri, owner);
    return (machine.offers ?? offers).map((offer) => ({ nodeId, rating: machine.rating, offer }));
  });
}

async function listingOf(
  { nodeId, rating, offer }: Wanted,
  tokens: ReadonlyMap<string, Token>,
  { registry }: SystemContracts,
): Promise<Listing> {
  const asset = readAddress("asset", offer.asset);
  const { decimals, symbol } = tokens.get(asset) as Token;
  const price = readAmount("price", offer.price, decimals, symbol);
  const unitPrice = offer.per === "TU" ? price : unitPriceOf(price, rating);
  const capacityTU = readAmount("capacity", offer.capacity, 18, "TU");
  const before = await registry.listing(nodeId, asset);
  return {
    ...{ nodeId, asset, unitPrice, gpuHourPrice: pricePerGpuHour(unitPrice, rating), capacityTU },
    before: { unitPrice: before.unitPrice, capacityTU: before.capacityTU },
  };
}

/** Whether a listing was set since the command has begun; an order may have lowered it since. */
async function wasSet(
  { nodeId, asset, unitPrice, capacityTU }: Listing,
  { registry, timelock }: SystemContracts,
  provider: Provider,
  { since, from }: { since: number; from: number },
): Promise<boolean> {
  if ((await provider.getBlockNumber()) < from) return false;
  const [set] = await readEvents({ provider, since, from }, await timelockWitness(timelock), {
    contract: registry,
    event: registry.filters.ListingSet,
    args: [nodeId, asset],
  });
  return set.some(({ args }) => args.unitPrice === unitPrice && args.capacityTU === capacityTU);
}

function listingTable(
  listings: readonly Listing[],
  tokens: ReadonlyMap<string, Token>,
  isSet: (listing: Listing) => boolean,
): string {
  const rows = listings.map((listing) => {
    const { nodeId, asset, unitPrice, gpuHourPrice, capacityTU, before } = listing;
    const token = tokens.get(asset) as Token;
    const was =
      before.unitPrice === 0n ? "no offer" : `${formatPrice(before.unitPrice, token)}, ${formatTU(before.capacityTU)}`;
    const offered = unitPrice === 0n ? "withdrawn" : formatTU(capacityTU);
    return [
      ...[String(nodeId), formatPrice(unitPrice, token), formatPrice(gpuHourPrice, token), offered],
      isSet(listing) ? "as it is" : was,
    ];
  });
  return table([["node", "for 1 TU", "for 1 GPU hour", "on offer", "before"], ...rows]);
}
