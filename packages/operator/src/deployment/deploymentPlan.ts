import { CONTRACTS, type DeploymentAddresses, GENESIS_KEYS, vestingKey } from "@turingfog/sdk/ethers";
import { concat, id, keccak256, toUtf8Bytes, ZeroAddress } from "ethers";

import type { Call } from "../sending/sender.js";
import { type Build, type CompiledContract, contractOf } from "./build.js";
import { CREATE2_DEPLOYER, create2Address, create2Data } from "./create2.js";
import { systemOf } from "./expected.js";
import { codesHash, creationCodes, genesisPlan } from "./genesisPlan.js";
import type { DeploymentParameters } from "./parameters.js";

/** A transaction of a deployment. It is done once there is code at the address, no matter who sent it. */
export interface DeploymentStep {
  /** Name of the contract that it creates; {@link CREATION} for the call that creates the seven. */
  name: string;
  address: string;
  call: Call;
}

/**
 * The deployment that a build and parameters determine, without a chain: its contracts, their addresses and its
 * transactions.
 */
export interface DeploymentPlan {
  /**
   * Hash of build and parameters. If either changes, it is another deployment, which shares no contract with this one.
   */
  id: string;
  /** Addresses of timelock, vesting wallets, Genesis and the seven contracts, by name. */
  addresses: DeploymentAddresses;
  /** Steps in the order in which they are sent. */
  steps: DeploymentStep[];
}

/** Name of the step that creates the seven contracts. */
export const CREATION = "creation";

/**
 * Plans the deployment of parameters with the local build.
 *
 * {@link CREATE2_DEPLOYER} creates all contracts but the seven, so that each address commits to code and arguments. The
 * code at such an address is that of this contract, no matter who created it and how often the deployment was
 * interrupted. Genesis creates the seven, and its address commits to them.
 */
export function planDeployment(parameters: DeploymentParameters, build: Build): DeploymentPlan {
  const codes = creationCodes(build);
  const [timelock, vesting, genesis] = (["timelock", "vesting", "genesis"] as const).map((key) =>
    contractOf(build, CONTRACTS[key].name),
  );
  const allCode = concat([timelock, vesting, genesis].map(({ creationCode }) => creationCode).concat(codes));
  const deployment = keccak256(concat([parametersHash(parameters), keccak256(allCode)]));

  const addresses = {} as DeploymentAddresses;
  const steps: DeploymentStep[] = [];
  const create = (name: string, { abi, creationCode }: CompiledContract, args: unknown[]) => {
    const initCode = concat([creationCode, abi.encodeDeploy(args)]);
    const salt = keccak256(concat([deployment, toUtf8Bytes(name)]));
    addresses[name] = create2Address(salt, initCode);
    const call = { description: `Create ${name}`, to: CREATE2_DEPLOYER, data: create2Data(salt, initCode) };
    steps.push({ name, address: addresses[name], call });
  };

  const { minDelay, proposers, executors } = parameters.governor;
  create("timelock", timelock, [minDelay, proposers, executors, ZeroAddress]);
  for (const allocation of parameters.allocations) {
    if (!("vesting" in allocation)) continue;
    const { beneficiary, start, duration, cliff } = allocation.vesting;
    create(vestingKey(allocation.name), vesting, [beneficiary, start, duration, cliff]);
  }
  const plan = genesisPlan(parameters, addresses.timelock, addresses);
  create("genesis", genesis, [codesHash(codes), plan]);

  const created = systemOf(addresses);
  const data = genesis.abi.encodeFunctionData("create", [codes, plan]);
  const call = { description: "Create the system", to: addresses.genesis, data };
  steps.push({ name: CREATION, address: created.tft, call });
  for (const name of GENESIS_KEYS) addresses[name] = created[name];
  return { id: deployment, addresses, steps };
}

/** Returns the hash of checked parameters, whose fields are always in the same order. */
function parametersHash(parameters: DeploymentParameters): string {
  return id(JSON.stringify(parameters, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
}
