import { HttpClient, makeGrant, NodeClient, Rental } from "@turingfog/network";
import { loadWallet } from "@turingfog/operator";
import { jobDomain } from "@turingfog/sdk/wire";

import { defineCommand, UsageError, wholeNumber } from "../../lib/command.js";
import { openDeployment } from "../../lib/deployed.js";
import { keySource } from "../../lib/sender.js";

const USAGE = `Hands an order's sealed job and its key to the node, until it has both.

  turingfog order send DIR [...]

  DIR                folder that turingfog order open has written
  --deployments DIR  folder of the address books (default deployments)
  --wait SECONDS     how long to try (default 1800): a node takes orders of final blocks alone
  --keystore FILE    the key that holds the order (default: TURINGFOG_KEYSTORE or TURINGFOG_PRIVATE_KEY)
  --json             print JSON alone
  --help             print this`;

export const command = defineCommand({
  usage: USAGE,
  options: {
    deployments: { type: "string" },
    wait: { type: "string", default: "1800" },
    keystore: { type: "string" },
  },
  required: [],
  words: 1,
  async run(values, output, [folder]) {
    if (folder === undefined) throw new UsageError("DIR is missing; see --help");
    const rental = new Rental(folder);
    const { network, orderId, recipient, endpoint } = await rental.readOpen();
    const { connection, book } = await openDeployment({ ...values, network });
    const wallet = await loadWallet(keySource(network, values.keystore), connection.provider);
    const domain = jobDomain(connection.chainId, book.addresses.escrow);
    const grant = await makeGrant(wallet, domain, orderId, recipient, await rental.jobIdentity());
    const client = new HttpClient();
    const until = performance.now() + wholeNumber("wait", values.wait, 0) * 1_000;
    try {
      await new NodeClient(client, endpoint, orderId).send(grant, rental.bundle, until, (line) => output.note(line));
    } finally {
      client.close();
    }
    output.result(
      { orderId, sent: true },
      `The node has order ${orderId}. Next: turingfog order status ${folder} --watch`,
    );
  },
});
