import { Argument } from "@commander-js/extra-typings";
import { HttpClient, NodeClient, Rental, type ToldState } from "@turingfog/network";
import { latestBlock } from "@turingfog/operator";
import { formatInstant } from "@turingfog/sdk";
import { connectContracts } from "@turingfog/sdk/ethers";
import { formatUnits } from "ethers";

import { newCommand } from "../../lib/command.js";
import { DEPLOYMENTS, openDeployment } from "../../lib/deployed.js";
import { type Output, outputOf, table } from "../../lib/output.js";

export const FOLDER = new Argument("<DIR>", "folder that turingfog order open has written");

export const command = newCommand({
  description: "Shows what the chain and the node say of an order, and writes down what was seen of the work.",
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
  const { network, orderId, endpoint } = await rental.readOpen();
  const { connection, book } = await openDeployment({ ...values, network });
  const { provider } = connection;
  const { escrow } = connectContracts(book.addresses, provider);
  const client = new HttpClient();
  try {
    const node = new NodeClient(client, endpoint, orderId);
    const see = async ({ cumulativeTU }: ToldState) =>
      rental.see({ at: BigInt((await latestBlock(provider)).timestamp), cumulativeTU });
    if (values.watch) {
      for await (const state of node.progress(await rental.resultIdentity())) {
        output.say(
          `${state.state}, ${state.heldSeconds.toFixed(0)} s, ${formatUnits(state.cumulativeTU, 18)} TU ${state.line ?? ""}`,
        );
        await see(state);
      }
    }
    const last = await node.state();
    await see(last);
    const order = await escrow.order(orderId);
    const chain = {
      tuAmount: order.tuAmount,
      tuSettled: order.tuSettled,
      startedAt: order.startedAt,
      endsAt: order.endsAt,
    };
    output.result({ orderId, node: last, chain }, describe(orderId, last, chain));
  } finally {
    client.close();
  }
}

interface OnChain {
  tuAmount: bigint;
  tuSettled: bigint;
  startedAt: bigint;
  endsAt: bigint;
}

function describe(
  orderId: bigint,
  { state, reason, heldSeconds, cumulativeTU, result }: ToldState,
  chain: OnChain,
): string {
  const isOpen = chain.startedAt !== 0n;
  const [ordered, settled, counted] = [chain.tuAmount, chain.tuSettled, cumulativeTU].map((each) =>
    formatUnits(each, 18),
  );
  const rows = [
    ["order", String(orderId)],
    ["chain", isOpen ? `open until ${formatInstant(chain.endsAt)}, ${settled} of ${ordered} TU settled` : "closed"],
    ["node", reason === "" ? state : `${state}: ${reason}`],
    ["counted", `${counted} TU in ${heldSeconds.toFixed(0)} s`],
    ["result", result ?? "none yet"],
  ];
  return table(rows);
}
