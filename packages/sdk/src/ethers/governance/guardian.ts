import type { TUReceiptOracle } from "../../bindings/index.js";
import { RootStatus } from "../../settlement.js";
import { formatInstant } from "../../time.js";
import { DAY } from "../../units.js";
import type { GovernorCall } from "./actions.js";
import type { Change } from "./changes.js";

/** An action that the guardian can take. */
export type GuardianAction = { kind: "veto"; receiptsRoot: string } | { kind: "freeze" } | { kind: "thaw" };

/** Length of a freeze in seconds, `FREEZE_DURATION` of TUReceiptOracle.sol. */
const FREEZE_DURATION = 7n * DAY;

/** Returns the call that carries out an action. */
export async function encodeGuardianAction(oracle: TUReceiptOracle, action: GuardianAction): Promise<GovernorCall> {
  switch (action.kind) {
    case "veto":
      return oracle.veto.populateTransaction(action.receiptsRoot);
    case "freeze":
      return oracle.freeze.populateTransaction();
    case "thaw":
      return oracle.thaw.populateTransaction();
  }
}

/**
 * Returns what an action would change.
 * @param now time of the latest block, in unix seconds
 */
export async function guardianChanges(oracle: TUReceiptOracle, action: GuardianAction, now: bigint): Promise<Change[]> {
  if (action.kind === "veto") {
    const [status, finalAt] = await oracle.status(action.receiptsRoot);
    const name = RootStatus[Number(status)];
    const until = finalAt === 0n ? "" : `, final at ${formatInstant(finalAt)}`;
    return [
      {
        what: `root ${action.receiptsRoot}`,
        from: `${name}${until}`,
        to: `${RootStatus[RootStatus.Vetoed]}, permanently`,
      },
    ];
  }

  const frozenUntil = await oracle.frozenUntil();
  const from = frozenUntil > now ? `until ${formatInstant(frozenUntil)}` : "no";
  const to =
    action.kind === "freeze" ? `until ${formatInstant(now + FREEZE_DURATION)}, and not again within 30 days` : "no";
  return [{ what: "frozen", from, to }];
}
