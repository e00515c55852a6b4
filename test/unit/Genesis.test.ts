import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { codeHashes, type CreationCodes, genesisPlan } from "@turingfog/operator";
import { DAY, MINUTE } from "@turingfog/sdk";
import { CONTRACTS } from "@turingfog/sdk/ethers";
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

type Plan = ReturnType<typeof genesisPlan>;

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

/** The contracts in the order in which Genesis creates them, written down once more: the n-th by its nonce n. */
const NAMES: readonly Name[] = ["vault", "oracle", "registry", "pool", "controller", "tft", "escrow"];

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
  return NAMES.map((name) => artifacts.readArtifactSync(CONTRACTS[name].name).bytecode) as CreationCodes;
}

/** The codes of the build, one of them replaced. */
function codesWith(name: Name, code: string): CreationCodes {
  return creationCodes().map((each, i) => (NAMES[i] === name ? code : each)) as CreationCodes;
}

/** The plan of a deployment, to be carried out once more. */
function planOf({ params, addresses }: Protocol): Plan {
  return genesisPlan(params, addresses);
}

function deployGenesis(plan: Plan, codes = creationCodes()): Promise<Genesis> {
  return ethers.deployContract("Genesis", [codeHashes(codes), plan]);
}

/** A Genesis with its plan and codes. */
interface Planned {
  genesis: Genesis;
  plan: Plan;
  codes: CreationCodes;
}

/** Creates one contract, by the number of its step. */
function createStep({ genesis, plan, codes }: Planned, step: number) {
  return genesis.create(codes[step - 1], codeHashes(codes), plan);
}

/** Creates the contracts before a step. */
async function createBefore(planned: Planned, step: number): Promise<void> {
  for (let each = 1; each < step; ++each) await createStep(planned, each);
}

/** A Genesis with the codes of the build, or others, that is about to carry out a step of the fixture's plan. */
async function plannedUntil(
  step: number,
  { change = {}, codes = creationCodes() }: { change?: Partial<Plan>; codes?: CreationCodes } = {},
): Promise<Planned & { protocol: Protocol }> {
  const protocol = await loadFixture(deployProtocolFixture);
  const plan = { ...planOf(protocol), ...change };
  const planned = { genesis: await deployGenesis(plan, codes), plan, codes };
  await createBefore(planned, step);
  return { ...planned, protocol };
}

