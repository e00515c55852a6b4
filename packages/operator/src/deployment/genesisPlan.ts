import { type ContractKey, CONTRACTS, type DeploymentAddresses, GENESIS_KEYS, vestingKey } from "@turingfog/sdk/ethers";
import { keccak256, ZeroAddress } from "ethers";

import { contractOf, type Build } from "./build.js";
import type { DeploymentParameters } from "./parameters.js";

/** Creation code, without arguments, of the contracts that Genesis creates, in the order of their creation. */
export type CreationCodes = [string, string, string, string, string, string, string];

/** Returns the creation code of the contracts that Genesis creates. */
export function creationCodes(build: Build): CreationCodes {
  return GENESIS_KEYS.map((key) => contractOf(build, CONTRACTS[key].name).creationCode) as CreationCodes;
}

/** keccak256 of each of {@link CreationCodes}, in their order. */
export type CodeHashes = CreationCodes;

/** Returns the hashes of codes, the first argument of Genesis' constructor. */
export function codeHashes(codes: CreationCodes): CodeHashes {
  return codes.map((code) => keccak256(code)) as CodeHashes;
}

/** A contract that the deterministic deployer creates, with what its code depends on. */
export interface OwnContract {
  /** Name in the address book. */
  name: string;
  key: ContractKey;
  /** Arguments of the constructor. */
  args: unknown[];
  /** Values of the immutables by name. */
  immutables: Record<string, bigint>;
}

/** Returns the contracts that a deployment creates before Genesis, which refer to no other contract. */
export function ownContracts(parameters: DeploymentParameters): OwnContract[] {
  const { minDelay, proposers, executors } = parameters.governor;
  return [
    { name: "timelock", key: "timelock", args: [minDelay, proposers, executors, ZeroAddress], immutables: {} },
    { name: "renderer", key: "renderer", args: [], immutables: {} },
    ...parameters.allocations.flatMap((allocation): OwnContract[] => {
      if (!("vesting" in allocation)) return [];
      const { beneficiary, start, duration, cliff } = allocation.vesting;
      const immutables = { _start: start, _duration: duration, _cliff: start + cliff };
      const args = [beneficiary, start, duration, cliff];
      return [{ name: vestingKey(allocation.name), key: "vesting", args, immutables }];
    }),
  ];
}

/**
 * Returns the plan that Genesis is deployed with.
 * @param addresses those of {@link ownContracts}, by their names
 */
export function genesisPlan(parameters: DeploymentParameters, addresses: DeploymentAddresses) {
  return {
    governor: addresses.timelock,
    guardian: parameters.guardian,
    signers: parameters.signers,
    quorum: parameters.quorum,
    epochLength: parameters.epochLength,
    auctionPeriod: parameters.auctionPeriod,
    vetoWindow: parameters.vetoWindow,
    grace: parameters.grace,
    renderer: addresses.renderer,
    operationsTreasury: parameters.operations.treasury,
    operationsShare: parameters.operations.share,
    assets: parameters.assets.map(({ address, referencePrice }) => ({ asset: address, referencePrice })),
    allocations: parameters.allocations.map((allocation) => ({
      holder: "vesting" in allocation ? addresses[vestingKey(allocation.name)] : allocation.holder,
      amount: allocation.amount,
    })),
  };
}
