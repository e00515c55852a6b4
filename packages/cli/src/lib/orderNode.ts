import { type HttpClient, type NodeClient, nodeOf, type Rental, type RentalRecord } from "@turingfog/network";
import { latestBlock } from "@turingfog/operator";
import { connectContracts } from "@turingfog/sdk/ethers";

import { openDeployment } from "./deployed.js";
import type { Output } from "./output.js";

/** Returns a client of an order's node, which is followed to another address if it does not answer. */
export function orderNode(
  rental: Rental,
  record: RentalRecord & { orderId: bigint },
  client: HttpClient,
  { deployments }: { deployments: string },
  output: Output,
): Promise<NodeClient> {
  const source = async () => {
    const { connection, book } = await openDeployment({ deployments, network: record.network });
    const { provider, chainId } = connection;
    const contracts = connectContracts(book.addresses, provider);
    const now = BigInt((await latestBlock(provider)).timestamp);
    return { contracts, provider, chainId, since: book.firstBlock ?? 0, now };
  };
  output.doing("Asking the node");
  return nodeOf(rental, record, { client, source, note: (line) => output.note(line) });
}
