import { getAddress } from "ethers";

import { decodeAction, type GovernanceAction, type SystemContracts } from "@turingfog/sdk/ethers";

/** Says what the calls of an operation do. */
export function describeCalls(contracts: SystemContracts, calls: readonly { target: string; data: string }[]): string {
  return calls
    .map(({ target, data }) => {
      const action = decodeAction(contracts, { to: getAddress(target), data });
      return action === null ? `calls ${getAddress(target)} with ${data.slice(0, 10)}` : describe(action);
    })
    .join("; ");
}

function describe(action: GovernanceAction): string {
  switch (action.kind) {
    case "rotate-signers":
      return `replaces the signers by ${action.signers.length}, of whom ${action.quorum} must sign`;
    case "replace-guardian":
      return `makes ${action.guardian} the guardian`;
    case "list-asset":
      return `takes new orders in ${action.asset}`;
    case "delist-asset":
      return `takes no new orders in ${action.asset}`;
    case "set-operations":
      return `sets the share for operations to ${Number(action.share) / 100} %, paid to ${action.treasury}`;
  }
}
