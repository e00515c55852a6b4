import { GENESIS_KEYS } from "@turingfog/sdk/ethers";
import { AbiCoder, type ParamType, type Result } from "ethers";

import type { AddressBook } from "./addressBook.js";
import type { Build } from "./build.js";
import type { DeploymentPlan } from "./deploymentPlan.js";
import { expectedContracts } from "./expected.js";
import type { DeploymentParameters } from "./parameters.js";

/** A value that a deployment was made with, and the one that parameters and build would make it with now. */
export interface Difference {
  /** As `genesis.plan.vetoWindow`: a contract and what its constructor was given. */
  path: string;
  /** Undefined where the deployment has no such value. */
  deployed: string | undefined;
  /** Undefined where parameters and build have none. */
  planned: string | undefined;
}

/** What Genesis creates is given what Genesis was, and differs where that does. */
const CREATED_BY_GENESIS: readonly string[] = GENESIS_KEYS;

/** All that differs between a deployment, as its address book has it, and what a plan would deploy. */
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

/** Writes down every value of a constructor's arguments. Contracts of the deployment are written by name. */
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
