import { grantSigners, HttpClient, makeGrant, Rental } from "@turingfog/network";
import { latestBlock } from "@turingfog/operator";
import { connectContracts } from "@turingfog/sdk/ethers";
import { jobDomain, oracleDomain } from "@turingfog/sdk/wire";

import { newCommand, wholeNumber } from "../../lib/command.js";
import { DEPLOYMENTS, openDeployment } from "../../lib/deployed.js";
import { withReasonInWords } from "../../lib/ending.js";
import { whileNotFinal } from "../../lib/finality.js";
import { orderNode } from "../../lib/orderNode.js";
import { type Output, outputOf } from "../../lib/output.js";
import { KEYSTORE, openWallet } from "../../lib/sender.js";
import { FOLDER } from "./status.js";

export const command = newCommand({
  description: `Hands an order's sealed job and its key to the node, until it has both.

With --signer gives the key to the oracle's signers too, which recompute the rounds of a job of the built-in trainer. No other
job needs it, and then they can read the job.`,
  examples: ["turingfog order send ORDER", "turingfog order send ORDER --signer https://signer.example"],
})
  .addArgument(FOLDER)
  .addOption(DEPLOYMENTS)
  .option("--wait <SECONDS>", "how long to try: a node takes orders of final blocks alone", "1800")
  .option("--signer <URL...>", "addresses of oracle signers, each of which tells all others")
  .addOption(KEYSTORE)
  .action((folder, values) => send(folder, values, outputOf(values)));

interface Values {
  deployments: string;
  wait: string;
  signer?: string[];
  keystore?: string;
}

async function send(folder: string, values: Values, output: Output): Promise<void> {
  const rental = new Rental(folder);
  const record = await rental.readOpen();
  const { network, orderId, recipient } = record;
  const { connection, book } = await openDeployment({ ...values, network });
  const wallet = await openWallet(connection, values.keystore, output);
  const domain = jobDomain(connection.chainId, book.addresses.escrow);
  const identity = await rental.jobIdentity();
  const grantTo = (reader: string) => makeGrant(wallet, domain, orderId, reader, identity);
  const { escrow, oracle } = connectContracts(book.addresses, connection.provider);
  const { startedAt } = await withReasonInWords(orderId, escrow.order(orderId));
  const client = new HttpClient();
  const until = performance.now() + wholeNumber("wait", values.wait, 0) * 1_000;
  const note = (line: string) => output.note(line);
  try {
    const node = await orderNode(rental, record, client, values, output);
    await whileNotFinal(connection, startedAt, output, node.send(await grantTo(recipient), rental.bundle, until, note));
    if (values.signer !== undefined) {
      await grantSigners({
        ...{ client, orderId, grantTo, endpoints: values.signer, note },
        signers: (await oracle.signers()).map((each) => each.toLowerCase()),
        quorum: Number(await oracle.quorum()),
        domain: oracleDomain(connection.chainId, book.addresses.oracle),
        now: BigInt((await latestBlock(connection.provider)).timestamp),
      });
    }
  } finally {
    client.close();
  }
  output.result(
    { orderId, sent: true },
    `The node has order ${orderId}. Next: turingfog order status ${folder} --watch`,
  );
}
