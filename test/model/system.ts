import { readDomain } from "@turingfog/sdk/ethers";
import {
  type EventFragment,
  type Interface,
  parseEther,
  type SigningKey,
  toQuantity,
  type TypedDataDomain,
  ZeroAddress,
} from "ethers";
import hre, { ethers } from "hardhat";

import { deployProtocolFixture, INITIAL_DAI, INITIAL_TFT, INITIAL_USD, type Protocol } from "../helpers/fixture";
import { BATCH_ADDRESS, type BatchCall, batchCode } from "./batch";
import { accountKeys } from "../helpers/keys";
import { genesisRatings } from "./reference/registry";
import { NOMINAL, RESERVE } from "./reference/supply";
import type { Address, ContractName, Setting, State, Token, Value } from "./reference/world";
import type { Watched } from "./views";

const GAS = 16_000_000;
const GAS_PRICE = 10n ** 10n;

interface Log {
  address: string;
  topics: string[];
  data: string;
}

/** What the chain made of a transaction: its logs, or what it reverted with. */
export type ChainOutcome = { logs: Log[] } | { revert: string };

/** The deployed system on the in-process chain, spoken to without a detour. */
export class System {
  readonly watched: Watched;
  private readonly calldata = new Map<string, string>();
  private readonly selectors = new Map<string, string>();
  /** By contract and topic: ethers would hash the names of all events to find one. */
  private readonly events = new Map<string, EventFragment>();

  private constructor(
    private readonly protocol: Protocol,
    readonly setting: Setting,
    /** By name: people, contracts, and `zero`. */
    readonly accounts: ReadonlyMap<string, Address>,
    readonly interfaces: Record<ContractName, Interface>,
    readonly keys: ReadonlyMap<Address, SigningKey>,
    readonly oracleDomain: TypedDataDomain,
    readonly escrowDomain: TypedDataDomain,
    readonly tokenDomains: ReadonlyMap<Address, TypedDataDomain>,
  ) {
    const named = (pattern: RegExp) =>
      [...accounts].filter(([name]) => pattern.test(name)).map(([, address]) => address);
    for (const [name, contract] of Object.entries(interfaces)) {
      contract.forEachEvent((event) => this.events.set(`${name}.${event.topicHash}`, event));
    }
    this.watched = {
      accounts: named(/^(?!zero|signer|deployer)/),
      people: named(/^(miner|renter|bidder|treasury|stranger|operations|guardian)/),
      miners: named(/^(miner|treasury|stranger|escrow)/),
      payers: named(/^(renter0|renter1|bidder|treasury)/),
    };
  }

  /** Runs the real deployment and adds two ERC-20s that are not listed. */
  static async deploy(protocol?: Protocol): Promise<System> {
    const deployed = protocol ?? (await deployProtocolFixture());
    const aux = await ethers.deployContract("TestToken", ["Twenty-four decimals", "AUX", 24]);
    const wide = await ethers.deployContract("TestToken", ["Twenty-five decimals", "WIDE", 25]);
    const { tft, usd, dai, vault, oracle, registry, pool, controller, escrow, timelock } = deployed.contracts;
    const contracts = { tft, usd, dai, aux, wide, vault, oracle, registry, pool, controller, escrow };

    const addresses = {} as Record<ContractName, Address>;
    const interfaces = {} as Record<ContractName, Interface>;
    const domains = new Map<Address, TypedDataDomain>();
    for (const [name, contract] of Object.entries(contracts) as [ContractName, typeof tft][]) {
      addresses[name] = await contract.getAddress();
      interfaces[name] = contract.interface;
    }
    for (const token of [tft, usd, dai, aux, wide]) domains.set(await token.getAddress(), await readDomain(token));

    const { epochLength, auctionPeriod, vetoWindow, grace } = deployed.params;
    const governor = await timelock.getAddress();
    const vestings = await Promise.all(deployed.contracts.vestings.map((vesting) => vesting.getAddress()));
    const withCode = new Set([...Object.values(addresses), ...vestings, governor]);
    const setting = { addresses, governor, contracts: withCode, epochLength, auctionPeriod, vetoWindow, grace };
    const accounts = await nameAccounts(deployed, setting);
    const keys = new Map(accountKeys().map((key) => [ethers.computeAddress(key.publicKey), key]));
    const [ofOracle, ofEscrow] = [await readDomain(oracle), await readDomain(escrow)];
    const system = new System(deployed, setting, accounts, interfaces, keys, ofOracle, ofEscrow, domains);
    await system.prepare();
    return system;
  }

