import {
  type ContractKey,
  CONTRACTS,
  type DeploymentAddresses,
  GENESIS_KEYS,
  type GenesisKey,
  type SystemAddresses,
} from "@turingfog/sdk/ethers";
import {
  AbiCoder,
  concat,
  encodeBytes32String,
  getCreateAddress,
  id,
  keccak256,
  type Provider,
  toBeHex,
  toUtf8Bytes,
  TypedDataEncoder,
  zeroPadValue,
} from "ethers";

import { type Build, type CompiledContract, contractOf, withImmutables } from "./build.js";
import { type CodeHashes, codeHashes, creationCodes, genesisPlan, ownContracts } from "./genesisPlan.js";
import type { DeploymentParameters } from "./parameters.js";

/** Inputs, besides the build, that determine the code of a deployment's contracts. */
export interface CodeInputs {
  parameters: DeploymentParameters;
  chainId: bigint;
  /** Addresses of the system's contracts, the vesting wallets and, if there is one, the filler. */
  addresses: DeploymentAddresses;
  /** Uniswap factory that the filler was deployed for, if there is one. */
  fillerFactory?: string;
}

/** A deployment on a chain, with the inputs that its expected state follows from. */
export interface CheckedDeployment extends CodeInputs {
  provider: Provider;
  /** Block not later than that of the first contract. */
  since: number;
  /** Sender of the deployment's transactions; null if it is not known, as after a multisig's batch. */
  deployer: string | null;
}

/** Code that an address must have. */
export interface ExpectedCode {
  /** Name in the address book. */
  name: string;
  address: string;
  runtimeCode: string;
}

/** A contract that an address must have, with all that its code depends on. */
export interface ExpectedContract extends ExpectedCode {
  compiled: CompiledContract;
  /** ABI-encoded arguments of the constructor. */
  constructorArguments: string;
}

/** Addresses of the governor and the seven contracts, `struct System` of IGenesis.sol. */
export type System = Record<GenesisKey | "governor", string>;

/**
 * Returns the addresses of the system of a timelock and a Genesis, whose first seven creations are the seven contracts.
 */
export function systemOf({ timelock, genesis }: Pick<SystemAddresses, "timelock" | "genesis">): System {
  const created = GENESIS_KEYS.map((key) => [key, getCreateAddress({ from: genesis, nonce: CONTRACTS[key].place })]);
  return { governor: timelock, ...(Object.fromEntries(created) as Record<GenesisKey, string>) };
}

/** Values of immutables and getters, by name. */
type Values = Record<string, string | bigint>;

/** Returns the references and times of the contracts, by the names that immutables and getters have in all of them. */
export function systemValues({ parameters, addresses }: Pick<CodeInputs, "parameters" | "addresses">): Values {
  const references = Object.entries(systemOf(addresses)).map(([name, address]) => [name.toUpperCase(), address]);
  return {
    ...(Object.fromEntries(references) as Record<string, string>),
    RENDERER: addresses.renderer,
    EPOCH_LENGTH: parameters.epochLength,
    AUCTION_PERIOD: parameters.auctionPeriod,
    VETO_WINDOW: parameters.vetoWindow,
    GRACE: parameters.grace,
  };
}

/**
 * Returns every contract of a deployment with its code and constructor arguments, as parameters and local build give
 * them.
 */
