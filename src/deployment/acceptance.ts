import { Contract, ZeroAddress, type InterfaceAbi, type Provider } from "ethers";
import type { Artifacts } from "hardhat/types";

import {
  BuybackBurnController__factory,
  ComputeEscrow__factory,
  EmissionVault__factory,
  NodeRegistry__factory,
  RewardPool__factory,
  TFT__factory,
  TUReceiptOracle__factory,
  VestedAllocation__factory,
  type TFT,
} from "../../typechain-types";
import { formatAmount } from "../format";
import { entitlement, NOMINAL_SUPPLY, RESERVE } from "../supply";
import { formatInstant } from "../time";
import { Section, type Check } from "./checks";
import { checkCode } from "./code";
import { eventsIn } from "./events";
import {
  expectedContracts,
  expectedSignerList,
  GENESIS_NAMES,
  systemOf,
  systemValues,
  type Standing,
} from "./expected";
import { formatDuration, type Allocation, type Vesting } from "./parameters";
import { genesisPlan, vestingId } from "./plan";
import { checkDeployer, checkRoles } from "./roles";

const ABIS: Record<(typeof GENESIS_NAMES)[number], InterfaceAbi> = {
  tft: TFT__factory.abi,
  vault: EmissionVault__factory.abi,
  oracle: TUReceiptOracle__factory.abi,
  registry: NodeRegistry__factory.abi,
  pool: RewardPool__factory.abi,
  controller: BuybackBurnController__factory.abi,
  escrow: ComputeEscrow__factory.abi,
};

/**
 * That the code at every address is what the repository and the parameters make, and that nobody else governs it. Where
 * code differs in more than its immutables, what it answers proves nothing, and nothing else is asked.
 */
export async function verify(artifacts: Artifacts, standing: Standing): Promise<Check[]> {
  return andThen(await checkSystemCode(artifacts, standing), () => checkRoles(standing));
}

/** {@link verify}, the deployer, and every reference, time, asset and allocation, and the supply. */
export async function accept(artifacts: Artifacts, standing: Standing): Promise<Check[]> {
  return andThen(await checkSystemCode(artifacts, standing), async () => [
    ...(await handover(standing)),
    ...(await checkReferences(standing)),
    ...(await checkSettings(standing)),
    ...(await checkSupply(standing)),
    ...(await checkAllocations(standing)),
  ]);
}

/** That roles are as the parameters have them and the deployer holds nothing, which is how genesis leaves the system. */
export async function handover(standing: Standing): Promise<Check[]> {
  return [...(await checkRoles(standing)), ...(await checkDeployer(standing))];
}

async function andThen(code: Check[], next: () => Promise<Check[]>): Promise<Check[]> {
  const isOurs = code.every(({ section, passed }) => section !== "Code" || passed);
  return isOurs ? [...code, ...(await next())] : code;
}

/** The contracts, the list of signers from the start, and the one in force. */
async function checkSystemCode(artifacts: Artifacts, standing: Standing): Promise<Check[]> {
  const { provider, parameters, addresses } = standing;
  const code = await checkCode(provider, await expectedContracts(artifacts, standing));

  return andThen(code, async () => {
    const oracle = TUReceiptOracle__factory.connect(systemOf(addresses).oracle, provider);
    const address = await oracle.getAddress();
    const version = await oracle.signerSetVersion();
    const lists = [expectedSignerList(address, 1n, parameters.signers)];
    if (version !== 1n) lists.push(expectedSignerList(address, version, await oracle.signers()));
    return checkCode(provider, lists);
  });
}

/** Everything that a contract says of another or of a time, and where the address book has them. */
async function checkReferences({ provider, parameters, addresses }: Standing): Promise<Check[]> {
  const section = new Section("References");
  const system = systemOf(addresses);
  for (const name of GENESIS_NAMES) section.equal(`address of ${name}`, addresses[name], system[name]);
  for (const name of GENESIS_NAMES) {
    const contract = new Contract(system[name], ABIS[name], provider);
    for (const [getter, value] of Object.entries(systemValues(parameters, system))) {
      if (!contract.interface.hasFunction(getter)) continue;
      const answer = (await contract.getFunction(getter).staticCall()) as string | bigint;
      section.equal(`${name}.${getter}`, answer, value);
    }
  }
  return section.checks;
}

