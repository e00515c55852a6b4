import { CONTRACTS, GENESIS_KEYS, vestingKey } from "@turingfog/sdk/ethers";
import { AbiCoder, keccak256 } from "ethers";

import { contractOf, type Build } from "./build.js";
import type { DeploymentParameters } from "./parameters.js";

/** Creation code, without arguments, of the contracts that Genesis creates, in the order of their creation. */
export type CreationCodes = [string, string, string, string, string, string, string];

/** Returns the creation code of the contracts that Genesis creates. */
export function creationCodes(build: Build): CreationCodes {
  return GENESIS_KEYS.map((key) => contractOf(build, CONTRACTS[key].name).creationCode) as CreationCodes;
}

/** Returns keccak256(abi.encode(codes)), the first argument of Genesis' constructor. */
export function codesHash(codes: CreationCodes): string {
  return keccak256(AbiCoder.defaultAbiCoder().encode(["bytes[7]"], [codes]));
}

/**
 * Returns the plan that Genesis is deployed with.
 * @param governor the timelock
 * @param vestings the contract that holds each allocation that vests, by its {@link vestingKey}
 */
export function genesisPlan<A>(parameters: DeploymentParameters, governor: A, vestings: Record<string, A>) {
  return {
    governor,
    guardian: parameters.guardian,
    signers: parameters.signers,
    quorum: parameters.quorum,
    epochLength: parameters.epochLength,
    auctionPeriod: parameters.auctionPeriod,
    vetoWindow: parameters.vetoWindow,
    grace: parameters.grace,
    operationsTreasury: parameters.operations.treasury,
    operationsShare: parameters.operations.share,
    assets: parameters.assets.map(({ address, referencePrice }) => ({ asset: address, referencePrice })),
    allocations: parameters.allocations.map((allocation) => ({
      holder: "vesting" in allocation ? vestings[vestingKey(allocation.name)] : allocation.holder,
      amount: allocation.amount,
    })),
  };
}
