import { AbiCoder, getAddress, keccak256 } from "ethers";

import { decodeAction, type GovernanceAction, type SystemContracts } from "@turingfog/sdk/ethers";

/** An operation of the timelock, as far as its id follows from it. */
export interface Scheduled {
  id: string;
  predecessor: string;
  salt: string;
}

/** A call of an operation. */
export interface ScheduledCall {
  target: string;
  /** In wei. */
  value: string;
  data: string;
}

/** Says what an operation does. Its id is a hash of all its calls, so none can be left out. */
export function describeOperation(
  contracts: SystemContracts,
  operation: Scheduled,
  calls: readonly ScheduledCall[],
): string {
  const known = calls.map(({ target, data }) => {
    const action = decodeAction(contracts, { to: getAddress(target), data });
    return action === null ? `calls ${getAddress(target)} with ${data.slice(0, 10)}` : describe(action);
  });
  if (!areAll(operation, calls)) known.push("calls are missing or wrong in the index: read the timelock's own logs");
  return known.join("; ");
}

/** Whether calls, in their order, are those of an operation: `hashOperation` or `hashOperationBatch` of the timelock. */
function areAll({ id, predecessor, salt }: Scheduled, calls: readonly ScheduledCall[]): boolean {
  const hash = (types: readonly string[], values: readonly unknown[]) => {
    const rest = [predecessor, salt];
    return keccak256(AbiCoder.defaultAbiCoder().encode([...types, "bytes32", "bytes32"], [...values, ...rest]));
  };
  const columns = [calls.map((each) => each.target), calls.map((each) => each.value), calls.map((each) => each.data)];
  if (hash(["address[]", "uint256[]", "bytes[]"], columns) === id) return true;
  return calls.length === 1 && hash(["address", "uint256", "bytes"], columns.flat()) === id;
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
