import { entitlement, formatAmount, formatDuration, formatInstant, NOMINAL_SUPPLY, RESERVE } from "@turingfog/sdk";
import {
  BuybackBurnController__factory,
  ComputeEscrow__factory,
  CONTRACTS,
  EmissionVault__factory,
  GENESIS_KEYS,
  type LogRange,
  readEvents,
  TFT__factory,
  TimelockController__factory,
  timelockWitness,
  TUReceiptOracle__factory,
  VestedAllocation__factory,
  vestingKey,
  type Witness,
} from "@turingfog/sdk/ethers";
import { Contract, type Provider, ZeroAddress } from "ethers";

import type { Build } from "../deployment/build.js";
import { expectedContracts, expectedSignerList, systemOf, systemValues } from "../deployment/expected.js";
import { genesisPlan } from "../deployment/genesisPlan.js";
import type { Allocation, Vesting } from "../deployment/parameters.js";
import { type Check, incompleteLogs, Section, type Subject } from "./checks.js";
import { checkCode } from "./code.js";
import { checkDeployer, checkRoles, describeHolder } from "./roles.js";

/** Part of a check list. */
export interface CheckedPart {
  /** What it checks, for people who wait for it. */
  title: string;
  run: (build: Build, deployed: Subject) => Promise<Check[]>;
}

/**
 * Parts that prove what stands: the code at every address is that of the repository and the parameters, and every role has
 * exactly the holders in the parameters.
 */
export const VERIFICATION: readonly CheckedPart[] = [
  { title: "code", run: checkSystemCode },
  { title: "roles", run: (_, deployed) => checkRoles(deployed) },
];

/**
 * All parts: also, the deployer holds nothing, and every reference, time, asset and allocation and the supply are as the
 * parameters have them.
 */
export const ACCEPTANCE: readonly CheckedPart[] = [
  ...VERIFICATION,
  { title: "the deployer", run: (_, deployed) => checkDeployer(deployed) },
  { title: "references", run: (_, deployed) => checkReferences(deployed) },
  { title: "settings", run: (_, deployed) => checkSettings(deployed) },
  { title: "the supply", run: (_, deployed) => checkSupply(deployed) },
  { title: "allocations", run: (_, deployed) => checkAllocations(deployed) },
];

/**
 * Checks the parts of a list in their order. Stops after the code if any differs in more than its immutables, since the
 * answers of such code prove nothing.
 * @param onPart told which part comes next
 */
export async function checkParts(
  parts: readonly CheckedPart[],
  build: Build,
  deployed: Subject,
  onPart: (title: string) => void = () => undefined,
): Promise<Check[]> {
  const checks: Check[] = [];
  for (const { title, run } of parts) {
    onPart(title);
    checks.push(...(await run(build, deployed)));
    if (!isOurs(checks)) break;
  }
  return checks;
}

/** Tells whether all code that was compared is that of the build. */
function isOurs(checks: readonly Check[]): boolean {
  return checks.every(({ section, passed }) => section !== "Code" || passed);
}

/** Checks the code of the contracts, of the first list of signers, and of the list in force. */
async function checkSystemCode(build: Build, deployed: Subject): Promise<Check[]> {
  const { provider, parameters, addresses } = deployed;
  const code = await checkCode(provider, expectedContracts(build, deployed));

  if (!isOurs(code)) return code;
  const oracle = TUReceiptOracle__factory.connect(systemOf(addresses).oracle, provider);
  const address = await oracle.getAddress();
  const version = await oracle.signerSetVersion();
  const lists = [expectedSignerList(address, 1n, parameters.signers)];
  if (version !== 1n) lists.push(expectedSignerList(address, version, await oracle.signers()));
  return [...code, ...(await checkCode(provider, lists))];
}

/** Checks every reference and time that the contracts return, and the addresses in the address book. */
async function checkReferences(subject: Subject): Promise<Check[]> {
  const { provider, addresses } = subject;
  const section = new Section("References");
  const system = systemOf(addresses);
  for (const name of GENESIS_KEYS) section.equal(`address of ${name}`, addresses[name], system[name]);
  for (const name of GENESIS_KEYS) {
    const contract = new Contract(system[name], CONTRACTS[name].factory.abi, provider);
    for (const [getter, value] of Object.entries(systemValues(subject))) {
      if (!contract.interface.hasFunction(getter)) continue;
      const answer = (await contract.getFunction(getter).staticCall()) as string | bigint;
      section.equal(`${name}.${getter}`, answer, value);
    }
  }
  return section.checks;
}

/**
 * Checks the treasury and share of operations, and the assets that were ever listed, each with its first reference
 * price.
 * @throws IncompleteLogsError if an asset is listed and the node's logs lack that
 */