/** The number of the step that creates a contract. */
const stepOf = (name: Name) => NAMES.indexOf(name) + 1;

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
    it("keeps the hash of the codes' hashes and the plan, and nothing else", async () => {
      const { genesis, plan, codes, protocol } = await plannedUntil(1);
      const [, hashesInput, planInput] = genesis.interface.getFunction("create").inputs;
      const hash = ethers.keccak256(coder.encode([hashesInput, planInput], [codes.map(ethers.keccak256), plan]));
      expect(await genesis.PLAN_HASH()).to.equal(hash);
      expect(await protocol.contracts.genesis.PLAN_HASH()).to.equal(hash);
    });
  });

  describe("create", () => {
    for (const [i, name] of NAMES.entries()) {
      it(`refuses another hash for the code of ${name}`, async () => {
        const { genesis, plan, codes } = await plannedUntil(1);
        const others = codesWith(name, "0x00");
        const otherHash = await (await deployGenesis(plan, others)).PLAN_HASH();

        await expect(genesis.create(codes[0], codeHashes(others), plan))
          .to.be.revertedWithCustomError(genesis, "Genesis_NotThePlan")
          .withArgs(otherHash, await genesis.PLAN_HASH());
      });

      it(`refuses at the turn of ${name} all code but its own: other, done and later`, async () => {
        const { genesis, plan, codes } = await plannedUntil(i + 1);
        const own = ethers.keccak256(codes[i]);
        for (const code of ["0x00", ...codes.filter((_, j) => j !== i)]) {
          await expect(genesis.create(code, codeHashes(codes), plan))
            .to.be.revertedWithCustomError(genesis, "Genesis_OutOfTurn")
            .withArgs(i + 1, ethers.keccak256(code), own);
        }
      });

      it(`creates ${name} at step ${i + 1}, for anyone, at the address that its nonce gives`, async () => {
        const { genesis, plan, codes, protocol } = await plannedUntil(i + 1);
        const address = getCreateAddress({ from: await genesis.getAddress(), nonce: i + 1 });
        expect((await genesis.system(plan.governor))[name]).to.equal(address);
        const byStranger = genesis.connect(protocol.actors.stranger);
        expect(await byStranger.create.staticCall(codes[i], codeHashes(codes), plan)).to.equal(address);

        await expect(byStranger.create(codes[i], codeHashes(codes), plan))
          .to.emit(genesis, "ContractCreated")
          .withArgs(i + 1, address);
        expect(await ethers.provider.getCode(address)).to.not.equal("0x");
      });

      it(`names step ${i + 1} when its code reverts, leaves nothing behind and can be tried again`, async () => {
        const { genesis, plan, codes } = await plannedUntil(i + 1, { codes: codesWith(name, "0xfe") }); // invalid
        for (let attempt = 0; attempt < 2; ++attempt) {
          await expect(genesis.create(codes[i], codeHashes(codes), plan))
            .to.be.revertedWithCustomError(genesis, "Genesis_CreationFailed")
            .withArgs(i + 1, "0x");
        }
        expect(await ethers.provider.getTransactionCount(genesis)).to.equal(i + 1);
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
      ["renderer", { renderer: ZeroAddress }],
      ["operationsTreasury", { operationsTreasury: ZeroAddress }],
      ["operationsShare", { operationsShare: 0n }],
      ["assets", { assets: [] }],
      ["allocations", { allocations: [] }],
    ];
    for (const [field, change] of changes) {
      it(`refuses a plan that differs in ${field}`, async () => {
        const { genesis, plan, codes } = await plannedUntil(1);
        const other = { ...plan, ...change };
        const otherHash = await (await deployGenesis(other)).PLAN_HASH();

        await expect(genesis.create(codes[0], codeHashes(codes), other))
          .to.be.revertedWithCustomError(genesis, "Genesis_NotThePlan")
          .withArgs(otherHash, await genesis.PLAN_HASH());
      });
    }

    it("refuses every step once the system exists", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { genesis } = protocol.contracts;
      const codes = creationCodes();
      const plan = planOf(protocol);
      for (const code of codes) {
        await expect(genesis.create(code, codeHashes(codes), plan)).to.be.revertedWithCustomError(
          genesis,
          "Genesis_AlreadyDone",
        );
      }
    });

    const PERIOD_BOUNDS = [MINUTE, 30n * DAY];
    const holder = ZeroAddress.replace(/0$/, "1");
    const spoiled: [Name, string, Partial<Plan>, string, unknown[]][] = [
      ["vault", "a treasury of zero", { operationsTreasury: ZeroAddress }, "Vault_InvalidTreasury", [ZeroAddress]],
      ["oracle", "a guardian of zero", { guardian: ZeroAddress }, "Oracle_ZeroGuardian", []],
      ["pool", "an epoch of zero seconds", { epochLength: 0n }, "Pool_EpochLengthOutOfBounds", [0n, ...PERIOD_BOUNDS]],
      ["controller", "a period of zero", { auctionPeriod: 0n }, "Controller_PeriodOutOfBounds", [0n, ...PERIOD_BOUNDS]],
      [
        "tft",
        "allocations that do not sum",
        { allocations: [{ holder, amount: 1n }] },
        "TFT_AllocationsDoNotSum",
        [RESERVE + 1n, parseUnits("1000000000", 18)],
      ],
      ["escrow", "a grace of zero", { grace: 0n }, "Escrow_GraceOutOfBounds", [0n, 2n * DAY + DAY / 2n, 21n * DAY]],
      ["escrow", "a renderer without code", { renderer: holder }, "Escrow_InvalidRenderer", [holder]],
    ];
    for (const [name, what, change, error, args] of spoiled) {
      it(`passes on why ${name} cannot be created for ${what} [shipped]`, async () => {
        const planned = await plannedUntil(stepOf(name), { change });
        await expect(createStep(planned, stepOf(name)))
          .to.be.revertedWithCustomError(planned.genesis, "Genesis_CreationFailed")
          .withArgs(stepOf(name), INTERFACES[name].encodeErrorResult(error, args as never));
      });
    }

    it("fails whole with too little gas, and succeeds with enough", async () => {
      const planned = await plannedUntil(1);
      const { genesis, plan, codes } = planned;
      const gas = await genesis.create.estimateGas(codes[0], codeHashes(codes), plan);
      await expect(genesis.create(codes[0], codeHashes(codes), plan, { gasLimit: (gas * 9n) / 10n }))
        .to.be.revertedWithCustomError(genesis, "Genesis_CreationFailed")
        .withArgs(1, "0x");
      await expect(createStep(planned, 1)).to.emit(genesis, "ContractCreated");
    });

    for (const again of [1, 2]) {
      it(`refuses to be reentered for step ${again} while it creates the first contract`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const plan = planOf(protocol);
        const caller = await ethers.deployContract("MisbehavingCaller");
        const constructorArguments = coder.encode(["address"], [await caller.getAddress()]);
        const reenterer = concat([MisbehavingReenterer__factory.bytecode, constructorArguments]);
        const codes = NAMES.map((_, i) => (i === 0 ? reenterer : misbehaving(NO_GETTER, 0n))) as CreationCodes;
        const genesis = await deployGenesis(plan, codes);
        const data = genesis.interface.encodeFunctionData("create", [codes[again - 1], codeHashes(codes), plan]);
        await caller.prepare(`0x${data.slice(10)}`);

        // the first contract has no code yet: its step would use the second nonce, and it is no other step's turn
        const [own, other] = [codes[0], codes[1]].map((code) => ethers.keccak256(code));
        const reason =
          again === 1
            ? genesis.interface.encodeErrorResult("Genesis_CreationFailed", [1, "0x"])
            : genesis.interface.encodeErrorResult("Genesis_OutOfTurn", [1, other, own]);
        await expect(createStep({ genesis, plan, codes }, 1))
          .to.emit(MisbehavingCaller__factory.connect(await caller.getAddress(), ethers.provider), "Reverted")
          .withArgs(reason);
      });
    }

    it("refuses a vault with a unit less than the reserve [T28]", async () => {
      const balanceOf = INTERFACES.tft.getFunction("balanceOf").selector;
      const codes = codesWith("tft", misbehaving(balanceOf, RESERVE - 1n));
      const planned = await plannedUntil(stepOf("tft"), { codes });
      const { vault } = await planned.genesis.system(planned.plan.governor);
      await expect(createStep(planned, stepOf("tft")))
        .to.be.revertedWithCustomError(planned.genesis, "Genesis_InvalidAllocation")
        .withArgs(vault, RESERVE);
    });

    it("accepts a vault with a unit more than the reserve", async () => {
      const balanceOf = INTERFACES.tft.getFunction("balanceOf").selector;
      const codes = codesWith("tft", misbehaving(balanceOf, RESERVE + 1n));
      const planned = await plannedUntil(stepOf("tft"), { codes });
      await expect(createStep(planned, stepOf("tft"))).to.emit(planned.genesis, "ContractCreated");
    });

    it("refuses an allocation that did not arrive", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const [first, second] = planOf(protocol).allocations;
      const allocations = [first, { ...second, amount: RESERVE + 1n }];
      const codes = codesWith("tft", misbehaving(NO_GETTER, 0n)); // a balance of RESERVE for everyone
      const planned = await plannedUntil(stepOf("tft"), { change: { allocations }, codes });
      await expect(createStep(planned, stepOf("tft")))
        .to.be.revertedWithCustomError(planned.genesis, "Genesis_InvalidAllocation")
        .withArgs(second.holder, RESERVE + 1n);
    });

    for (const name of NAMES) {
      it(`refuses an allocation to the contract ${name}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const plan = planOf(protocol);
        plan.allocations[0].holder = (await predictSystem(protocol))[name];
        const planned = { genesis: await deployGenesis(plan), plan, codes: creationCodes() };
        await createBefore(planned, stepOf("tft"));
        await expect(createStep(planned, stepOf("tft")))
          .to.be.revertedWithCustomError(planned.genesis, "Genesis_InvalidAllocation")
          .withArgs(plan.allocations[0].holder, plan.allocations[0].amount);
      });
    }

    it("refuses an allocation to itself, who could never spend it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { deployer } = protocol.actors;
      const plan = planOf(protocol);
      plan.allocations[0].holder = getCreateAddress({ from: deployer.address, nonce: await deployer.getNonce() });
      const planned = { genesis: await deployGenesis(plan), plan, codes: creationCodes() };
      await createBefore(planned, stepOf("tft"));
      await expect(createStep(planned, stepOf("tft")))
        .to.be.revertedWithCustomError(planned.genesis, "Genesis_InvalidAllocation")
        .withArgs(plan.allocations[0].holder, plan.allocations[0].amount);
    });

    for (const [name, getter] of REFERENCES) {
      it(`refuses another ${getter} in the ${name}`, async () => {
        const { stranger } = (await loadFixture(deployProtocolFixture)).actors;
        const { selector } = INTERFACES[name].getFunction(getter as never) ?? { selector: NO_GETTER };
        const codes = codesWith(name, misbehaving(selector, BigInt(stranger.address)));
        const planned = await plannedUntil(NAMES.length, { codes });

        const system = await planned.genesis.system(planned.plan.governor);
        const expected = getter === "GOVERNOR" ? system.governor : system[getter.toLowerCase() as Name];
        await expect(createStep(planned, NAMES.length))
          .to.be.revertedWithCustomError(planned.genesis, "Genesis_Miswired")
          .withArgs(system[name], selector, expected);
      });
    }

    it("refuses two contracts that were swapped", async () => {
      const [vault, oracle, registry, ...rest] = creationCodes();
      const planned = await plannedUntil(3, { codes: [vault, registry, oracle, ...rest] });
      await expect(createStep(planned, 3))
        .to.be.revertedWithCustomError(planned.genesis, "Genesis_CreationFailed")
        .withArgs(3, "0x");
    });

    it("tells of the whole system with the last step, at the addresses that were foretold, and not before", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const plan = planOf(protocol);
      const foretold = await predictSystem(protocol);
      const planned = { genesis: await deployGenesis(plan), plan, codes: creationCodes() };
      const { genesis } = planned;
      const system = await genesis.system(plan.governor);
      for (const name of NAMES) expect(system[name]).to.equal(foretold[name]);

      await createBefore(planned, NAMES.length);
      expect(await genesis.queryFilter(genesis.filters.Created())).to.have.length(0);
      await expect(createStep(planned, NAMES.length)).to.emit(genesis, "Created").withArgs(system);
    });
  });
});
