import { getAddress, id, type Provider, ZeroAddress, ZeroHash } from "ethers";

import { type TimelockController, TimelockController__factory, type TUReceiptOracle } from "../../bindings/index.js";
import { TuringFogError } from "../../errors.js";
import { type OnProgress, readEvents, timelockWitness } from "../logs.js";
import type { SignerSet } from "../oracle.js";

/** The timelock's roles. */
export const ROLES = {
  admin: ZeroHash,
  proposer: id("PROPOSER_ROLE"),
  canceller: id("CANCELLER_ROLE"),
  executor: id("EXECUTOR_ROLE"),
} as const;

export type Role = keyof typeof ROLES;

export const ROLE_NAMES = Object.keys(ROLES) as Role[];

/** Thrown before anything is sent, when an account does not have the role that a step takes. */
export class WrongKeyError extends TuringFogError {
  constructor(
    readonly account: string,
    /** The role, as "the guardian of the oracle". */
    readonly role: string,
    /** The accounts that have it; null if they cannot be read. */
    readonly holders: readonly string[] | null,
  ) {
    const known = holders === null ? "unknown: the node does not give the timelock's events" : holders.join(", ");
    super(
      `Expected the key of ${role} (${known || "nobody"}), got that of ${account}: use the holder's key, or have the ` +
        "holder send it",
    );
  }
}

/**
 * Returns the accounts that hold each role of the timelock now. Every holder was granted the role in an event, so none
 * is missed.
 * @param since a block not later than the timelock's; 0 if it is not known
 * @throws IncompleteLogsError, NoContractError
 */
export async function roleHolders(
  provider: Provider,
  timelock: string,
  since: number,
  onProgress?: OnProgress,
): Promise<Record<Role, string[]>> {
  const contract = TimelockController__factory.connect(timelock, provider);
  const [granted] = await readEvents({ provider, since, onProgress }, await timelockWitness(contract), {
    contract,
    event: contract.filters.RoleGranted,
  });

  const holders = async (role: Role): Promise<[Role, string[]]> => {
    const ofRole = granted.filter(({ args }) => args.role === ROLES[role]);
    const accounts = [...new Set(ofRole.map(({ args }) => args.account))];
    const held = await Promise.all(accounts.map((account) => contract.hasRole(ROLES[role], account)));
    return [role, accounts.filter((_, i) => held[i])];
  };
  return Object.fromEntries(await Promise.all(ROLE_NAMES.map(holders))) as Record<Role, string[]>;
}

/**
 * Checks that an account may act in a role of the timelock. Executing is open to everyone if the zero address has the
 * role.
 * @param since a block not later than the timelock's; 0 if it is not known
 * @throws WrongKeyError
 */
export async function checkRole(
  timelock: TimelockController,
  provider: Provider,
  since: number,
  role: Exclude<Role, "admin">,
  account: string,
): Promise<void> {
  if (await timelock.hasRole(ROLES[role], account)) return;
  if (role === "executor" && (await timelock.hasRole(ROLES.executor, ZeroAddress))) return;
  const holders = await roleHolders(provider, await timelock.getAddress(), since).catch(() => null);
  throw new WrongKeyError(
    account,
    `${role === "executor" ? "an" : "a"} ${role} of the timelock`,
    holders && holders[role],
  );
}

/**
 * Checks that an account is the guardian.
 * @throws WrongKeyError
 */
export async function checkGuardian(oracle: TUReceiptOracle, account: string): Promise<void> {
  const guardian = await oracle.guardian();
  if (guardian !== getAddress(account)) throw new WrongKeyError(account, "the guardian of the oracle", [guardian]);
}

/**
 * Checks that an account is one of the oracle's signers.
 * @throws WrongKeyError
 */
export function checkSigner({ signers }: Pick<SignerSet, "signers">, account: string): void {
  if (!signers.map(getAddress).includes(getAddress(account)))
    throw new WrongKeyError(account, "a signer of the oracle", signers);
}
