import { Argument } from "@commander-js/extra-typings";
import { HttpClient, HttpError, type NodeClient, Rental, type ToldState } from "@turingfog/network";
import { latestBlock } from "@turingfog/operator";
import { explorerPage, formatInstant, pricePerGpuHour } from "@turingfog/sdk";
import { connectContracts, deliveredOn, type OrderRecord, readOrders, spentOn } from "@turingfog/sdk/ethers";

import { ends, newCommand } from "../../lib/command.js";
import { DEPLOYMENTS, openDeployment } from "../../lib/deployed.js";
import { orderNode } from "../../lib/orderNode.js";
import { type OrderState, orderStateOf } from "../../lib/orderState.js";
import { type Output, outputOf, table } from "../../lib/output.js";
import { progressLine, progressOn, stateText } from "../../lib/progress.js";
import { formatPrice, formatToken, formatTU, readToken, type Token } from "../../lib/token.js";

export const FOLDER = new Argument("<DIR>", "folder that turingfog order open has written");

export const command = newCommand({
  description: `Shows what the chain and the node say of an order, and writes down what was seen of the work. Ends with 1 if the node tells nothing.

--json prints {orderId, node, noAnswer, chain}, with noAnswer in place of node if the node tells nothing; amounts are in base units of the asset, TU with 18 decimals.`,
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
  const record = await rental.readOpen();
  const { network, orderId, nodeId } = record;
  const { connection, book } = await openDeployment({ ...values, network });
  const { provider, chain } = connection;
  const contracts = connectContracts(book.addresses, provider);
  const time = async () => BigInt((await latestBlock(provider)).timestamp);
  const see = async ({ cumulativeTU }: ToldState) => rental.see({ at: await time(), cumulativeTU });
  const client = new HttpClient();
  const told = await orderNode(rental, record, client, values, output)
    .then((node) => askNode(node, rental, values.watch, see, output))
    .finally(() => client.close());

  const range = { provider, since: book.firstBlock ?? 0, onProgress: progressOn(output) };
  const [order] = await readOrders(contracts, range, { orderIds: [orderId] });
  const rating = await contracts.registry.ratingOf((await contracts.registry.node(nodeId)).gpuModel);
  const token = await readToken(order.asset, provider);
  const state = orderStateOf(order, await time());
  const escrow = explorerPage(chain, "address", book.addresses.escrow);
  const rows = [
    ...chainRows(order, state, token, rating),
    ...nodeRows(told),
    ...(escrow === undefined ? [] : [["escrow", escrow]]),
  ];
  output.result({ orderId, ...told, chain: { ...chainOf(order), state } }, table(rows));
  ends(told.node === undefined ? 1 : 0);
}

/** The state that a node tells, or why it tells none. */
type Told = { node: ToldState; noAnswer?: undefined } | { node?: undefined; noAnswer: string };

/** Asks a node for an order's state, and follows its progress before if that is wanted. @param see takes each answer */
async function askNode(
  asked: NodeClient,
  rental: Rental,
  watch: boolean,
  see: (state: ToldState) => Promise<void>,
  output: Output,
): Promise<Told> {
  try {
    if (watch) {
      for await (const state of asked.progress(await rental.resultIdentity())) {
        output.say(progressLine(state));
        await see(state);
      }
    }
    const node = await asked.state();
    await see(node);
    return { node };
  } catch (error) {
    if (error instanceof HttpError) return { noAnswer: error.message };
    throw error;
  }
}

function chainOf(order: OrderRecord) {
  return { ...order, tuSettled: deliveredOn(order), spent: spentOn(order), isOpen: order.refund === undefined };
}

function chainRows(order: OrderRecord, state: OrderState, token: Token, rating: bigint): string[][] {
  const { orderId, tuAmount, unitPrice, deposit, refund, endsAt } = order;
  const [price, hourly] = [unitPrice, pricePerGpuHour(unitPrice, rating)].map((each) => formatPrice(each, token));
  const standing = {
    running: `open until ${formatInstant(endsAt)}`,
    ended: `ended ${formatInstant(endsAt)}, not closed`,
  };
  return [
    ["order", String(orderId)],
    ["chain", state === "closed" ? state : standing[state]],
    ["settled", `${formatTU(deliveredOn(order))} of ${formatTU(tuAmount)}`],
    ["price", `${price} for 1 TU, ${hourly} for an hour of one GPU`],
    ["spent", `${formatToken(spentOn(order), token)} of ${formatToken(deposit, token)}`],
    [refund === undefined ? "left" : "came back", formatToken(refund ?? deposit - spentOn(order), token)],
  ];
}

function nodeRows({ node, noAnswer }: Told): string[][] {
  if (node === undefined) return [["node", `no answer: ${noAnswer}`]];
  const { heldSeconds, cumulativeTU, result } = node;
  return [
    ["node", stateText(node)],
    ["counted", `${formatTU(cumulativeTU)} in ${heldSeconds.toFixed(0)} s`],
    ["result", result ?? "none yet"],
  ];
}
