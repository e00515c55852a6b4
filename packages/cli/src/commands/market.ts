import { Option } from "@commander-js/extra-typings";
import { formatAmount, formatInstant } from "@turingfog/sdk";
import type { MarketNode, Offer } from "@turingfog/sdk/ethers";

import { UsageError } from "../lib/command.js";
import { deployedCommand, openDeployment } from "../lib/deployed.js";
import { frozenText } from "../lib/freeze.js";
import { gpuNameOf, nodesWith, readOffers } from "../lib/offers.js";
import { type Output, outputOf, table } from "../lib/output.js";
import { formatPrice, readAmount, type Token, tokenNamed } from "../lib/token.js";

const ORDERS = ["price", "gpu-hour", "rating", "capacity", "node"] as const;

export const command = deployedCommand({
  description: `Lists what nodes offer: their GPUs, prices for a TU and for an hour of one GPU, what is still free, and whether they are attested.

A node without an attestation that counts takes no orders, and one that has sold its capacity none until its owner lists more: both
are left out unless --all is given. The last column says how many of its closed orders' TU a node has delivered. Prices of
different assets are not compared. A GPU in no table of names is an unknown model, with the hash under which it was rated.

--json prints {block, time, frozenUntil, nodes, offers}; frozenUntil is null unless the network is frozen; amounts are in base
units, TU with 18 decimals.`,
  examples: [
    "turingfog market --network sepolia",
    "turingfog market --network sepolia --gpu 'RTX 2080 Ti' --asset USDC --max-price 0.4 --sort gpu-hour",
  ],
})
  .option("--gpu <NAME>", "only nodes with this GPU")
  .option("--asset <TOKEN>", "only offers in this token, by its symbol or its address")
  .option("--max-price <AMOUNT>", "only offers at this price for 1 TU or less; needs --asset")
  .option("--free <TU>", "only offers with so many TU free", "0")
  .option("--all", "also nodes that take no orders now", false)
  .addOption(
    new Option("--sort <ORDER>", "what comes first is the cheapest, fastest or largest")
      .choices(ORDERS)
      .default("price" as const),
  )
  .action((values) => market(values, outputOf(values)));

interface Values {
  network: string;
  deployments: string;
  gpu?: string;
  asset?: string;
  maxPrice?: string;
  free: string;
  all: boolean;
  sort: (typeof ORDERS)[number];
}

/** An offer, or a node without one. */
interface Row {
  node: MarketNode;
  offer?: Offer;
  token?: Token;
}

async function market(values: Values, output: Output): Promise<void> {
  if (values.maxPrice !== undefined && values.asset === undefined) {
    throw new UsageError("--max-price needs --asset: prices of different assets are not compared");
  }
  const free = readAmount("free", values.free, 18, "TU");
  const { market, offers, tokens, frozen } = await readOffers(await openDeployment(values), output);
  const token = values.asset === undefined ? undefined : tokenNamed("asset", values.asset, tokens.values());
  const maxPrice =
    values.maxPrice === undefined || token === undefined
      ? undefined
      : readAmount("max-price", values.maxPrice, token.decimals, token.symbol);
  const nodes = values.gpu === undefined ? market.nodes : nodesWith(values.gpu, market.nodes);

  const rows = nodes.flatMap((node): Row[] => {
    const own = offers.filter((each) => each.node.nodeId === node.nodeId).map((each) => ({ ...each, node }));
    return own.length === 0 ? [{ node }] : own;
  });
  const meant = rows.filter(({ offer }) => {
    if (token !== undefined && offer?.asset !== token.address) return false;
    if (maxPrice !== undefined && (offer === undefined || offer.unitPrice > maxPrice)) return false;
    return (offer?.capacityTU ?? 0n) >= free;
  });
  const shown = meant.filter((row) => values.all || takesOrders(row));
  shown.sort(COMPARE[values.sort]);

  const all = shown.map(({ node, offer, token: each }) => {
    return { ...node, offers: undefined, ...offer, symbol: each?.symbol, decimals: each?.decimals };
  });
  const note = `${shown.length} of ${rows.length} offers of ${market.nodes.length} nodes, as of block ${market.block}, ${formatInstant(market.time)}`;
  const lines = shown.length > 0 ? [table([HEAD, ...shown.map(cellsOf)])] : reasonsOf(meant);
  const { block, time } = market;
  const document = { block, time, frozenUntil: frozen ?? null, nodes: market.nodes.length, offers: all };
  output.result(document, [...lines, note, ...(frozen === undefined ? [] : [frozenText(frozen)])].join("\n"));
}

