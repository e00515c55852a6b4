import { Option } from "@commander-js/extra-typings";
import {
  acknowledgedTU,
  escrowDomain,
  HttpClient,
  NodeClient,
  POLICIES,
  type Policy,
  Rental,
} from "@turingfog/network";
import { earnedBy, max } from "@turingfog/sdk";
import { connectContracts } from "@turingfog/sdk/ethers";
import { ACKNOWLEDGEMENT } from "@turingfog/sdk/wire";

import { newCommand } from "../../lib/command.js";
import { confirm, type ConfirmationValues } from "../../lib/confirm.js";
import { DEPLOYMENTS, openDeployment } from "../../lib/deployed.js";
import { withReasonInWords } from "../../lib/ending.js";
import { type Output, outputOf } from "../../lib/output.js";
import { KEYSTORE, openWallet, YES } from "../../lib/sender.js";
import { formatToken, formatTU, readToken } from "../../lib/token.js";
import { FOLDER } from "./status.js";

export const command = newCommand({
  description: `Acknowledges what a node has delivered, so that it is paid at once: no more than was seen, and than its rate allows.

What was acknowledged is paid, whatever becomes of the order.`,
  examples: ["turingfog order acknowledge ORDER --acknowledge all"],
})
  .addArgument(FOLDER)
  .addOption(
    new Option(
      "--acknowledge <POLICY>",
      "all: what turingfog order status has seen; sampled: of that, what was counted between two looks at most 15 minutes " +
        "apart, and all once the result was fetched; none: nothing",
    )
      .choices(POLICIES)
      .default("sampled"),
  )
  .addOption(DEPLOYMENTS)
  .addOption(KEYSTORE)
  .addOption(YES)
  .action((folder, values) => acknowledge(folder, values, outputOf(values)));

interface Values extends ConfirmationValues {
  acknowledge: Policy;
  deployments: string;
  keystore?: string;
}

async function acknowledge(folder: string, values: Values, output: Output): Promise<void> {
  const policy = values.acknowledge;
  const rental = new Rental(folder);
  const { network, orderId, nodeId, endpoint } = await rental.readOpen();
  const { connection, book } = await openDeployment({ ...values, network });
  const { escrow, registry } = connectContracts(book.addresses, connection.provider);
  const { startedAt, tuAmount, tuSettled, unitPrice, asset } = await withReasonInWords(orderId, escrow.order(orderId));
  const seen = { policy, seen: await rental.seen(), hasResult: rental.hasResult };
  const ratePerDay = await registry.ratePerDay(nodeId);
  const cumulativeTU = acknowledgedTU({ ...seen, ratePerDay, order: { startedAt, tuAmount } });
  if (cumulativeTU === 0n)
    return output.result({ orderId, cumulativeTU }, "Nothing was seen that could be acknowledged");

  const token = await readToken(asset, connection.provider);
  const more = max(0n, earnedBy(cumulativeTU, unitPrice) - earnedBy(tuSettled, unitPrice));
  output.say(
    `Acknowledge ${formatTU(cumulativeTU)} of order ${orderId}, of which ${formatTU(tuSettled)} are settled: pays ${formatToken(more, token)}`,
  );
  await confirm(connection, values, `the acknowledgement to node ${nodeId}, which brings it`);
  const wallet = await openWallet(connection, values.keystore, output);
  const domain = escrowDomain(connection.chainId, book.addresses.escrow);
  const client = new HttpClient();
  try {
    const signed = await ACKNOWLEDGEMENT.sign(wallet, domain, { orderId, cumulativeTU });
    await new NodeClient(client, endpoint, orderId).acknowledge(signed);
  } finally {
    client.close();
  }
  output.result({ orderId, cumulativeTU }, `Acknowledged ${formatTU(cumulativeTU)} of order ${orderId}`);
}
