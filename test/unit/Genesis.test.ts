import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { codesHash, type CreationCodes, genesisPlan } from "@turingfog/operator";
import { DAY, MINUTE } from "@turingfog/sdk";
import { CONTRACTS, GENESIS_KEYS, vestingKey } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { AbiCoder, concat, getCreateAddress, parseUnits, ZeroAddress } from "ethers";
import { artifacts, ethers } from "hardhat";

import {
  type Genesis,
  IBuybackBurnController__factory,
  IComputeEscrow__factory,
  IEmissionVault__factory,
  INodeRegistry__factory,
  IRewardPool__factory,
  ITFT__factory,
  ITUReceiptOracle__factory,
  MisbehavingCaller__factory,
  MisbehavingContract__factory,
  MisbehavingReenterer__factory,
} from "../../typechain-types";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";

type Plan = ReturnType<typeof genesisPlan<string>>;

const RESERVE = parseUnits("350000000", 18);
const NO_GETTER = "0x00000000";
const coder = AbiCoder.defaultAbiCoder();

const INTERFACES = {
  tft: ITFT__factory.createInterface(),
  vault: IEmissionVault__factory.createInterface(),
  oracle: ITUReceiptOracle__factory.createInterface(),
  registry: INodeRegistry__factory.createInterface(),
  pool: IRewardPool__factory.createInterface(),
  controller: IBuybackBurnController__factory.createInterface(),
  escrow: IComputeEscrow__factory.createInterface(),
};
type Name = keyof typeof INTERFACES;

/** The contracts in the order in which Genesis creates them: the n-th by its nonce n. */
const NAMES = Object.keys(INTERFACES) as Name[];

/** Every reference that Genesis checks. */
const REFERENCES: [Name, string][] = [
  ["tft", "CONTROLLER"],
  ["vault", "GOVERNOR"],
  ["vault", "TFT"],
  ["vault", "ORACLE"],
  ["vault", "REGISTRY"],
  ["vault", "POOL"],
  ["vault", "CONTROLLER"],
  ["vault", "ESCROW"],
  ["oracle", "GOVERNOR"],
  ["oracle", "ESCROW"],
  ["registry", "ORACLE"],
  ["registry", "ESCROW"],
  ["pool", "TFT"],
  ["pool", "CONTROLLER"],
  ["pool", "ESCROW"],
  ["controller", "TFT"],
  ["controller", "VAULT"],
  ["controller", "POOL"],
  ["controller", "ESCROW"],
  ["escrow", "GOVERNOR"],
  ["escrow", "ORACLE"],
  ["escrow", "REGISTRY"],
  ["escrow", "CONTROLLER"],
  ["escrow", "POOL"],
];

/** Code that answers `getter` with `answer` and whatever else Genesis asks as it should. */
function misbehaving(getter: string, answer: bigint): string {
  return concat([MisbehavingContract__factory.bytecode, coder.encode(["bytes4", "uint256"], [getter, answer])]);
}

/** The codes of the build. */
function creationCodes(): CreationCodes {
  return GENESIS_KEYS.map((key) => artifacts.readArtifactSync(CONTRACTS[key].name).bytecode) as CreationCodes;
}

/** The codes of the build, one of them replaced. */
function codesWith(name: Name, code: string): CreationCodes {
  return creationCodes().map((each, i) => (NAMES[i] === name ? code : each)) as CreationCodes;
}

/** The plan of a deployment, to be carried out once more. */
async function planOf({ contracts, params }: Protocol): Promise<Plan> {
  const vested = params.allocations.filter((allocation) => "vesting" in allocation);
  const vestings: Record<string, string> = {};
  for (const [i, { name }] of vested.entries()) vestings[vestingKey(name)] = await contracts.vestings[i].getAddress();
  return genesisPlan(params, await contracts.timelock.getAddress(), vestings);
}

function deployGenesis(plan: Plan, codes = creationCodes()): Promise<Genesis> {
  return ethers.deployContract("Genesis", [codesHash(codes), plan]);
}

/** Where the next contract that the deployer creates will stand, and from there the system. */
async function predictSystem({ actors }: Protocol): Promise<Record<Name, string>> {
  const nonce = await actors.deployer.getNonce();
  const genesis = getCreateAddress({ from: actors.deployer.address, nonce });
  return Object.fromEntries(
    NAMES.map((name, i) => [name, getCreateAddress({ from: genesis, nonce: i + 1 })]),
  ) as Record<Name, string>;
}