export function expectedContracts(
  build: Build,
  { parameters, chainId, addresses, fillerFactory }: CodeInputs,
): ExpectedContract[] {
  const system = systemOf(addresses);
  const values = systemValues({ parameters, addresses });
  const plan = genesisPlan(parameters, addresses);
  const expect = (name: string, address: string, key: ContractKey, args: unknown[], immutables: Values) =>
    expectedContract(contractOf(build, CONTRACTS[key].name), { name, address, args, immutables });

  const hashes = codeHashes(creationCodes(build));
  const contracts = [
    ...ownContracts(parameters).map(({ name, key, args, immutables }) =>
      expect(name, addresses[name], key, args, immutables),
    ),
    expect("genesis", addresses.genesis, "genesis", [hashes, plan], { PLAN_HASH: planHash(build, hashes, plan) }),
    ...GENESIS_KEYS.map((name) => {
      const domain = DOMAINS[name];
      const immutables = domain === undefined ? {} : domainImmutables(domain, chainId, system[name]);
      const args = [system, ...genesisArguments(plan)[name]];
      return expect(name, system[name], name, args, { ...values, ...immutables });
    }),
  ];
  if (fillerFactory !== undefined) {
    const immutables = { ...values, FACTORY: fillerFactory };
    const args = [system.controller, fillerFactory];
    contracts.push(expect("filler", addresses.filler, "filler", args, immutables));
  }
  return contracts;
}

/** Returns the list of signers that the oracle creates for a version of its signer set; see SignerList.sol. */
export function expectedSignerList(oracle: string, version: bigint, signers: string[]): ExpectedCode {
  return {
    name: `signerList${version}`,
    address: getCreateAddress({ from: oracle, nonce: version }),
    runtimeCode: concat([word(BigInt(signers.length)), ...signers.map(word)]),
  };
}

interface ContractToExpect {
  name: string;
  address: string;
  args: unknown[];
  immutables: Values;
}

function expectedContract(
  compiled: CompiledContract,
  { name, address, args, immutables }: ContractToExpect,
): ExpectedContract {
  return {
    name,
    address,
    runtimeCode: withImmutables(
      compiled,
      Object.fromEntries(Object.entries(immutables).map(([immutable, value]) => [immutable, word(value)])),
    ),
    compiled,
    constructorArguments: compiled.abi.encodeDeploy(args),
  };
}

type GenesisPlan = ReturnType<typeof genesisPlan>;

/** Returns the arguments that Genesis passes to each constructor besides the system. */
function genesisArguments(plan: GenesisPlan): Record<GenesisKey, unknown[]> {
  return {
    vault: [plan.operationsTreasury, plan.operationsShare],
    oracle: [plan.vetoWindow, plan.guardian, plan.signers, plan.quorum],
    registry: [],
    pool: [plan.epochLength],
    controller: [plan.auctionPeriod],
    tft: [plan.allocations],
    escrow: [plan.grace, plan.renderer, plan.assets],
  };
}

/** Returns keccak256(abi.encode(codeHashes, plan)), as Genesis' constructor computes it. */
function planHash(build: Build, hashes: CodeHashes, plan: GenesisPlan): string {
  const { abi } = contractOf(build, CONTRACTS.genesis.name);
  return keccak256(AbiCoder.defaultAbiCoder().encode(abi.deploy.inputs, [hashes, plan]));
}

/** The EIP-712 domains, of which OpenZeppelin's EIP712 keeps immutables. */
const DOMAINS: Partial<Record<GenesisKey, { name: string; version: string }>> = {
  tft: { name: "Turing Fog Token", version: "1" },
  oracle: { name: "TuringFog TUReceiptOracle", version: "1" },
  escrow: { name: "TuringFog ComputeEscrow", version: "1" },
};

function domainImmutables({ name, version }: { name: string; version: string }, chainId: bigint, address: string) {
  return {
    _cachedDomainSeparator: TypedDataEncoder.hashDomain({ name, version, chainId, verifyingContract: address }),
    _cachedChainId: chainId,
    _cachedThis: address,
    _hashedName: id(name),
    _hashedVersion: id(version),
    _name: shortString(name),
    _version: shortString(version),
  };
}

/** Encodes a text like OpenZeppelin's ShortStrings: left-aligned, with the length in the last byte. */
function shortString(text: string): string {
  return toBeHex(BigInt(encodeBytes32String(text)) | BigInt(toUtf8Bytes(text).length), 32);
}

/** Encodes a value in 32 bytes, right-aligned, as the EVM does. */
function word(value: string | bigint): string {
  return typeof value === "bigint" ? toBeHex(value, 32) : zeroPadValue(value, 32);
}
