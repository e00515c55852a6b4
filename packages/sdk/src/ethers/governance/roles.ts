import { id, type Provider, ZeroHash } from "ethers";

import { TimelockController__factory } from "../../bindings/index.js";
import { type OnProgress, readEvents, timelockWitness } from "../logs.js";

/** The timelock's roles. */
export const ROLES = {
  admin: ZeroHash,
  proposer: id("PROPOSER_ROLE"),
  canceller: id("CANCELLER_ROLE"),
  executor: id("EXECUTOR_ROLE"),
} as const;

export type Role = keyof typeof ROLES;

export const ROLE_NAMES = Object.keys(ROLES) as Role[];

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
