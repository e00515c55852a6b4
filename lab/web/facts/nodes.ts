import { standingOf } from "@turingfog/sdk";
import type { MarketNode, Offer } from "@turingfog/sdk/ethers";

import type { History, Reading, Told } from "./history";

function nodeOf({ market }: History, id: string): MarketNode {
  const found = market.nodes.find(({ nodeId }) => nodeId === BigInt(id));
  if (found === undefined) throw new Error(`The chain knows no node ${id}`);
  return found;
}

/** @param id `node/asset` */
function offerOf(history: History, id: string): Offer {
  const [node, asset] = id.split("/");
  const found = nodeOf(history, node).offers.find((each) => each.asset.toLowerCase() === asset);
  if (found === undefined) throw new Error(`Node ${node} has no offer in ${asset}`);
  return found;
}

/** Settlements of a node, receipts and acknowledgements. */
function settlementsOf(history: History, id: string): Told[] {
  return history.told.filter(
    ({ name, args }) => /^(Receipt|Acknowledgement)Settled$/.test(name) && args.nodeId === BigInt(id),
  );
}

/** @param id `node/first second` */
function attestationOf(history: History, id: string): { from: bigint; until: bigint } {
  const [node, from] = id.split("/").map(BigInt);
  const isOwn = ({ args }: Told) => args.nodeId === node && args.attestedFrom === from;
  const told = history.told.filter((each) => /^Node(Attested|Revoked)$/.test(each.name) && isOwn(each));
  return { from, until: told[told.length - 1].args.validUntil as bigint };
}

export const NODES: Record<string, Reading> = {
  "node:gpuCount": (history, id) => nodeOf(history, id).gpuCount,
  "node:ratePerDay": ({ contracts: { registry } }, id) => registry.ratePerDay(id),
  "node:standing": (history, id, at) => {
    const { attestedFrom, attestedUntil } = nodeOf(history, id);
    return standingOf(attestedFrom, attestedUntil, at);
  },
  "node:attestedFrom": (history, id) => nodeOf(history, id).attestedFrom,
  "node:attestedUntil": (history, id) => nodeOf(history, id).attestedUntil,
  "node:registeredAt": (history, id) => {
    return history.named("NodeRegistered").find(({ args }) => args.nodeId === BigInt(id))?.time ?? 0n;
  },
  "node:orders": (history, id) => BigInt(history.orders.filter(({ nodeId }) => nodeId === BigInt(id)).length),
  "node:tuSettled": (history, id) => {
    const last = new Map(
      settlementsOf(history, id).map(({ args }) => [args.orderId as bigint, args.tuSettled as bigint]),
    );
    return [...last.values()].reduce((sum, tu) => sum + tu, 0n);
  },
  "node:deliveredShare": (history, id) => {
    const { boughtTU, deliveredTU } = nodeOf(history, id).history;
    return (deliveredTU * 10_000n) / boughtTU;
  },
  "node:offers": (history, id) => BigInt(nodeOf(history, id).offers.length),
  "node:attestations": (history, id) => {
    const own = history.named("NodeAttested").filter(({ args }) => args.nodeId === BigInt(id));
    return BigInt(new Set(own.map(({ args }) => args.attestedFrom as bigint)).size);
  },
  "node:settlements": (history, id) => BigInt(settlementsOf(history, id).length),
  "market:rows": ({ market }) => BigInt(market.nodes.reduce((sum, { offers }) => sum + Math.max(offers.length, 1), 0)),
  "offer:unitPrice": (history, id) => offerOf(history, id).unitPrice,
  "offer:gpuHourPrice": (history, id) => offerOf(history, id).gpuHourPrice,
  "offer:capacityTU": (history, id) => offerOf(history, id).capacityTU,
  "attestation:from": (history, id) => attestationOf(history, id).from,
  "attestation:until": (history, id) => attestationOf(history, id).until,
};