  /** The event of a topic that a contract's interface has. */
  eventAt(contract: ContractName, topic: string): EventFragment {
    const event = this.events.get(`${contract}.${topic}`);
    if (event === undefined) throw new Error(`An event with topic ${topic} is not in the interface of ${contract}`);
    return event;
  }

  /** Lets every account send without a key. */
  private async prepare(): Promise<void> {
    for (const account of this.accounts.values()) {
      if (account === ZeroAddress) continue;
      await this.request("hardhat_impersonateAccount", [account]);
      await this.request("hardhat_setBalance", [account, toQuantity(parseEther("1000000"))]);
    }
  }

  account(name: string): Address {
    const address = this.accounts.get(name);
    if (address === undefined) throw new Error(`No account is named "${name}"`);
    return address;
  }

  /** The name of an account, or what it was given. */
  nameOf(value: string): string {
    for (const [name, address] of this.accounts) if (address === value) return name;
    return value;
  }

  /** Sends a transaction that is mined at a time. */
  async send(from: Address, to: Address, data: string, at: bigint): Promise<ChainOutcome> {
    await this.request("evm_setNextBlockTimestamp", [toQuantity(at)]);
    const transaction = { from, to, data, gas: toQuantity(GAS), gasPrice: toQuantity(GAS_PRICE) };
    try {
      const hash = await this.request("eth_sendTransaction", [transaction]);
      return (await this.request("eth_getTransactionReceipt", [hash])) as { logs: Log[] };
    } catch (error) {
      return { revert: revertData(error) };
    }
  }

  /** Mines an empty block at a time. */
  async mine(at: bigint): Promise<ChainOutcome> {
    await this.request("evm_setNextBlockTimestamp", [toQuantity(at)]);
    await this.request("evm_mine", []);
    return { logs: [] };
  }

  /** What a view would return in a transaction mined at a time; undefined when it reverts. */
  async callAt(to: Address, data: string, at: bigint): Promise<string | undefined> {
    await this.request("evm_setNextBlockTimestamp", [toQuantity(at)]);
    try {
      return (await this.request("eth_call", [{ to, data }, "pending"])) as string;
    } catch {
      return undefined;
    }
  }

  /** The first four bytes of an error, as hex with 0x. */
  errorSelector(contract: ContractName, error: string): string {
    const key = `${contract}.${error}`;
    const selector = this.selectors.get(key) ?? this.interfaces[contract].getError(error)?.selector;
    if (selector === undefined) throw new Error(`${key} is not in the interface`);
    this.selectors.set(key, selector);
    return selector;
  }

  /** Calldata of a view, which is the same for the same view ever again. */
  encodeView({ contract, method, args }: { contract: ContractName; method: string; args: readonly Value[] }): string {
    const key = `${contract}.${method}(${args.map(String).join()})`;
    const data = this.calldata.get(key) ?? this.interfaces[contract].encodeFunctionData(method, args);
    this.calldata.set(key, data);
    return data;
  }

  /** Calls views at the last block, all at once; the results as `batch.ts` tells, in hex. */
  async readAll(calls: readonly BatchCall[]): Promise<string> {
    const call = { to: BATCH_ADDRESS, gas: toQuantity(GAS) };
    const code = { [BATCH_ADDRESS]: { code: batchCode(calls) } };
    const output = (await this.request("eth_call", [call, "latest", code])) as string;
    return output.slice(2);
  }

  /** Calls one view at the last block. */
  async read({ to, data }: BatchCall): Promise<{ success: boolean; data: string }> {
    try {
      return { success: true, data: (await this.request("eth_call", [{ to, data }, "latest"])) as string };
    } catch (error) {
      return { success: false, data: revertData(error) };
    }
  }

