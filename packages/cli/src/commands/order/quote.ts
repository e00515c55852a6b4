import { obstacleTo } from "@turingfog/network";
import { depositOf, formatAmount, formatInstant, gpuSecondsOf, HOUR, TuringFogError, tuOf } from "@turingfog/sdk";
import type { MarketNode, Offer } from "@turingfog/sdk/ethers";
import { Option } from "@commander-js/extra-typings";

import { UsageError, wholeNumber } from "../../lib/command.js";
import { deployedCommand, openDeployment } from "../../lib/deployed.js";
import { frozenText } from "../../lib/freeze.js";
import { readNodeId } from "../../lib/nodeId.js";
import { gpuNameOf, nodesWith, readOffers } from "../../lib/offers.js";
import { type Output, outputOf, table } from "../../lib/output.js";
import { formatPrice, formatToken, formatTU, readAmount, type Token, tokenNamed } from "../../lib/token.js";

export const command = deployedCommand({
  description: `Says what an order would cost on each node that can take it: attested, with the capacity, and fast enough for the time.

The deposit is all that is paid; what is not delivered comes back. Ends with 1 if no node can take the order.

--json prints {block, time, frozenUntil, quotes}; frozenUntil is null unless the network is frozen; amounts are in base units of the
asset, TU with 18 decimals.`,
  examples: [
    "turingfog order quote --network sepolia --tu 0.5 --hours 24",
    "turingfog order quote --network sepolia --gpu-hours 8 --hours 12 --gpu V100 --asset USDC",
  ],
})
  .option("--tu <AMOUNT>", "TU to buy, as 0.5")
  .addOption(
    new Option("--gpu-hours <N>", "hours of one GPU to buy, in place of TU: more TU on a faster GPU").conflicts("tu"),
  )
  .requiredOption("--hours <N>", "hours until the order ends")
  .option("--node <ID>", "only this node")
  .option("--gpu <NAME>", "only nodes with this GPU")
  .option("--asset <TOKEN>", "only offers in this token, by its symbol or its address")
  .action((values) => quote(values, outputOf(values)));

interface Values {
  network: string;
  deployments: string;
  tu?: string;
  gpuHours?: string;
  hours: string;
  node?: string;
  gpu?: string;
  asset?: string;
}

/** Thrown when no node can take an order. */
class NoQuoteError extends TuringFogError {
  constructor(reasons: ReadonlyMap<string, number>) {
    const counted = Array.from(reasons, ([reason, count]) => `${count} ${reason}`);
    super(`No node can take the order: of the offers that were looked at, ${counted.join(", ") || "there was none"}`);
  }
}

const REASONS = {
  unattested: "of a node that is not attested",
  capacity: "with less capacity",
  speed: "of a node that is too slow for the time",
};

/** What an order would cost on a node. */
interface Quote {
  node: MarketNode;
  offer: Offer;
  token: Token;
  /** 18 decimals. */
  tu: bigint;
  /** Base units of the asset. */
  deposit: bigint;
  /** Seconds that the node takes at its rate. */
  takes: bigint;
}

async function quote(values: Values, output: Output): Promise<void> {
  const duration = BigInt(wholeNumber("hours", values.hours, 1)) * HOUR;
  const amountOn = amountOf(values);
  const only = values.node === undefined ? undefined : readNodeId(values.node);
  const { market, offers, tokens, frozen } = await readOffers(await openDeployment(values), output);
  const asset = values.asset === undefined ? undefined : tokenNamed("asset", values.asset, tokens.values()).address;
  const nodes = values.gpu === undefined ? market.nodes : nodesWith(values.gpu, market.nodes);
  const ids = new Map(nodes.map((node) => [node.nodeId, node]));

  const quotes: Quote[] = [];
  const reasons = new Map<string, number>();
  for (const { node: each, offer, token } of offers) {
    const node = ids.get(each.nodeId);
    const isMeant = (only ?? each.nodeId) === each.nodeId && (asset ?? offer.asset) === offer.asset;
    if (node === undefined || !isMeant) continue;
    const tu = amountOn(node);
    const { capacityTU, unitPrice } = offer;
    const { standing, ratePerDay } = node;
    const obstacle = obstacleTo({ isAttested: standing === "attested", capacityTU, ratePerDay }, tu, duration);
    if (obstacle !== undefined) {
      const reason = REASONS[obstacle];
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
      continue;
    }
    const takes = gpuSecondsOf(tu, ratePerDay);
    quotes.push({ node, offer, token, tu, deposit: depositOf(tu, unitPrice), takes });
  }
  if (quotes.length === 0) throw new NoQuoteError(reasons);
  quotes.sort((a, b) => a.token.symbol.localeCompare(b.token.symbol) || Number(a.deposit - b.deposit));

  const documents = quotes.map(({ node, offer, token, tu, deposit, takes }) => {
    const { nodeId, gpuCount, attestedUntil, history } = node;
    const { unitPrice, gpuHourPrice } = offer;
    const { symbol, decimals, address } = token;
    const what = { nodeId, gpu: gpuNameOf(node), gpuCount, attestedUntil, history, tuAmount: tu, seconds: takes };
    return { ...what, asset: address, symbol, decimals, unitPrice, gpuHourPrice, deposit };
  });
  const [{ node, token, tu }] = quotes;
  const given = `--node ${node.nodeId} --asset ${token.address} --tu ${formatTU(tu).split(" ")[0]} --hours ${values.hours}`;
  const text = [
    quoteTable(quotes, market.time + duration),
    ...(frozen === undefined ? [] : [frozenText(frozen)]),
    `Next: turingfog order open ORDER --network ${values.network} ${given} --runner NAME`,
  ];
  const { block, time } = market;
  output.result({ block, time, frozenUntil: frozen ?? null, quotes: documents }, text.join("\n"));
}

/** Returns how many TU, 18 decimals, are bought on a node. */
function amountOf({ tu, gpuHours }: Values): (node: MarketNode) => bigint {
  if (tu !== undefined) {
    const amount = readAmount("tu", tu, 18, "TU");
    return () => amount;
  }
  if (gpuHours === undefined) throw new UsageError("--tu or --gpu-hours is missing; see --help");
  const seconds = BigInt(wholeNumber("gpu-hours", gpuHours, 1)) * HOUR;
  return ({ rating }) => tuOf(seconds, rating);
}

function quoteTable(quotes: readonly Quote[], endsAt: bigint): string {
  const head = ["node", "GPUs", "deposit", "for 1 TU", "for 1 GPU hour", "buys", "takes", "attested until"];
  const rows = quotes.map(({ node, offer, token, tu, deposit, takes }) => [
    ...[String(node.nodeId), `${node.gpuCount} × ${gpuNameOf(node)}`, formatToken(deposit, token)],
    ...[formatPrice(offer.unitPrice, token), formatPrice(offer.gpuHourPrice, token), formatTU(tu)],
    `${formatAmount((takes * 10n) / HOUR, 1, 1)} h`,
    `${formatInstant(node.attestedUntil)}${node.attestedUntil < endsAt ? ", before the order ends" : ""}`,
  ]);
  return table([head, ...rows]);
}