function takesOrders({ node, offer }: Row): boolean {
  return node.standing === "attested" && offer !== undefined && offer.capacityTU > 0n;
}

/** Says why no offer can be taken; says nothing of no offers. */
function reasonsOf(rows: readonly Row[]): string[] {
  const reasons = new Map<string, number>();
  for (const row of rows) reasons.set(reasonAgainst(row), (reasons.get(reasonAgainst(row)) ?? 0) + 1);
  const counted = Array.from(reasons, ([reason, count]) => `${count} of a node ${reason}`);
  return counted.length === 0 ? [] : [`No offer can be taken now: ${counted.join(", ")}; see --all`];
}

function reasonAgainst({ node }: Row): string {
  if (node.standing === "pending") return `whose attestation counts from ${formatInstant(node.attestedFrom)}`;
  return node.standing === "unattested" ? "that is not attested" : "that has nothing to sell";
}

/** The most TU of one order: a uint96. */
const MOST_TU = 2n ** 96n - 1n;

const HEAD = [
  "node",
  "GPUs",
  "TU a day",
  "for 1 TU",
  "for 1 GPU hour",
  "free TU",
  "attested",
  "delivered of closed orders",
];

function cellsOf({ node, offer, token }: Row): string[] {
  const price = (units: bigint | undefined) =>
    units === undefined || token === undefined ? "-" : formatPrice(units, token);
  const { open, closed, boughtTU, deliveredTU } = node.history;
  const share = boughtTU === 0n ? "" : `, ${formatAmount((deliveredTU * 10_000n) / boughtTU, 2, 1)} %`;
  return [
    String(node.nodeId),
    `${node.gpuCount} × ${gpuNameOf(node)}`,
    formatAmount(node.ratePerDay, 18, 2),
    price(offer?.unitPrice),
    price(offer?.gpuHourPrice),
    offer === undefined ? "-" : offer.capacityTU > MOST_TU ? "any" : formatAmount(offer.capacityTU, 18, 2),
    standingOf(node),
    `${closed} closed${share}, ${open} open`,
  ];
}

function standingOf({ standing, attestedFrom, attestedUntil }: MarketNode): string {
  switch (standing) {
    case "attested":
      return `until ${formatInstant(attestedUntil)}`;
    case "pending":
      return `from ${formatInstant(attestedFrom)}`;
    case "unattested":
      return attestedUntil === 0n ? "never" : `ended ${formatInstant(attestedUntil)}`;
  }
}

const ascending = (a: bigint, b: bigint) => (a < b ? -1 : a > b ? 1 : 0);
const byNode = (a: Row, b: Row) => ascending(a.node.nodeId, b.node.nodeId);
const byAsset = (a: Row, b: Row) => (a.token?.symbol ?? "").localeCompare(b.token?.symbol ?? "");

/** By a price, the lowest first; those without an offer come last. */
const byPrice = (price: "unitPrice" | "gpuHourPrice") => (a: Row, b: Row) =>
  Number(a.offer === undefined) - Number(b.offer === undefined) ||
  byAsset(a, b) ||
  ascending(a.offer?.[price] ?? 0n, b.offer?.[price] ?? 0n) ||
  byNode(a, b);

const COMPARE: Record<Values["sort"], (a: Row, b: Row) => number> = {
  price: byPrice("unitPrice"),
  "gpu-hour": byPrice("gpuHourPrice"),
  rating: (a, b) => ascending(b.node.rating, a.node.rating) || byNode(a, b),
  capacity: (a, b) => ascending(b.offer?.capacityTU ?? 0n, a.offer?.capacityTU ?? 0n) || byNode(a, b),
  node: byNode,
};
