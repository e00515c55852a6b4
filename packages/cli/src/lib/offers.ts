import { gpuModelOf, modelNameOf, spellingsOf, TuringFogError } from "@turingfog/sdk";
import { connectContracts, type Market, type MarketNode, type Offer, readMarket } from "@turingfog/sdk/ethers";

import type { OpenDeployment } from "./deployed.js";
import { frozenUntil } from "./freeze.js";
import type { Output } from "./output.js";
import { progressOn } from "./progress.js";
import { readTokens, type Token } from "./token.js";

/** What a node offers in one token. */
export interface NodeOffer {
  node: MarketNode;
  offer: Offer;
  token: Token;
}

/** The market, with each offer and the token that it is in. */
export interface Offers {
  market: Market;
  offers: NodeOffer[];
  /** By their addresses. */
  tokens: Map<string, Token>;
  /** Until when no order can be opened, in unix seconds; undefined if the network is not frozen. */
  frozen?: bigint;
}

/** Thrown when no node is of the model that was named. */
export class NoSuchGpuError extends TuringFogError {
  constructor(gpu: string, known: readonly string[]) {
    super(`No node has a ${gpu}; there are ${known.length === 0 ? "no nodes" : known.join(", ")}`);
  }
}

/** Reads all nodes and what they offer. */
export async function readOffers({ connection, book }: OpenDeployment, output: Output): Promise<Offers> {
  const { provider } = connection;
  const contracts = connectContracts(book.addresses, provider);
  const range = { provider, since: book.firstBlock ?? 0, onProgress: progressOn(output) };
  const market = await readMarket(contracts, range);
  const all = market.nodes.flatMap((node) => node.offers.map((offer) => ({ node, offer })));
  const tokens = await readTokens(
    all.map(({ offer }) => offer.asset),
    provider,
  );
  const offers = all.map(({ node, offer }) => ({ node, offer, token: tokens.get(offer.asset) as Token }));
  return { market, offers, tokens, frozen: await frozenUntil(contracts, market.time, market.block) };
}

/** Names a node's model: by its card, or as one that is in no table by the hash under which it was rated. */
export function gpuNameOf({ gpu, gpuModel }: Pick<MarketNode, "gpu" | "gpuModel">): string {
  return gpu ?? `unknown model ${gpuModel.slice(0, 10)}…`;
}

/**
 * Returns the nodes of a model, by any spelling of its name.
 * @throws NoSuchGpuError
 */
export function nodesWith(gpu: string, nodes: readonly MarketNode[]): MarketNode[] {
  const models = [gpu, ...spellingsOf(modelNameOf(gpu))].map(gpuModelOf);
  const found = nodes.filter(({ gpuModel }) => models.includes(gpuModel));
  if (found.length === 0) throw new NoSuchGpuError(gpu, [...new Set(nodes.map(gpuNameOf))]);
  // a name that is in no table is known from now on
  return found.map((node) => ({ ...node, gpu: node.gpu ?? gpu }));
}