describe("Genesis", () => {
  describe("constructor", () => {
    it("keeps the hash of the codes and the plan, and nothing else", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const plan = await planOf(protocol);
      const codes = creationCodes();
      const genesis = await deployGenesis(plan, codes);

      const createInputs = genesis.interface.getFunction("create").inputs;
      const hash = ethers.keccak256(coder.encode(["bytes32", createInputs[1]], [codesHash(codes), plan]));
      expect(await genesis.PLAN_HASH()).to.equal(hash);
      expect(await protocol.contracts.genesis.PLAN_HASH()).to.equal(hash);
    });
  });

  describe("create", () => {
    for (const [index, name] of GENESIS_KEYS.map((key) => CONTRACTS[key].name).entries()) {
      it(`refuses other code for ${name}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const plan = await planOf(protocol);
        const genesis = await deployGenesis(plan);
        const other = codesWith(NAMES[index], "0x00");
        const otherHash = await (await deployGenesis(plan, other)).PLAN_HASH();

        await expect(genesis.create(other, plan))
          .to.be.revertedWithCustomError(genesis, "Genesis_NotThePlan")
          .withArgs(otherHash, await genesis.PLAN_HASH());
      });
    }

    const changes: [keyof Plan, Partial<Plan>][] = [
      ["governor", { governor: ZeroAddress }],
      ["guardian", { guardian: ZeroAddress }],
      ["signers", { signers: [] }],
      ["quorum", { quorum: 4n }],
      ["epochLength", { epochLength: MINUTE }],
      ["auctionPeriod", { auctionPeriod: MINUTE }],
      ["vetoWindow", { vetoWindow: MINUTE }],
      ["grace", { grace: 4n * DAY }],
      ["operationsTreasury", { operationsTreasury: ZeroAddress }],
      ["operationsShare", { operationsShare: 0n }],
      ["assets", { assets: [] }],
      ["allocations", { allocations: [] }],
    ];
    for (const [field, change] of changes) {
      it(`refuses a plan that differs in ${field}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const plan = await planOf(protocol);
        const genesis = await deployGenesis(plan);
        const other = { ...plan, ...change };
        const otherHash = await (await deployGenesis(other)).PLAN_HASH();

        await expect(genesis.create(creationCodes(), other))
          .to.be.revertedWithCustomError(genesis, "Genesis_NotThePlan")
          .withArgs(otherHash, await genesis.PLAN_HASH());
      });
    }

    it("refuses to create a second time", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { genesis } = protocol.contracts;
      await expect(genesis.create(creationCodes(), await planOf(protocol))).to.be.revertedWithCustomError(
        genesis,
        "Genesis_AlreadyDone",
      );
    });

    const spoiled: [number, string, Partial<Plan>][] = [
      [1, "allocations that do not sum", { allocations: [{ holder: ZeroAddress.replace(/0$/, "1"), amount: 1n }] }],
      [3, "a guardian of zero", { guardian: ZeroAddress }],
      [5, "an epoch of zero seconds", { epochLength: 0n }],
      [6, "an auction period of zero seconds", { auctionPeriod: 0n }],
      [7, "a grace of zero seconds", { grace: 0n }],
    ];
    for (const [index, what, change] of spoiled) {
      it(`names contract ${index} when it cannot be created for ${what}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const plan = { ...(await planOf(protocol)), ...change };
        const genesis = await deployGenesis(plan);
        await expect(genesis.create(creationCodes(), plan))
          .to.be.revertedWithCustomError(genesis, "Genesis_CreationFailed")
          .withArgs(index);
      });
    }

    for (const [i, name] of NAMES.entries()) {
      it(`names contract ${i + 1} when its code reverts, and leaves nothing behind`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const plan = await planOf(protocol);
        const codes = codesWith(name, "0xfe"); // the invalid instruction
        const genesis = await deployGenesis(plan, codes);
        await expect(genesis.create(codes, plan))
          .to.be.revertedWithCustomError(genesis, "Genesis_CreationFailed")
          .withArgs(i + 1);

        const { tft } = await genesis.system(plan.governor);
        expect(await ethers.provider.getCode(tft)).to.equal("0x");
      });
    }

    it("refuses to be reentered while it creates", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const plan = await planOf(protocol);
      const caller = await ethers.deployContract("MisbehavingCaller");
      const constructorArguments = coder.encode(["address"], [await caller.getAddress()]);
      const reenterer = concat([MisbehavingReenterer__factory.bytecode, constructorArguments]);
      const codes = NAMES.map((_, i) => (i === 0 ? reenterer : misbehaving(NO_GETTER, 0n))) as CreationCodes;
      const genesis = await deployGenesis(plan, codes);
      const data = genesis.interface.encodeFunctionData("create", [codes, plan]);
      await caller.prepare(`0x${data.slice(10)}`);

      // the first contract is being created, so the reentrant call's first takes the next address
      const reason = genesis.interface.encodeErrorResult("Genesis_CreationFailed", [1]);
      await expect(genesis.create(codes, plan))
        .to.emit(MisbehavingCaller__factory.connect(await caller.getAddress(), ethers.provider), "Reverted")
        .withArgs(reason);
    });

    it("refuses a vault without exactly the reserve", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const plan = await planOf(protocol);
      const balanceOf = INTERFACES.tft.getFunction("balanceOf").selector;
      const codes = codesWith("tft", misbehaving(balanceOf, RESERVE + 1n));
      const genesis = await deployGenesis(plan, codes);
      await expect(genesis.create(codes, plan))
        .to.be.revertedWithCustomError(genesis, "Genesis_InvalidAllocation")
        .withArgs((await genesis.system(plan.governor)).vault, RESERVE);
    });

    it("refuses an allocation that did not arrive", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const plan = await planOf(protocol);
      const [first, second] = plan.allocations;
      plan.allocations = [first, { ...second, amount: RESERVE + 1n }];
      const codes = codesWith("tft", misbehaving(NO_GETTER, 0n)); // a balance of RESERVE for everyone
      const genesis = await deployGenesis(plan, codes);
      await expect(genesis.create(codes, plan))
        .to.be.revertedWithCustomError(genesis, "Genesis_InvalidAllocation")
        .withArgs(second.holder, RESERVE + 1n);
    });

    for (const name of NAMES.filter((each) => each !== "vault")) {
      it(`refuses an allocation to the contract ${name}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const plan = await planOf(protocol);
        const holder = (await predictSystem(protocol))[name];
        plan.allocations[0].holder = holder;
        const genesis = await deployGenesis(plan);
        await expect(genesis.create(creationCodes(), plan))
          .to.be.revertedWithCustomError(genesis, "Genesis_InvalidAllocation")
          .withArgs(holder, plan.allocations[0].amount);
      });
    }

    it("refuses an allocation to itself, who could never spend it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { deployer } = protocol.actors;
      const plan = await planOf(protocol);
      const holder = getCreateAddress({ from: deployer.address, nonce: await deployer.getNonce() });
      plan.allocations[0].holder = holder;
      const genesis = await deployGenesis(plan);
      await expect(genesis.create(creationCodes(), plan))
        .to.be.revertedWithCustomError(genesis, "Genesis_InvalidAllocation")
        .withArgs(holder, plan.allocations[0].amount);
    });

    it("refuses an allocation to the vault, which would hold more than the reserve", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const plan = await planOf(protocol);
      const { vault } = await predictSystem(protocol);
      plan.allocations[0].holder = vault;
      const genesis = await deployGenesis(plan);
      await expect(genesis.create(creationCodes(), plan))
        .to.be.revertedWithCustomError(genesis, "Genesis_InvalidAllocation")
        .withArgs(vault, RESERVE);
    });

    for (const [name, getter] of REFERENCES) {
      it(`refuses another ${getter} in the ${name}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const plan = await planOf(protocol);
        const { selector } = INTERFACES[name].getFunction(getter as never) ?? { selector: NO_GETTER };
        const codes = codesWith(name, misbehaving(selector, BigInt(protocol.actors.stranger.address)));
        const genesis = await deployGenesis(plan, codes);

        const system = await genesis.system(plan.governor);
        const expected = getter === "GOVERNOR" ? system.governor : system[getter.toLowerCase() as Name];
        await expect(genesis.create(codes, plan))
          .to.be.revertedWithCustomError(genesis, "Genesis_Miswired")
          .withArgs(system[name], selector, expected);
      });
    }

    it("refuses two contracts that were swapped", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const plan = await planOf(protocol);
      const [tft, vault, oracle, registry, ...rest] = creationCodes();
      const codes: CreationCodes = [tft, vault, registry, oracle, ...rest];
      const genesis = await deployGenesis(plan, codes);
      await expect(genesis.create(codes, plan))
        .to.be.revertedWithCustomError(genesis, "Genesis_CreationFailed")
        .withArgs(4);
    });

    it("lets anyone create the system, at the addresses that were foretold", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const plan = await planOf(protocol);
      const foretold = await predictSystem(protocol);
      const genesis = await deployGenesis(plan);
      const system = await genesis.system(plan.governor);
      for (const name of NAMES) expect(system[name]).to.equal(foretold[name]);

      await expect(genesis.connect(protocol.actors.stranger).create(creationCodes(), plan))
        .to.emit(genesis, "Created")
        .withArgs(system);
      for (const name of NAMES) expect(await ethers.provider.getCode(foretold[name])).to.not.equal("0x");
    });

    it("creates the largest system that parameters can describe within a transaction's gas", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const plan = await planOf(protocol);
      const account = (i: number) => ethers.toBeHex(2n ** 159n + BigInt(i), 20);
      plan.signers = Array.from({ length: 64 }, (_, i) => account(i));
      plan.quorum = 64n;
      plan.assets = await Promise.all(
        Array.from({ length: 16 }, async (_, i) => {
          const token = await ethers.deployContract("TestToken", [`Token ${i}`, `T${i}`, 18]);
          return { asset: await token.getAddress(), referencePrice: 1n };
        }),
      );
      const amounts = [...Array<bigint>(31).fill(1n), parseUnits("650000000", 18) - 31n];
      plan.allocations = amounts.map((amount, i) => ({ holder: account(i), amount }));
      const genesis = await deployGenesis(plan);
      await expect(genesis.create(creationCodes(), plan)).to.emit(genesis, "Created");
    });
  });
});
