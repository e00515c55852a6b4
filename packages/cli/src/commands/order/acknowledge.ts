import {
  acknowledgedTU,
  escrowDomain,
  HttpClient,
  NodeClient,
  POLICIES,
  type Policy,
  Rental,
} from "@turingfog/network";
import { loadWallet } from "@turingfog/operator";
import { connectContracts } from "@turingfog/sdk/ethers";
import { ACKNOWLEDGEMENT } from "@turingfog/sdk/wire";
import { formatUnits } from "ethers";

import { defineCommand, UsageError } from "../../lib/command.js";
import { openDeployment } from "../../lib/deployed.js";
import { keySource } from "../../lib/sender.js";

const USAGE = `Acknowledges what a node has delivered, so that it is paid at once: no more than was seen, and than its rate allows.

  turingfog order acknowledge DIR --acknowledge all|sampled|none [...]

  DIR                   folder that turingfog order open has written
  --acknowledge POLICY  all: what turingfog order status has seen; sampled: of that, what was counted between two looks at
                        most 15 minutes apart, and all once the result was fetched; none: nothing (default sampled)
  --deployments DIR     folder of the address books (default deployments)
  --keystore FILE       the key of who would be refunded (default: TURINGFOG_KEYSTORE or TURINGFOG_PRIVATE_KEY)
  --json                print JSON alone
  --help                print this

What was acknowledged is paid, whatever becomes of the order.`;

export const command = defineCommand({
  usage: USAGE,
  options: {
    acknowledge: { type: "string", default: "sampled" },
    deployments: { type: "string" },
    keystore: { type: "string" },
  },
  required: [],
  words: 1,
  async run(values, output, [folder]) {
    if (folder === undefined) throw new UsageError("DIR is missing; see --help");
    const policy = POLICIES.find((each): each is Policy => each === values.acknowledge);
    if (policy === undefined)
      throw new UsageError(`--acknowledge is ${values.acknowledge}, must be ${POLICIES.join(", ")}`);
    const rental = new Rental(folder);
    const { network, orderId, nodeId, endpoint } = await rental.readOpen();
    const { connection, book } = await openDeployment({ ...values, network });
    const { escrow, registry } = connectContracts(book.addresses, connection.provider);
    const { startedAt, tuAmount } = await escrow.order(orderId);
    const seen = { policy, seen: await rental.seen(), hasResult: rental.hasResult };
    const ratePerDay = await registry.ratePerDay(nodeId);
    const cumulativeTU = acknowledgedTU({ ...seen, ratePerDay, order: { startedAt, tuAmount } });
    if (cumulativeTU === 0n)
      return output.result({ orderId, cumulativeTU }, "Nothing was seen that could be acknowledged");

    const wallet = await loadWallet(keySource(network, values.keystore), connection.provider);
    const domain = escrowDomain(connection.chainId, book.addresses.escrow);
    const client = new HttpClient();
    try {
      const signed = await ACKNOWLEDGEMENT.sign(wallet, domain, { orderId, cumulativeTU });
      await new NodeClient(client, endpoint, orderId).acknowledge(signed);
    } finally {
      client.close();
    }
    output.result({ orderId, cumulativeTU }, `Acknowledged ${formatUnits(cumulativeTU, 18)} TU of order ${orderId}`);
  },
});
