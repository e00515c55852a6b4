import { latestBlock } from "@turingfog/operator";
import { formatInstant } from "@turingfog/sdk";
import { connectContracts, type OrderRecord, readEvents, readOrders, timelockWitness } from "@turingfog/sdk/ethers";
import { TuringFogError } from "@turingfog/sdk";

import { UsageError } from "../../lib/command.js";
import { deployedCommand, openDeployment } from "../../lib/deployed.js";
import { accountOf, bucketTable, claimableOf, earningsOf, formatTft } from "../../lib/miner.js";
import { readNodeId } from "../../lib/nodeId.js";
import { type Output, outputOf, table } from "../../lib/output.js";
import { progressOn } from "../../lib/progress.js";
import { KEYSTORE } from "../../lib/sender.js";
import { formatToken, formatTU, readTokens, type Token } from "../../lib/token.js";

export const command = deployedCommand({
  description: `Shows what nodes have delivered and earned, order by order, and what became of it.

Names one node, or takes all that an account owns. What was earned leaves the escrow, is burned or sold, and comes back as TFT
that the payout account claims: turingfog node claim.

--json prints {nodes, orders, payouts}; TU and TFT have 18 decimals, other amounts are in base units of their asset.`,
  examples: [
    "turingfog node earnings --network sepolia --node 7",
    "turingfog node earnings --network sepolia --owner 0x…",
  ],
})
  .option("--node <ID>", "the node")
  .option("--owner <ADDRESS>", "owner of the nodes; default: that of the key")
  .addOption(KEYSTORE)
  .action((values) => earnings(values, outputOf(values)));

interface Values {
  network: string;
  deployments: string;
  node?: string;
  owner?: string;
  keystore?: string;
}

/** Thrown when an account has no node. */
class NoNodesError extends TuringFogError {
  constructor(owner: string) {
    super(`${owner} owns no node: name a node with --node, or another account with --owner`);
  }
}

async function earnings(values: Values, output: Output): Promise<void> {
  if (values.node !== undefined && values.owner !== undefined) throw new UsageError("Give one of --node and --owner");
  const deployment = await openDeployment(values);
  const { connection, book } = deployment;
  const { provider } = connection;
  const contracts = connectContracts(book.addresses, provider);
  const { registry, timelock } = contracts;
  const range = { provider, since: book.firstBlock ?? 0, onProgress: progressOn(output) };
  const nodeIds = values.node === undefined ? await owned() : [readNodeId(values.node)];

  const nodes = await Promise.all(
    nodeIds.map(async (nodeId) => ({ nodeId, payout: (await registry.node(nodeId)).payout })),
  );
  const unknown = nodes.find(({ payout }) => BigInt(payout) === 0n);
  if (unknown !== undefined) throw new UsageError(`--node is ${unknown.nodeId}, and there is no such node`);
  const now = BigInt((await latestBlock(provider)).timestamp);
  const orders = await readOrders(contracts, range, { nodeIds });
  const tokens = await readTokens(
    orders.map(({ asset }) => asset),
    provider,
  );
  const ours = orders.map((order) => ({
    ...order,
    deliveries: order.deliveries.filter(({ nodeId }) => nodeIds.includes(nodeId)),
  }));
  const payouts = [];
  const lines = [ours.length === 0 ? "No order was opened on these nodes" : orderTable(ours, tokens, now)];
  for (const payout of new Set(nodes.map((each) => each.payout))) {
    const earned = await earningsOf(deployment, payout, output);
    const claimable = claimableOf(earned.buckets);
    payouts.push({ payout, claimable, claimed: earned.claimed, buckets: earned.buckets });
    if (earned.buckets.length > 0) lines.push("", bucketTable(earned.buckets, earned.tokens));
    lines.push("", `${payout} can claim ${formatTft(claimable)} now, and has claimed ${formatTft(earned.claimed)}`);
  }
  output.result({ nodes, orders: ours, payouts }, lines.join("\n"));

  async function owned(): Promise<bigint[]> {
    const account = await accountOf(values.network, "owner", { account: values.owner, keystore: values.keystore });
    const [registered, transferred] = await readEvents(
      range,
      await timelockWitness(timelock),
      { contract: registry, event: registry.filters.NodeRegistered, args: [null, account] },
      { contract: registry, event: registry.filters.NodeTransferred, args: [null, null, account] },
    );
    const ids = [...new Set([...registered, ...transferred].map(({ args }) => args.nodeId))];
    const owners = await Promise.all(ids.map(async (nodeId) => (await registry.node(nodeId)).owner));
    const found = ids.filter((_, i) => owners[i] === account);
    if (found.length === 0) throw new NoNodesError(account);
    return found;
  }
}

function orderTable(orders: readonly OrderRecord[], tokens: ReadonlyMap<string, Token>, now: bigint): string {
  const head = ["order", "node", "bought", "delivered", "earned", "of that acknowledged", "state"];
  const rows = orders.flatMap(({ orderId, nodeId, asset, tuAmount, endsAt, refund, deliveries }) => {
    const token = tokens.get(asset) as Token;
    const state = refund !== undefined ? "closed" : endsAt <= now ? "ended" : `open until ${formatInstant(endsAt)}`;
    const all = deliveries.length === 0 ? [{ nodeId, tu: 0n, earned: 0n, acknowledged: 0n }] : deliveries;
    return all.map((each) => [
      ...[String(orderId), String(each.nodeId), formatTU(tuAmount), formatTU(each.tu)],
      ...[formatToken(each.earned, token), formatToken(each.acknowledged, token), state],
    ]);
  });
  return table([head, ...rows]);
}
