import { formatAmount, formatDuration } from "@turingfog/sdk";
import {
  EmissionVault__factory,
  eventsIn,
  TFT__factory,
  TimelockController__factory,
  TUReceiptOracle__factory,
  VestedAllocation__factory,
  vestingKey,
} from "@turingfog/sdk/ethers";
import { id, type Provider, ZeroHash } from "ethers";

import { type CheckedDeployment, systemOf } from "../deployment/expected.js";
import { type Check, Section } from "./checks.js";

/** The timelock's roles. */
export const ROLES = {
  admin: ZeroHash,
  proposer: id("PROPOSER_ROLE"),
  canceller: id("CANCELLER_ROLE"),
  executor: id("EXECUTOR_ROLE"),
} as const;

export type Role = keyof typeof ROLES;

const ROLE_NAMES = Object.keys(ROLES) as Role[];

/**
 * Returns the accounts that hold each role of the timelock now. Every holder was granted the role in an event, so none
 * is missed.
 * @param since a block not later than the timelock's
 */
export async function roleHolders(
  provider: Provider,
  timelock: string,
  since: number,
): Promise<Record<Role, string[]>> {
  const contract = TimelockController__factory.connect(timelock, provider);
  const query = (from: number, to: number) => contract.queryFilter(contract.filters.RoleGranted(), from, to);
  const granted = await eventsIn(query, since, await provider.getBlockNumber());

  const holders = async (role: Role): Promise<[Role, string[]]> => {
    const ofRole = granted.filter(({ args }) => args.role === ROLES[role]);
    const accounts = [...new Set(ofRole.map(({ args }) => args.account))];
    const held = await Promise.all(accounts.map((account) => contract.hasRole(ROLES[role], account)));
    return [role, accounts.filter((_, i) => held[i])];
  };
  return Object.fromEntries(await Promise.all(ROLE_NAMES.map(holders))) as Record<Role, string[]>;
}

/** Checks that the holders of every role, and the governor's delay, are exactly those of the parameters. */
export async function checkRoles({ provider, parameters, addresses, since }: CheckedDeployment): Promise<Check[]> {
  const { timelock } = addresses;
  const { minDelay, proposers, executors } = parameters.governor;
  const oracle = TUReceiptOracle__factory.connect(systemOf(addresses).oracle, provider);

  const section = new Section("Roles");
  const expected = { admin: [timelock], proposer: proposers, canceller: proposers, executor: executors };
  const actual = await roleHolders(provider, timelock, since);
  for (const role of ROLE_NAMES) section.equal(`timelock ${role}`, list(actual[role]), list(expected[role]));
  const delay = await TimelockController__factory.connect(timelock, provider).getMinDelay();
  section.equal("timelock delay", formatDuration(delay), formatDuration(minDelay));
  section.equal("guardian", await oracle.guardian(), parameters.guardian);
  section.equal("signers", list(await oracle.signers()), list(parameters.signers));
  section.equal("quorum", await oracle.quorum(), parameters.quorum);
  return section.checks;
}

/**
 * Checks that the deployer has no role and no TFT, is not the operations treasury and owns no vesting wallet, even if
 * the parameters name it. Returns no check if the deployer is not known: no code depends on the sender.
 */
export async function checkDeployer({
  provider,
  parameters,
  addresses,
  since,
  deployer,
}: CheckedDeployment): Promise<Check[]> {
  if (deployer === null) return [];
  const system = systemOf(addresses);
  const oracle = TUReceiptOracle__factory.connect(system.oracle, provider);
  const vault = EmissionVault__factory.connect(system.vault, provider);
  const tft = TFT__factory.connect(system.tft, provider);

  const powers: Record<string, string[]> = await roleHolders(provider, addresses.timelock, since);
  const held: Record<string, string[]> = {
    ...Object.fromEntries(Object.entries(powers).map(([role, holders]) => [`timelock ${role}`, holders])),
    guardian: [await oracle.guardian()],
    signer: await oracle.signers(),
    "operations treasury": [await vault.operationsTreasury()],
  };
  for (const allocation of parameters.allocations.filter((each) => "vesting" in each)) {
    const name = vestingKey(allocation.name);
    held[`owner of ${name}`] = [await VestedAllocation__factory.connect(addresses[name], provider).owner()];
  }

  const section = new Section("Deployer");
  for (const [power, holders] of Object.entries(held)) {
    section.equal(`${deployer} is ${power}`, holders.includes(deployer) ? "yes" : "no", "no");
  }
  section.equal(`TFT of ${deployer}`, formatAmount(await tft.balanceOf(deployer)), formatAmount(0n));
  return section.checks;
}

function list(accounts: string[]): string {
  return [...accounts].sort().join(", ") || "nobody";
}
