import { GENESIS_KEYS } from "@turingfog/sdk/ethers";
import { AbiCoder, type ParamType, type Result } from "ethers";

import type { AddressBook } from "./addressBook.js";
import type { Build } from "./build.js";
import type { DeploymentPlan } from "./deploymentPlan.js";
import { expectedContracts } from "./expected.js";
import type { DeploymentParameters } from "./parameters.js";

/** A difference between a value that a deployment was made with and the value by the current parameters and build. */
export interface Difference {
  /**
   * Path of a constructor's argument, as `genesis.plan.vetoWindow`, or name of a contract that the plan does not have.
   */
  path: string;
  /** Value of the deployment; undefined if it has none. */
  deployed: string | undefined;
  /** Value by parameters and build; undefined if they give none. */
  planned: string | undefined;
}

/** The contracts that Genesis creates. Their arguments come from those of Genesis, and differ only if those do. */
const CREATED_BY_GENESIS: readonly string[] = GENESIS_KEYS;

/** Returns all differences between a deployment, as its address book records it, and a plan. */
export async function differences(
  book: AddressBook,
  plan: DeploymentPlan,
  parameters: DeploymentParameters,
  chainId: bigint,
  build: Build,
): Promise<Difference[]> {
  const expected = expectedContracts(build, { parameters, chainId, addresses: plan.addresses }).filter(
    ({ name }) => !CREATED_BY_GENESIS.includes(name),
  );
  const deployed = new Map<string, string>();
  const planned = new Map<string, string>();
  for (const { name, compiled, constructorArguments } of expected) {
    const { inputs } = compiled.abi.deploy;
    collect(planned, name, inputs, constructorArguments, plan.addresses);
    const record = book.contracts[name];
    if (record !== undefined) collect(deployed, name, inputs, record.constructorArguments, book.addresses);
  }
  for (const name of Object.keys(book.addresses)) {
    if (!(name in plan.addresses)) deployed.set(name, book.addresses[name]);
  }

  const paths = [...new Set([...deployed.keys(), ...planned.keys()])];
  return paths
    .map((path) => ({ path, deployed: deployed.get(path), planned: planned.get(path) }))
    .filter((each) => each.deployed !== each.planned);
}

/**
 * Collects every value of a constructor's arguments. Replaces addresses of the deployment's contracts by their names.
 */
function collect(
  into: Map<string, string>,
  contract: string,
  inputs: readonly ParamType[],
  encoded: string,
  addresses: Record<string, string>,
): void {
  const names = new Map(Object.entries(addresses).map(([name, address]) => [address, name]));
  const walk = (type: ParamType, value: unknown, path: string): void => {
    if (type.isArray()) {
      for (const [i, item] of Array.from(value as Result).entries()) walk(type.arrayChildren, item, `${path}[${i}]`);
    } else if (type.isTuple()) {
      type.components.forEach((each, i) => walk(each, (value as Result)[i], `${path}.${each.name}`));
    } else {
      const text = String(value);
      into.set(path, names.get(text) ?? text);
    }
  };
  const decoded = AbiCoder.defaultAbiCoder().decode(inputs, encoded);
  inputs.forEach((type, i) => walk(type, decoded[i], `${contract}.${type.name}`));
}
