import { concat, id, Interface, keccak256, toUtf8Bytes, ZeroAddress } from "ethers";
import type { Artifacts } from "hardhat/types";

import { CREATE2_DEPLOYER, create2Address, create2Data } from "./create2";
import { GENESIS_NAMES, systemOf } from "./expected";
import type { DeploymentParameters } from "./parameters";
import { codesHash, creationCodes, genesisPlan, vestingId } from "./plan";
import type { Call } from "./sender";

/** A transaction of a deployment. It is done when there is code at the address, whoever has sent it. */
export interface Step {
  /** Of the contract that it creates; {@link CREATION} for the call that creates the seven. */
  name: string;
  address: string;
  call: Call;
}

/** What a build and parameters make: which contracts, where, by which transactions. It needs no chain. */
export interface SystemPlan {
  /** Hash of build and parameters. A change in either makes another deployment, which shares nothing with this one. */
  id: string;
  /** Timelock, vesting wallets, Genesis and the seven contracts, by name. */
  addresses: Record<string, string>;
  /** In the order in which they are sent. */
  steps: Step[];
}

/** The step that creates the seven contracts. */
export const CREATION = "creation";

/**
 * Plans the deployment of parameters with the local build.
 *
 * All but the seven are created by {@link CREATE2_DEPLOYER}, so that each address commits to code and arguments: what
 * stands there is this contract, whoever had it created and however often the deployment was interrupted. The seven are
 * created by Genesis, whose address commits to them.
 */
export function planSystem(parameters: DeploymentParameters, artifacts: Artifacts): SystemPlan {
  const codes = creationCodes(artifacts);
  const [timelock, vesting, genesis] = ["TimelockController", "VestedAllocation", "Genesis"].map((name) =>
    artifacts.readArtifactSync(name),
  );
  const build = [timelock.bytecode, vesting.bytecode, genesis.bytecode, ...codes];
  const deployment = keccak256(concat([parametersHash(parameters), keccak256(concat(build))]));

  const addresses: Record<string, string> = {};
  const steps: Step[] = [];
  const create = (name: string, { abi, bytecode }: typeof timelock, args: unknown[]) => {
    const initCode = concat([bytecode, new Interface(abi).encodeDeploy(args)]);
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
    create(vestingId(allocation.name), vesting, [beneficiary, start, duration, cliff]);
  }
  const plan = genesisPlan(parameters, addresses.timelock, addresses);
  create("genesis", genesis, [codesHash(codes), plan]);

  const created = systemOf(addresses);
  const data = new Interface(genesis.abi).encodeFunctionData("create", [codes, plan]);
  const call = { description: "Create the system", to: addresses.genesis, data };
  steps.push({ name: CREATION, address: created.tft, call });
  for (const name of GENESIS_NAMES) addresses[name] = created[name];
  return { id: deployment, addresses, steps };
}

/** The fields of checked parameters are always in the same order. */
function parametersHash(parameters: DeploymentParameters): string {
  return id(JSON.stringify(parameters, (_, value: unknown) => (typeof value === "bigint" ? value.toString() : value)));
}
