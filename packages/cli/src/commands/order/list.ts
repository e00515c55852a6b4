import { latestBlock } from "@turingfog/operator";
import { explorerPage, formatInstant } from "@turingfog/sdk";
import { connectContracts, deliveredOn, type OrderRecord, readOrders, spentOn } from "@turingfog/sdk/ethers";

import { deployedCommand, openDeployment } from "../../lib/deployed.js";
import { accountOf } from "../../lib/miner.js";
import { orderStateOf } from "../../lib/orderState.js";
import { type Output, outputOf, table } from "../../lib/output.js";
import { progressOn } from "../../lib/progress.js";
import { KEYSTORE } from "../../lib/sender.js";
import { formatToken, formatTU, readTokens, type Token } from "../../lib/token.js";

export const command = deployedCommand({
  description: `Lists the orders that an account has paid for or has ever held: what was delivered and spent, and how each stands.

--json prints {account, orders}; amounts are in base units of the asset, TU with 18 decimals, closableFrom of those that have ended
in unix seconds.`,
  examples: [
    "turingfog order list --network sepolia --account 0x…",
    "turingfog order list --network sepolia --keystore wallet.json --open",
  ],
})
  .option("--account <ADDRESS>", "the account; default: that of the key")
  .option("--open", "only orders that are not closed", false)
  .addOption(KEYSTORE)
  .action((values) => list(values, outputOf(values)));

interface Values {
  network: string;
  deployments: string;
  account?: string;
  open: boolean;
  keystore?: string;
}

async function list(values: Values, output: Output): Promise<void> {
  const account = await accountOf(values.network, "account", values);
  const { connection, book } = await openDeployment(values);
  const { provider, chain } = connection;
  const contracts = connectContracts(book.addresses, provider);
  const range = { provider, since: book.firstBlock ?? 0, onProgress: progressOn(output) };
  const all = await readOrders(contracts, range, { account });
  const orders = all.filter(({ refund }) => !values.open || refund === undefined);
  const tokens = await readTokens(
    orders.map(({ asset }) => asset),
    provider,
  );
  const now = BigInt((await latestBlock(provider)).timestamp);
  const stateOf = (order: OrderRecord) => orderStateOf(order, now);
  const ended = orders.filter((order) => stateOf(order) === "ended");
  const refundable = await Promise.all(ended.map(({ orderId }) => contracts.escrow.refundable(orderId)));
  const closableFrom = new Map(ended.map(({ orderId }, i) => [orderId, refundable[i].from]));
  const documents = orders.map((order) => {
    const { symbol, decimals } = tokens.get(order.asset) as Token;
    return {
      ...order,
      symbol,
      decimals,
      delivered: deliveredOn(order),
      spent: spentOn(order),
      state: stateOf(order),
      closableFrom: closableFrom.get(order.orderId),
    };
  });
  const escrow = explorerPage(chain, "address", book.addresses.escrow);
  const head = ["order", "node", "bought", "delivered", "deposit", "spent", "came back", "holder", "state"];
  const rows = orders.map((order) => {
    const { orderId, nodeId, asset, tuAmount, deposit, refund, holder, endsAt } = order;
    const token = tokens.get(asset) as Token;
    const from = closableFrom.get(orderId);
    const states = {
      running: `until ${formatInstant(endsAt)}`,
      ended: from === undefined || from <= now ? "can be closed" : `can be closed from ${formatInstant(from)}`,
      closed: "closed",
    };
    return [
      ...[String(orderId), nodeId === 0n ? "joint" : String(nodeId), formatTU(tuAmount), formatTU(deliveredOn(order))],
      ...[formatToken(deposit, token), formatToken(spentOn(order), token)],
      refund === undefined ? "-" : formatToken(refund, token),
      holder === account ? "this account" : holder,
      states[stateOf(order)],
    ];
  });
  const text = [
    rows.length === 0 ? `${account} has ${values.open ? "no open" : "no"} orders` : table([head, ...rows]),
    ...(escrow === undefined ? [] : [`Escrow: ${escrow}`]),
  ];
  output.result({ account, orders: documents }, text.join("\n"));
}
