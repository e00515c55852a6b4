import { type Connection, isPlayground } from "@turingfog/operator";
import { TuringFogError } from "@turingfog/sdk";

import { UsageError } from "./command.js";
import { ask, TERMINAL } from "./prompt.js";

/** Thrown when the answer is not yes. */
export class NotConfirmedError extends TuringFogError {
  constructor() {
    super("Not confirmed: nothing was sent");
  }
}

/** Value of --yes. */
export interface ConfirmationValues {
  yes?: boolean;
}

/**
 * Checks that sending is confirmed by --yes or can be confirmed on a terminal. A playground needs no confirmation: its
 * coins are worth nothing, and it ends with its node.
 * @throws UsageError
 */
export function checkConfirmable(connection: Connection, { yes }: ConfirmationValues, { input } = TERMINAL): void {
  if (yes === true || isPlayground(connection) || input.isTTY === true) return;
  throw new UsageError(
    `There is no terminal to confirm on what is sent to ${connection.chain.title}, and nothing was sent: ` +
      "see what --dry-run shows, then give --yes",
  );
}

/**
 * Asks whether to send what was shown, unless --yes or a playground makes that needless.
 * @param what what is sent, as "12 transactions"
 * @throws UsageError, NotConfirmedError
 */
export async function confirm(
  connection: Connection,
  values: ConfirmationValues,
  what: string,
  terminal = TERMINAL,
): Promise<void> {
  checkConfirmable(connection, values, terminal);
  if (values.yes === true || isPlayground(connection)) return;
  const { chain, chainId } = connection;
  const answer = await ask(`Send ${what} to ${chain.title}, chain ${chainId}? [y/N] `, terminal);
  if (!/^y(es)?$/i.test(answer.trim())) throw new NotConfirmedError();
}
