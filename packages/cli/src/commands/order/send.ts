import { HttpClient, makeGrant, NodeClient, Rental } from "@turingfog/network";
import { connectContracts, withRevertDecoded } from "@turingfog/sdk/ethers";
import { jobDomain } from "@turingfog/sdk/wire";

import { newCommand, wholeNumber } from "../../lib/command.js";
import { DEPLOYMENTS, openDeployment } from "../../lib/deployed.js";
import { whileNotFinal } from "../../lib/finality.js";
import { type Output, outputOf } from "../../lib/output.js";
import { KEYSTORE, openWallet } from "../../lib/sender.js";
import { FOLDER } from "./status.js";

export const command = newCommand({
  description: "Hands an order's sealed job and its key to the node, until it has both.",
  examples: ["turingfog order send ORDER"],
})
  .addArgument(FOLDER)
  .addOption(DEPLOYMENTS)
  .option("--wait <SECONDS>", "how long to try: a node takes orders of final blocks alone", "1800")
  .addOption(KEYSTORE)
  .action((folder, values) => send(folder, values, outputOf(values)));

interface Values {
  deployments: string;
  wait: string;
  keystore?: string;
}

async function send(folder: string, values: Values, output: Output): Promise<void> {
  const rental = new Rental(folder);
  const { network, orderId, recipient, endpoint } = await rental.readOpen();
  const { connection, book } = await openDeployment({ ...values, network });
  const wallet = await openWallet(connection, values.keystore, output);
  const domain = jobDomain(connection.chainId, book.addresses.escrow);
  const grant = await makeGrant(wallet, domain, orderId, recipient, await rental.jobIdentity());
  const { startedAt } = await withRevertDecoded(
    connectContracts(book.addresses, connection.provider).escrow.order(orderId),
  );
  const client = new HttpClient();
  const until = performance.now() + wholeNumber("wait", values.wait, 0) * 1_000;
  try {
    const sending = new NodeClient(client, endpoint, orderId).send(grant, rental.bundle, until, (line) =>
      output.note(line),
    );
    await whileNotFinal(connection, startedAt, output, sending);
  } finally {
    client.close();
  }
  output.result(
    { orderId, sent: true },
    `The node has order ${orderId}. Next: turingfog order status ${folder} --watch`,
  );
}
