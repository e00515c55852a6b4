import { Rental } from "@turingfog/network";
import { latestBlock } from "@turingfog/operator";
import { formatInstant, TuringFogError } from "@turingfog/sdk";
import { type Change, connectContracts, RevertError, withRevertDecoded } from "@turingfog/sdk/ethers";

import { type HelpTexts, newCommand } from "./command.js";
import { DEPLOYMENTS, openDeployment } from "./deployed.js";
import type { Output } from "./output.js";
import { DRY_RUN, KEYSTORE, MAX_FEE, openSender, SAFE, type SenderValues, YES } from "./sender.js";
import { outcomeLine, outcomeOf, submitShown } from "./steps.js";
import { formatToken, readToken } from "./token.js";

/** Returns a command that ends the order of a folder, or hands it over. */
export function endingCommand(texts: HelpTexts) {
  return newCommand(texts)
    .argument("<DIR>", "folder that turingfog order open has written")
    .addOption(DEPLOYMENTS)
    .addOption(KEYSTORE)
    .addOption(SAFE)
    .addOption(MAX_FEE)
    .addOption(DRY_RUN)
    .addOption(YES);
}

/** Values of the options of {@link endingCommand}. */
export interface EndingValues extends SenderValues {
  deployments: string;
}

/** Thrown when the escrow refuses what is to be done with an order, in words. */
class OrderRefusedError extends TuringFogError {
  constructor(orderId: bigint, reason: string, cause: RevertError) {
    super(`Order ${orderId} ${reason}`, { cause });
  }
}

/** Says in words why the escrow refuses, by the name of its error, from what the error carries beside the order. */
const REASONS: Readonly<Record<string, (value: unknown) => string>> = {
  Escrow_UnknownOrder: () => "is closed already",
  Escrow_NotHolder: (caller) => `is held by another account than ${String(caller)}`,
  Escrow_OrderEnded: (endedAt) => `has ended already, at ${formatInstant(endedAt as bigint)}`,
  Escrow_TooEarly: (closableFrom) => `can be closed from ${formatInstant(closableFrom as bigint)}`,
};

/**
 * Awaits calls of the escrow about an order that was open once.
 * @throws OrderRefusedError if the order's state is the reason why the escrow refuses
 */
export async function withReasonInWords<T>(orderId: bigint, result: Promise<T>): Promise<T> {
  try {
    return await withRevertDecoded(result);
  } catch (error) {
    const reason = error instanceof RevertError ? REASONS[error.error]?.(error.args.toArray()[1]) : undefined;
    throw reason === undefined ? error : new OrderRefusedError(orderId, reason, error as RevertError);
  }
}

/**
 * Stops an order, so that nothing measured later counts, or closes one, which refunds what is left of its deposit.
 * @throws OrderRefusedError, and what opens a deployment and a sender
 */
export async function endOrder(
  act: "stop" | "close",
  folder: string,
  values: EndingValues,
  output: Output,
): Promise<void> {
  const { network, orderId } = await new Rental(folder).readOpen();
  const { connection, book } = await openDeployment({ ...values, network });
  const { provider } = connection;
  const { escrow } = connectContracts(book.addresses, provider);
  const [order, [refund, from], grace] = await Promise.all([
    withReasonInWords(orderId, escrow.order(orderId)),
    withReasonInWords(orderId, escrow.refundable(orderId)),
    escrow.GRACE(),
  ]);
  const left = formatToken(refund, await readToken(order.asset, provider));
  const now = BigInt((await latestBlock(provider)).timestamp);
  const changes: Record<typeof act, Change[]> = {
    stop: [
      { what: "the order ends", from: formatInstant(order.endsAt), to: `${formatInstant(now)}, at once` },
      { what: "it can be closed from", from: formatInstant(from), to: `about ${formatInstant(now + grace)}` },
    ],
    close: [{ what: "what is left of the deposit", from: `${left} in escrow`, to: `${left} refunded` }],
  };

  const title = `${act === "stop" ? "Stop" : "Close"} order ${orderId}`;
  const sender = await openSender(connection, values, output, `TuringFog: ${title}`);
  const call = {
    description: title,
    to: book.addresses.escrow,
    data: escrow.interface.encodeFunctionData(act as "close", [orderId]),
  };
  const submitting = submitShown({ connection, sender, values, output }, title, changes[act], call);
  const outcome = outcomeOf(connection, await withReasonInWords(orderId, submitting));
  output.result({ orderId, changes: changes[act], outcome }, outcomeLine(outcome));
}