/** Where operations are paid, and which assets were ever listed, each with its first reference price. */
async function checkSettings({ provider, parameters, addresses, since }: Standing): Promise<Check[]> {
  const section = new Section("Settings");
  const system = systemOf(addresses);
  const vault = EmissionVault__factory.connect(system.vault, provider);
  const { treasury, share } = parameters.operations;
  section.equal("operations treasury", await vault.operationsTreasury(), treasury);
  section.equal("operations share, basis points", await vault.operationsShare(), share);

  const escrow = ComputeEscrow__factory.connect(system.escrow, provider);
  const controller = BuybackBurnController__factory.connect(system.controller, provider);
  const head = await provider.getBlockNumber();
  const listings = await eventsIn((a, b) => escrow.queryFilter(escrow.filters.AssetListed(), a, b), since, head);
  const auctions = await eventsIn(
    (a, b) => controller.queryFilter(controller.filters.AuctionCreated(), a, b),
    since,
    head,
  );
  const references = new Map(auctions.map(({ args }) => [args.asset, args.referencePrice]));

  const assets = [system.tft, ...parameters.assets.map(({ address }) => address)];
  const listed = [...new Set(listings.map(({ args }) => args.asset))];
  section.equal("assets ever listed", listed.join(", "), assets.join(", "));
  for (const asset of assets) section.equal(`${asset} is listed`, await escrow.isListed(asset), true);
  for (const { address, referencePrice } of parameters.assets) {
    const first = references.get(address);
    const price = first === undefined ? "none" : formatAmount(first);
    section.equal(`first reference price of ${address}, TFT`, price, formatAmount(referencePrice));
  }
  return section.checks;
}

/** That the nominal supply was minted and no more, and that the vault has what it has not released. */
async function checkSupply({ provider, addresses, since }: Standing): Promise<Check[]> {
  const section = new Section("Supply");
  const system = systemOf(addresses);
  const tft = TFT__factory.connect(system.tft, provider);
  const vault = EmissionVault__factory.connect(system.vault, provider);

  const head = await provider.getBlockNumber();
  const burns = await eventsIn(
    (a, b) => tft.queryFilter(tft.filters.Transfer(undefined, ZeroAddress), a, b),
    since,
    head,
  );
  const minted = sum((await mints(tft, since, head)).map(({ value }) => value));
  const burned = sum(burns.map(({ args }) => args.value));
  const released = await vault.released();
  const kept = RESERVE - released + (await vault.operationsOwed());

  section.equal("minted, TFT", formatAmount(minted), formatAmount(NOMINAL_SUPPLY));
  section.equal("total supply, TFT", formatAmount(await tft.totalSupply()), formatAmount(NOMINAL_SUPPLY - burned));
  section.equal("released, TFT", formatAmount(released), formatAmount(entitlement(burned)));
  section.amountAtLeast("reserve in the vault, TFT", await tft.balanceOf(vault), kept);
  return section.checks;
}

/** What each holder was given at genesis, and on which terms it vests. */
async function checkAllocations({ provider, parameters, addresses, since }: Standing): Promise<Check[]> {
  const section = new Section("Allocations");
  const { tft: token, vault } = systemOf(addresses);
  const tft = TFT__factory.connect(token, provider);
  const minted = await mints(tft, since, await provider.getBlockNumber());

  const { allocations } = genesisPlan(parameters, addresses.timelock, addresses);
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
      await checkVesting(section, provider, addresses[vestingId(allocation.name)], allocation);
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

async function mints(tft: TFT, since: number, head: number): Promise<{ to: string; value: bigint }[]> {
  const events = await eventsIn((a, b) => tft.queryFilter(tft.filters.Transfer(ZeroAddress), a, b), since, head);
  return events.map(({ args }) => ({ to: args.to, value: args.value }));
}

function sum(amounts: bigint[]): bigint {
  return amounts.reduce((total, each) => total + each, 0n);
}
