import { Contract, formatUnits, type ContractRunner } from "ethers";

import { TuringFogError } from "../../errors.js";
import { formatAmount } from "../../format.js";
import { listChanges, NONE, type Change } from "./changes.js";
import type { SystemContracts } from "../contracts.js";

/** The governor, and the contracts that it governs. */
export type GovernedContracts = Pick<SystemContracts, "timelock" | "oracle" | "vault" | "escrow">;

/** Every action that the governor can take in the protocol. */
export type GovernanceAction =
  /** New signers, in any order, and the number of them who must sign. */
  | { kind: "rotate-signers"; signers: string[]; quorum: bigint }
  | { kind: "replace-guardian"; guardian: string }
  /** `referencePrice` is TFT (18 decimals) per whole unit. It is given once, so it is 0 for an asset listed before. */
  | { kind: "list-asset"; asset: string; referencePrice: bigint }
  | { kind: "delist-asset"; asset: string }
  /** `share` is in basis points of each release. */
  | { kind: "set-operations"; treasury: string; share: bigint };

/** A call for the timelock to make. */
export interface GovernorCall {
  to: string;
  data: string;
}

/** Thrown when an action would leave everything as it is. */
export class NothingChangesError extends TuringFogError {
  constructor(action: GovernanceAction) {
    super(`${action.kind} would change nothing: all of it is so already`);
  }
}

/** Returns the call that carries out an action. */
export async function encodeAction(contracts: GovernedContracts, action: GovernanceAction): Promise<GovernorCall> {
  const { oracle, vault, escrow } = contracts;
  switch (action.kind) {
    case "rotate-signers":
      return oracle.setSigners.populateTransaction(ascending(action.signers), action.quorum);
    case "replace-guardian":
      return oracle.setGuardian.populateTransaction(action.guardian);
    case "list-asset":
      return escrow.listAsset.populateTransaction(action.asset, action.referencePrice);
    case "delist-asset":
      return escrow.delistAsset.populateTransaction(action.asset);
    case "set-operations":
      return vault.setOperations.populateTransaction(action.treasury, action.share);
  }
}

/** Returns the action that a call carries out; null if it is none of them. */
export function decodeAction(contracts: GovernedContracts, { to, data }: GovernorCall): GovernanceAction | null {
  const { oracle, vault, escrow } = contracts;
  const target = [oracle, vault, escrow].find((contract) => contract.target === to);
  const call = target?.interface.parseTransaction({ data });
  if (!call) return null;

  const [first, second] = call.args.toArray() as [unknown, unknown];
  switch (call.name) {
    case "setSigners":
      return { kind: "rotate-signers", signers: [...(first as string[])], quorum: second as bigint };
    case "setGuardian":
      return { kind: "replace-guardian", guardian: first as string };
    case "listAsset":
      return { kind: "list-asset", asset: first as string, referencePrice: second as bigint };
    case "delistAsset":
      return { kind: "delist-asset", asset: first as string };
    case "setOperations":
      return { kind: "set-operations", treasury: first as string, share: second as bigint };
    default:
      return null;
  }
}

/**
 * Returns the changes of an action that is to be scheduled.
 * @throws NothingChangesError
 */
export async function proposedChanges(contracts: GovernedContracts, action: GovernanceAction): Promise<Change[]> {
  const changes = await changesOf(contracts, action);
  if (changes.every(({ from, to }) => from === to)) throw new NothingChangesError(action);
  return changes;
}

/** Returns what an action would change now, including values that stay as they are. */
export async function changesOf(
  { oracle, vault, escrow }: GovernedContracts,
  action: GovernanceAction,
): Promise<Change[]> {
  switch (action.kind) {
    case "rotate-signers": {
      const [signers, quorum, version] = await Promise.all([
        oracle.signers(),
        oracle.quorum(),
        oracle.signerSetVersion(),
      ]);
      return [
        ...listChanges("signer", signers, action.signers),
        { what: "quorum", from: `${quorum} of ${signers.length}`, to: `${action.quorum} of ${action.signers.length}` },
        { what: "signer set version", from: String(version), to: String(version + 1n) },
        {
          what: "roots, attestations and ratings still pending, and signatures not yet used",
          from: "valid",
          to: "expired",
        },
      ];
    }
    case "replace-guardian":
      return [{ what: "guardian", from: await oracle.guardian(), to: action.guardian }];
    case "list-asset": {
      const name = await assetName(action.asset, escrow.runner);
      const listing = { what: name, from: standing(await escrow.isListed(action.asset)), to: standing(true) };
      if (action.referencePrice === 0n) return [listing];
      return [
        listing,
        { what: `${name}: first reference price`, from: NONE, to: `${formatAmount(action.referencePrice)} TFT` },
      ];
    }
    case "delist-asset":
      return [
        {
          what: await assetName(action.asset, escrow.runner),
          from: standing(await escrow.isListed(action.asset)),
          to: standing(false),
        },
      ];
    case "set-operations":
      return [
        { what: "operations treasury", from: await vault.operationsTreasury(), to: action.treasury },
        {
          what: "operations share of each release",
          from: percent(await vault.operationsShare()),
          to: percent(action.share),
        },
      ];
  }
}

/** Sorts accounts in the order in which the oracle takes them. */
function ascending(accounts: readonly string[]): string[] {
  return [...accounts].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
}

function standing(isListed: boolean): string {
  return isListed ? "listed" : "not listed for new orders";
}

/**
 * Returns the symbol, address and decimals of an asset, with "?" for what it does not answer: nothing is known of an
 * asset before it is listed.
 */
async function assetName(asset: string, runner: ContractRunner | null): Promise<string> {
  const token = new Contract(
    asset,
    ["function symbol() view returns (string)", "function decimals() view returns (uint8)"],
    runner,
  );
  const ask = (getter: string) =>
    token
      .getFunction(getter)
      .staticCall()
      .then(String, () => "?");
  const [symbol, decimals] = await Promise.all([ask("symbol"), ask("decimals")]);
  return `${symbol} at ${asset}, ${decimals} decimals`;
}

/** Renders basis points as a percentage. */
function percent(share: bigint): string {
  return `${formatUnits(share, 2)} %`;
}
