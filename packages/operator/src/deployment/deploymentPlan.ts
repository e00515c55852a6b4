import { type ContractKey, CONTRACTS, type DeploymentAddresses, GENESIS_KEYS } from "@turingfog/sdk/ethers";
import { concat, id, keccak256, toUtf8Bytes } from "ethers";

import type { Call } from "../sending/sender.js";
import { type Build, contractOf } from "./build.js";
import { CREATE2_DEPLOYER, create2Address, create2Data } from "./create2.js";
import { systemOf } from "./expected.js";
import { codeHashes, creationCodes, genesisPlan, ownContracts } from "./genesisPlan.js";
import type { DeploymentParameters } from "./parameters.js";

/** A transaction of a deployment. It is done once there is code at the address, no matter who sent it. */
export interface DeploymentStep {
  /** Name of the contract that it creates, as in the plan's addresses. */
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
  /** Addresses of timelock, renderer, vesting wallets, Genesis and the seven contracts, by name. */
  addresses: DeploymentAddresses;
  /** Steps in the order in which they are sent. */
  steps: DeploymentStep[];
}

/**
 * Plans the deployment of parameters with the local build.
 *
 * {@link CREATE2_DEPLOYER} creates all contracts but the seven, so that each address commits to code and arguments. The
 * code at such an address is that of this contract, no matter who created it and how often the deployment was
 * interrupted. Genesis creates the seven, one a step and in a fixed order, and its address commits to them.
 */
export function planDeployment(parameters: DeploymentParameters, build: Build): DeploymentPlan {
  const codes = creationCodes(build);
  const hashes = codeHashes(codes);
  const own = ownContracts(parameters);
  const { abi } = contractOf(build, CONTRACTS.genesis.name);
  const keys = [...new Set(own.map(({ key }) => key)), "genesis"] as const;
  const allCode = concat([...keys.map((key) => contractOf(build, CONTRACTS[key].name).creationCode), ...codes]);
  const deployment = keccak256(concat([parametersHash(parameters), keccak256(allCode)]));

  const addresses = {} as DeploymentAddresses;
  const steps: DeploymentStep[] = [];
  const create = (name: string, key: ContractKey, args: unknown[]) => {
    const contract = contractOf(build, CONTRACTS[key].name);
    const initCode = concat([contract.creationCode, contract.abi.encodeDeploy(args)]);
    const salt = keccak256(concat([deployment, toUtf8Bytes(name)]));
    addresses[name] = create2Address(salt, initCode);
    const call = { description: `Create ${name}`, to: CREATE2_DEPLOYER, data: create2Data(salt, initCode) };
    steps.push({ name, address: addresses[name], call });
  };

  for (const { name, key, args } of own) create(name, key, args);
  const plan = genesisPlan(parameters, addresses);
  create("genesis", "genesis", [hashes, plan]);

  const created = systemOf(addresses);
  for (const [i, name] of GENESIS_KEYS.entries()) {
    addresses[name] = created[name];
    const data = abi.encodeFunctionData("create", [codes[i], hashes, plan]);
    steps.push({ name, address: created[name], call: { description: `Create ${name}`, to: addresses.genesis, data } });
  }
  return { id: deployment, addresses, steps };
}

/** Returns the hash of checked parameters, whose fields are always in the same order. */
function parametersHash(parameters: DeploymentParameters): string {
  return id(JSON.stringify(parameters, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
}
