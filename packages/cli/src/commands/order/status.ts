import { Argument } from "@commander-js/extra-typings";
import { HttpClient, NodeClient, Rental, type ToldState } from "@turingfog/network";
import { latestBlock } from "@turingfog/operator";
import { explorerPage, formatInstant, pricePerGpuHour } from "@turingfog/sdk";
import { connectContracts, deliveredOn, type OrderRecord, readOrders, spentOn } from "@turingfog/sdk/ethers";

import { newCommand } from "../../lib/command.js";
import { DEPLOYMENTS, openDeployment } from "../../lib/deployed.js";
import { type Output, outputOf, table } from "../../lib/output.js";
import { progressLine, progressOn } from "../../lib/progress.js";
import { formatPrice, formatToken, formatTU, readToken, type Token } from "../../lib/token.js";

export const FOLDER = new Argument("<DIR>", "folder that turingfog order open has written");

export const command = newCommand({
  description: `Shows what the chain and the node say of an order, and writes down what was seen of the work.

--json prints {orderId, node, chain}; amounts are in base units of the asset, TU with 18 decimals.`,
  examples: ["turingfog order status ORDER", "turingfog order status ORDER --watch"],
})
  .addArgument(FOLDER)
  .addOption(DEPLOYMENTS)
  .option("--watch", "follow the progress until the result is there", false)
  .action((folder, values) => status(folder, values, outputOf(values)));

interface Values {
  deployments: string;
  watch: boolean;
}

async function status(folder: string, values: Values, output: Output): Promise<void> {
  const rental = new Rental(folder);
  const { network, orderId, nodeId, endpoint } = await rental.readOpen();
  const { connection, book } = await openDeployment({ ...values, network });
  const { provider, chain } = connection;
  const contracts = connectContracts(book.addresses, provider);
  const client = new HttpClient();
  try {
    const node = new NodeClient(client, endpoint, orderId);
    const see = async ({ cumulativeTU }: ToldState) =>
      rental.see({ at: BigInt((await latestBlock(provider)).timestamp), cumulativeTU });
    if (values.watch) {
      for await (const state of node.progress(await rental.resultIdentity())) {
        output.say(progressLine(state));
        await see(state);
      }
    }
    const last = await node.state();
    await see(last);
    const range = { provider, since: book.firstBlock ?? 0, onProgress: progressOn(output) };
    const [order] = await readOrders(contracts, range, { orderIds: [orderId] });
    const rating = await contracts.registry.ratingOf((await contracts.registry.node(nodeId)).gpuModel);
    const token = await readToken(order.asset, provider);
    const text = describe(order, last, token, rating, explorerPage(chain, "address", book.addresses.escrow));
    output.result({ orderId, node: last, chain: chainOf(order) }, text);
  } finally {
    client.close();
  }
}

function chainOf(order: OrderRecord) {
  return { ...order, tuSettled: deliveredOn(order), spent: spentOn(order), isOpen: order.refund === undefined };
}

function describe(
  order: OrderRecord,
  { state, reason, heldSeconds, cumulativeTU, result }: ToldState,
  token: Token,
  rating: bigint,
  escrow: string | undefined,
): string {
  const { orderId, tuAmount, unitPrice, deposit, refund, endsAt } = order;
  const [price, hourly] = [unitPrice, pricePerGpuHour(unitPrice, rating)].map((each) => formatPrice(each, token));
  const left = formatToken(refund ?? deposit - spentOn(order), token);
  const rows = [
    ["order", String(orderId)],
    ["chain", refund === undefined ? `open until ${formatInstant(endsAt)}` : "closed"],
    ["settled", `${formatTU(deliveredOn(order))} of ${formatTU(tuAmount)}`],
    ["price", `${price} for 1 TU, ${hourly} for an hour of one GPU`],
    ["spent", `${formatToken(spentOn(order), token)} of ${formatToken(deposit, token)}`],
    [refund === undefined ? "left" : "came back", left],
    ["node", reason === "" ? state : `${state}: ${reason}`],
    ["counted", `${formatTU(cumulativeTU)} in ${heldSeconds.toFixed(0)} s`],
    ["result", result ?? "none yet"],
    ...(escrow === undefined ? [] : [["escrow", escrow]]),
  ];
  return table(rows);
}