  async now(): Promise<bigint> {
    const block = (await this.request("eth_getBlockByNumber", ["latest", false])) as { timestamp: string };
    return BigInt(block.timestamp);
  }

  async snapshot(): Promise<string> {
    return (await this.request("evm_snapshot", [])) as string;
  }

  /** A snapshot can be gone back to once. */
  async restore(snapshot: string): Promise<void> {
    await this.request("evm_revert", [snapshot]);
  }

  private async request(method: string, params: unknown[]): Promise<unknown> {
    return hre.network.provider.request({ method, params });
  }

  /** What genesis and the fixture leave, as parameters and specification tell it; nothing is read from the chain. */
  genesis(): State {
    const { params } = this.protocol;
    const { addresses } = this.setting;
    const listed = [addresses.tft, ...params.assets.map((asset) => asset.address)];
    return {
      tokens: this.genesisTokens(),
      released: 0n,
      operations: { ...params.operations, owed: 0n },
      signers: params.signers,
      quorum: params.quorum,
      signerSetVersion: 1n,
      guardian: params.guardian,
      freezes: [],
      lastVetoAt: 0n,
      lastRotationAt: 0n,
      roots: new Map(),
      ratings: genesisRatings(),
      vetoedRatings: new Map(),
      nodes: new Map(),
      assets: new Map(listed.map((asset, i) => [asset, { index: BigInt(i) + 1n, isListed: true }])),
      references: new Map(params.assets.map(({ address, referencePrice }) => [address, referencePrice])),
      orders: new Map(),
      paymentRefs: [],
      earnings: [],
      buckets: new Map(),
      recipients: new Map(),
    };
  }

  private genesisTokens(): Map<Address, Token> {
    const { addresses } = this.setting;
    const funded = ["renter0", "renter1", "renter2", "bidder"].map((name) => this.account(name));
    const token = (decimals: bigint, initial: bigint): Token => ({
      decimals,
      balances: new Map(initial === 0n ? [] : funded.map((account) => [account, initial])),
      allowances: new Map(),
      nonces: new Map(),
    });

    const tft = token(18n, INITIAL_TFT);
    const allocated = this.protocol.params.allocations.map(({ amount }) => amount);
    const spent = INITIAL_TFT * BigInt(funded.length);
    tft.balances.set(addresses.vault, RESERVE);
    for (const [i, name] of ["treasury", "vesting0", "vesting1"].entries()) {
      tft.balances.set(this.account(name), allocated[i] - (name === "treasury" ? spent : 0n));
    }
    if ([...tft.balances.values()].reduce((a, b) => a + b) !== NOMINAL) throw new Error("Genesis does not sum up");

    return new Map([
      [addresses.tft, tft],
      [addresses.usd, token(6n, INITIAL_USD)],
      [addresses.dai, token(18n, INITIAL_DAI)],
      [addresses.aux, token(24n, 0n)],
      [addresses.wide, token(25n, 0n)],
    ]);
  }
}

async function nameAccounts({ actors, contracts }: Protocol, setting: Setting): Promise<Map<string, Address>> {
  const { miners, renters, oracleSigners, bidder, treasury, stranger, operations, guardian, deployer } = actors;
  const people = { bidder, treasury, stranger, operations, guardian, deployer };
  const listed = { miner: miners, renter: renters, signer: oracleSigners };
  const accounts = new Map<string, Address>(Object.entries(people).map(([name, { address }]) => [name, address]));
  for (const [name, signers] of Object.entries(listed)) {
    signers.forEach(({ address }, i) => accounts.set(`${name}${i}`, address));
  }
  for (const [i, vesting] of contracts.vestings.entries()) accounts.set(`vesting${i}`, await vesting.getAddress());
  for (const [name, address] of Object.entries(setting.addresses)) accounts.set(name, address);
  return accounts.set("governor", setting.governor).set("zero", ZeroAddress);
}

function revertData(error: unknown): string {
  if (typeof error === "object" && error !== null && "data" in error && typeof error.data === "string")
    return error.data;
  throw error;
}