async function checkSettings(subject: Subject): Promise<Check[]> {
  const { provider, parameters, addresses } = subject;
  const section = new Section("Settings");
  const system = systemOf(addresses);
  const vault = EmissionVault__factory.connect(system.vault, provider);
  const { treasury, share } = parameters.operations;
  section.equal(
    "operations treasury",
    await describeHolder(provider, await vault.operationsTreasury()),
    await describeHolder(provider, treasury),
  );
  section.equal("operations share, basis points", await vault.operationsShare(), share);

  const escrow = ComputeEscrow__factory.connect(system.escrow, provider);
  const controller = BuybackBurnController__factory.connect(system.controller, provider);
  const [listings, auctions] = await readEvents(
    ...(await sinceCreation(subject)),
    { contract: escrow, event: escrow.filters.AssetListed },
    { contract: controller, event: controller.filters.AuctionCreated },
  );
  const references = new Map(auctions.map(({ args }) => [args.asset, args.referencePrice]));

  const assets = [system.tft, ...parameters.assets.map(({ address }) => address)];
  const listed = [...new Set(listings.map(({ args }) => args.asset))];
  const states = await Promise.all(assets.map((asset) => escrow.isListed(asset)));
  for (const [i, asset] of assets.entries()) {
    if (!states[i] || listed.includes(asset)) continue;
    throw await incompleteLogs(subject, system.escrow, `AssetListed(${asset})`);
  }
  section.equal("assets ever listed", listed.join(", "), assets.join(", "));
  for (const [i, asset] of assets.entries()) section.equal(`${asset} is listed`, states[i], true);
  for (const { address, referencePrice } of parameters.assets) {
    const first = references.get(address);
    if (first === undefined && listed.includes(address)) {
      throw await incompleteLogs(subject, system.controller, `AuctionCreated(${address})`);
    }
    const price = first === undefined ? "none" : formatAmount(first);
    section.equal(`first reference price of ${address}, TFT`, price, formatAmount(referencePrice));
  }
  return section.checks;
}

/**
 * Checks that exactly the nominal supply was minted, that the total supply and the releases follow from what was
 * burned, and that the vault holds all that it has not released.
 */
async function checkSupply(subject: Subject): Promise<Check[]> {
  const { provider, addresses } = subject;
  const section = new Section("Supply");
  const system = systemOf(addresses);
  const tft = TFT__factory.connect(system.tft, provider);
  const vault = EmissionVault__factory.connect(system.vault, provider);

  const { mints, burned, totalSupply } = await supplyHistory(subject);
  const minted = sum(mints.map(({ value }) => value));
  const released = await vault.released();
  const kept = RESERVE - released + (await vault.operationsOwed());

  section.equal("minted, TFT", formatAmount(minted), formatAmount(NOMINAL_SUPPLY));
  section.equal("total supply, TFT", formatAmount(totalSupply), formatAmount(NOMINAL_SUPPLY - burned));
  section.equal("released, TFT", formatAmount(released), formatAmount(entitlement(burned)));
  section.amountAtLeast("reserve in the vault, TFT", await tft.balanceOf(vault), kept);
  return section.checks;
}

/**
 * Returns every mint, and what was burned, by the node's logs.
 * @throws IncompleteLogsError if the total supply is another than they make
 */
async function supplyHistory(subject: Subject) {
  const tft = TFT__factory.connect(systemOf(subject.addresses).tft, subject.provider);
  const transfers = { contract: tft, event: tft.filters.Transfer };
  const [mints, burns] = await readEvents(
    ...(await sinceCreation(subject)),
    { ...transfers, args: [ZeroAddress] },
    { ...transfers, args: [null, ZeroAddress] },
  );
  const totalSupply = await tft.totalSupply();
  const burned = sum(burns.map(({ args }) => args.value));
  if (sum(mints.map(({ args }) => args.value)) - burned !== totalSupply) {
    throw await incompleteLogs(subject, await tft.getAddress(), `Transfer(from or to ${ZeroAddress})`);
  }
  return { mints: mints.map(({ args }) => args), burned, totalSupply };
}

/** Checks the amount that each holder was given at genesis, and the terms on which it vests. */
async function checkAllocations(subject: Subject): Promise<Check[]> {
  const { provider, parameters, addresses } = subject;
  const section = new Section("Allocations");
  const { vault } = systemOf(addresses);
  const { mints: minted } = await supplyHistory(subject);
  const { allocations } = genesisPlan(parameters, addresses);
  const expected = [{ holder: vault, amount: RESERVE }, ...allocations];
  const names = ["reserve", ...parameters.allocations.map(({ name }) => name)];
  const describe = (to: string, amount: bigint) => `${formatAmount(amount)} TFT to ${to}`;
  section.equal("how many", minted.length, expected.length);
  for (const [i, { holder, amount }] of expected.entries()) {
    const actual = minted[i] === undefined ? "nothing" : describe(minted[i].to, minted[i].value);
    section.equal(names[i], actual, describe(holder, amount));
  }
  for (const allocation of parameters.allocations) {
    if ("vesting" in allocation)
      await checkVesting(section, provider, addresses[vestingKey(allocation.name)], allocation);
  }
  return section.checks;
}

async function checkVesting(
  section: Section,
  provider: Provider,
  address: string,
  { name, vesting }: Allocation & { vesting: Vesting },
): Promise<void> {
  const wallet = VestedAllocation__factory.connect(address, provider);
  section.equal(`${name}: beneficiary`, await wallet.owner(), vesting.beneficiary);
  section.equal(`${name}: start`, formatInstant(await wallet.start()), formatInstant(vesting.start));
  section.equal(`${name}: duration`, formatDuration(await wallet.duration()), formatDuration(vesting.duration));
  section.equal(
    `${name}: cliff ends`,
    formatInstant(await wallet.cliff()),
    formatInstant(vesting.start + vesting.cliff),
  );
}

/** Returns the blocks since a deployment, with the log that the timelock emitted in the first of them. */
async function sinceCreation({ provider, addresses, since, onProgress }: Subject): Promise<[LogRange, Witness]> {
  const timelock = TimelockController__factory.connect(addresses.timelock, provider);
  return [{ provider, since, onProgress }, await timelockWitness(timelock)];
}

function sum(amounts: bigint[]): bigint {
  return amounts.reduce((total, each) => total + each, 0n);
}
