import { AbiCoder, keccak256 } from "ethers";
import type { Artifacts } from "hardhat/types";

import type { DeploymentParameters } from "./parameters";

/** What Genesis creates, in the order of its `codes`. */
export const GENESIS_CONTRACTS = [
  "TFT",
  "EmissionVault",
  "TUReceiptOracle",
  "NodeRegistry",
  "RewardPool",
  "BuybackBurnController",
  "ComputeEscrow",
] as const;

/** The creation code, without arguments, of {@link GENESIS_CONTRACTS}. */
export type CreationCodes = [string, string, string, string, string, string, string];

/** Reads the creation code of the seven contracts from the build. */
export function creationCodes(artifacts: Artifacts): CreationCodes {
  return GENESIS_CONTRACTS.map((name) => artifacts.readArtifactSync(name).bytecode) as CreationCodes;
}

/** keccak256(abi.encode(codes)), the first argument of Genesis' constructor. */
export function codesHash(codes: CreationCodes): string {
  return keccak256(AbiCoder.defaultAbiCoder().encode(["bytes[7]"], [codes]));
}

/** The name under which the contract of an allocation that vests is deployed. */
export function vestingId(allocation: string): string {
  return `${allocation}Vesting`;
}

/**
 * The plan that Genesis is deployed with.
 *
 * @param governor The timelock.
 * @param vestings The contract that holds each allocation that vests, by its {@link vestingId}.
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
      holder: "vesting" in allocation ? vestings[vestingId(allocation.name)] : allocation.holder,
      amount: allocation.amount,
    })),
  };
}
