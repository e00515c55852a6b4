import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { type Contract, type FunctionFragment, type ParamType, toBeHex } from "ethers";

import { deployProtocolFixture, type Protocol } from "../../test/helpers/fixture";
import { impersonate } from "../../test/helpers/system";
import { type Caller, callers } from "../snapshots/callers";
import { compile } from "../snapshots/compile";

type Signer = Awaited<ReturnType<typeof impersonate>>;

/** Role as the snapshots say it → who has it on the deployed system. What depends on an argument is not among them. */
async function holdersOf({ contracts, actors }: Protocol): Promise<Record<string, Signer>> {
  const [controller, escrow, oracle, pool, governor] = await Promise.all(
    [contracts.controller, contracts.escrow, contracts.oracle, contracts.pool, contracts.timelock].map(impersonate),
  );
  return {
    CONTROLLER: controller,
    ESCROW: escrow,
    "address(ORACLE)": oracle,
    "address(POOL)": pool,
    GOVERNOR: governor,
    guardian: actors.guardian,
  };
}

/** Returns the shortest arguments that a function takes: only who calls it matters. */
function least({ baseType, type, components, arrayLength, arrayChildren }: ParamType): unknown {
  if (baseType === "array") {
    return Array.from({ length: Math.max(arrayLength ?? 0, 0) }, () => arrayChildren && least(arrayChildren));
  }
  if (baseType === "tuple") return components?.map(least);
  if (type === "address") return toBeHex(1, 20);
  if (type.startsWith("bytes")) return type === "bytes" ? "0x" : toBeHex(1, Number(type.slice(5)));
  if (type === "string") return "";
  return type === "bool" ? true : 1n;
}

/** Returns the name of the error with which a call ends, or undefined. */
async function outcomeOf(contract: Contract, fragment: FunctionFragment): Promise<string | undefined> {
  try {
    await contract.getFunction(fragment.format("sighash")).staticCall(...fragment.inputs.map(least));
    return undefined;
  } catch (error) {
    const { data } = error as { data?: string };
    // what is refused for its arguments alone may come without data
    return data === undefined || data === "0x" ? "no data" : (contract.interface.parseError(data)?.name ?? data);
  }
}

/** The core's functions that change something, each with who may call it by its source. */
function callersOf(protocol: Protocol): { contract: Contract; fragment: FunctionFragment; caller: Caller }[] {
  const { tft, vault, controller, pool, oracle, registry, escrow } = protocol.contracts;
  const deployed: Record<string, unknown> = {
    TFT: tft,
    EmissionVault: vault,
    BuybackBurnController: controller,
    RewardPool: pool,
    TUReceiptOracle: oracle,
    NodeRegistry: registry,
    ComputeEscrow: escrow,
  };
  const compilation = compile();
  return compilation.contracts
    .filter(({ name }) => name in deployed)
    .flatMap((compiled) => {
      const contract = deployed[compiled.name] as Contract;
      return callers(compiled, compilation).map((caller) => {
        const [name, parameters] = caller.signature.slice(0, -1).split("(");
        const arity = parameters === "" ? 0 : parameters.split(",").length;
        const fragment = contract.interface.fragments.find(
          (each) =>
            each.type === "function" && each.inputs.length === arity && (each as FunctionFragment).name === name,
        );
        expect(fragment, caller.signature).not.to.equal(undefined);
        return { contract, fragment: fragment as FunctionFragment, caller };
      });
    });
}

describe("The callers in the snapshots", () => {
  it("are the only ones that the deployed system lets through", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { stranger, operations, deployer, admin } = protocol.actors;
    const holders = await holdersOf(protocol);
    const restricted = callersOf(protocol).filter(({ caller }) => caller.role !== undefined && caller.role in holders);

    expect(restricted).to.have.lengthOf.above(0);
    for (const { contract, fragment, caller } of restricted) {
      const holder = holders[caller.role ?? ""];
      for (const account of [...Object.values(holders), stranger, operations, deployer, admin]) {
        const refused = (await outcomeOf(contract.connect(account) as Contract, fragment)) === caller.error;
        expect(refused, `${caller.signature} by ${account.address}`).to.equal(account.address !== holder.address);
      }
    }
  });

  it("are anyone where the deployed system refuses nobody for who they are", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const all = callersOf(protocol);
    const guards = new Set(all.flatMap(({ caller }) => caller.error ?? []));

    for (const { contract, fragment, caller } of all.filter(({ caller: { role } }) => role === undefined)) {
      const outcome = await outcomeOf(contract.connect(protocol.actors.stranger) as Contract, fragment);
      expect(guards, caller.signature).not.to.include(outcome);
    }
  });
});
