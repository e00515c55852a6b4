import { formatAmount, formatDuration } from "@turingfog/sdk";
import {
  describeAccountKind,
  EmissionVault__factory,
  readAccountKind,
  type Role,
  ROLE_NAMES,
  roleHolders,
  ROLES,
  TFT__factory,
  TimelockController__factory,
  TUReceiptOracle__factory,
  VestedAllocation__factory,
  vestingKey,
} from "@turingfog/sdk/ethers";
import type { Provider } from "ethers";

import { systemOf } from "../deployment/expected.js";
import { type Check, incompleteLogs, Section, type Subject } from "./checks.js";

/**
 * Checks that the holders of every role, and the governor's delay, are exactly those of the parameters. Each holder is
 * shown with the kind of its account, so that a report tells a multisig from a key.
 * @throws IncompleteLogsError if an account has a role of which the node's logs lack the grant
 */
export async function checkRoles(subject: Subject): Promise<Check[]> {
  const { provider, parameters, addresses, since, onProgress } = subject;
  const { timelock } = addresses;
  const { minDelay, proposers, executors } = parameters.governor;
  const oracle = TUReceiptOracle__factory.connect(systemOf(addresses).oracle, provider);

  const describe = (account: string) => describeHolder(provider, account);
  const list = async (accounts: string[]) =>
    (await Promise.all([...accounts].sort().map(describe))).join(", ") || "nobody";

  const section = new Section("Roles");
  const expected = { admin: [timelock], proposer: proposers, canceller: proposers, executor: executors };
  const actual = await roleHolders(provider, timelock, since, onProgress);
  const governor = TimelockController__factory.connect(timelock, provider);
  for (const role of ROLE_NAMES) {
    for (const account of expected[role].filter((each) => !actual[role].includes(each))) {
      if (!(await governor.hasRole(ROLES[role], account))) continue;
      throw await incompleteLogs(subject, timelock, `RoleGranted(${role}, ${account})`);
    }
    section.equal(`timelock ${role}`, await list(actual[role]), await list(expected[role]));
  }
  const delay = await governor.getMinDelay();
  section.equal("timelock delay", formatDuration(delay), formatDuration(minDelay));
  section.equal("guardian", await describe(await oracle.guardian()), await describe(parameters.guardian));
  section.equal("signers", await list(await oracle.signers()), await list(parameters.signers));
  section.equal("quorum", await oracle.quorum(), parameters.quorum);
  return section.checks;
}

/**
 * Checks that the deployer has no role and no TFT, is not the operations treasury and owns no vesting wallet, even if
 * the parameters name it. Returns no check if the deployer is not known: no code depends on the sender.
 */
export async function checkDeployer({ provider, parameters, addresses, deployer }: Subject): Promise<Check[]> {
  if (deployer === null) return [];
  const system = systemOf(addresses);
  const oracle = TUReceiptOracle__factory.connect(system.oracle, provider);
  const vault = EmissionVault__factory.connect(system.vault, provider);
  const tft = TFT__factory.connect(system.tft, provider);

  const timelock = TimelockController__factory.connect(addresses.timelock, provider);
  const holds = async (role: Role): Promise<[string, boolean]> => {
    return [`timelock ${role}`, await timelock.hasRole(ROLES[role], deployer)];
  };
  const held: Record<string, boolean> = {
    ...Object.fromEntries(await Promise.all(ROLE_NAMES.map(holds))),
    guardian: (await oracle.guardian()) === deployer,
    signer: (await oracle.signers()).includes(deployer),
    "operations treasury": (await vault.operationsTreasury()) === deployer,
  };
  for (const allocation of parameters.allocations.filter((each) => "vesting" in each)) {
    const name = vestingKey(allocation.name);
    const wallet = VestedAllocation__factory.connect(addresses[name], provider);
    held[`owner of ${name}`] = (await wallet.owner()) === deployer;
  }

  const section = new Section("Deployer");
  for (const [power, isHeld] of Object.entries(held)) {
    section.equal(`${deployer} is ${power}`, isHeld ? "yes" : "no", "no");
  }
  section.equal(`TFT of ${deployer}`, formatAmount(await tft.balanceOf(deployer)), formatAmount(0n));
  return section.checks;
}

/** Describes who holds a power: the address and the kind of its account. */
export async function describeHolder(provider: Provider, account: string): Promise<string> {
  return `${account} (${describeAccountKind(await readAccountKind(provider, account))})`;
}
