import { Rental } from "@turingfog/network";
import { TuringFogError } from "@turingfog/sdk";
import { connectContracts } from "@turingfog/sdk/ethers";

import { UsageError } from "../../lib/command.js";
import { openDeployment } from "../../lib/deployed.js";
import { endingCommand, type EndingValues, withReasonInWords } from "../../lib/ending.js";
import { type Output, outputOf } from "../../lib/output.js";
import { openSender } from "../../lib/sender.js";
import { outcomeLine, outcomeOf, submitShown } from "../../lib/steps.js";
import { readAddress } from "../../lib/token.js";

export const command = endingCommand({
  description: `Hands an order, which is an ERC-721 token, over to another account, which then holds it: stops it, acknowledges it and is refunded.

The node goes on with the job that it has. What it needs again is a grant by the new holder, who also needs the folder: it has
the keys of job and result. Acknowledgements that the old holder has signed do not count any more.

--json prints {orderId, changes, outcome}.`,
  examples: ["turingfog order transfer ORDER --to 0x… --keystore wallet.json"],
})
  .requiredOption("--to <ADDRESS>", "the new holder")
  .action((folder, values) => transfer(folder, values, outputOf(values)));

interface Values extends EndingValues {
  to: string;
}

/** Thrown when an order is held by somebody else. */
class NotHolderError extends TuringFogError {
  constructor(orderId: bigint, holder: string, sender: string) {
    super(`Order ${orderId} is held by ${holder}, not by ${sender}`);
  }
}

/** Thrown when an order's refund is promised to an account, so that it cannot be handed over. */
class NotTransferableError extends TuringFogError {
  constructor(orderId: bigint, refundTo: string) {
    super(`Order ${orderId} cannot be handed over: its refund is promised to ${refundTo}`);
  }
}

async function transfer(folder: string, values: Values, output: Output): Promise<void> {
  const to = readAddress("to", values.to);
  const { network, orderId } = await new Rental(folder).readOpen();
  const { connection, book } = await openDeployment({ ...values, network });
  const { escrow } = connectContracts(book.addresses, connection.provider);
  const { refundTo } = await withReasonInWords(orderId, escrow.order(orderId));
  if (BigInt(refundTo) !== 0n) throw new NotTransferableError(orderId, refundTo);
  const holder = await escrow.ownerOf(orderId);
  if (holder === to) throw new UsageError(`--to is ${to}, who holds order ${orderId} already`);

  const title = `Transfer order ${orderId}`;
  const sender = await openSender(connection, values, output, `TuringFog: ${title}`);
  if (sender.address !== undefined && sender.address !== holder) {
    throw new NotHolderError(orderId, holder, sender.address);
  }
  const changes = [{ what: "holder", from: holder, to }];
  output.note(
    `Before or after it, hand ${folder} over too, by a way that nobody else reads: it opens job and result. The new holder then ` +
      `runs turingfog order send ${folder} with their own key, which gives the node their grant`,
  );
  const data = escrow.interface.encodeFunctionData("safeTransferFrom(address,address,uint256)", [holder, to, orderId]);
  const call = { description: title, to: book.addresses.escrow, data };
  const submitted = await submitShown({ connection, sender, values, output }, title, changes, call);
  const outcome = outcomeOf(connection, submitted);
  output.result({ orderId, changes, outcome }, outcomeLine(outcome));
}
