import path from "node:path";

import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/signers";
import { loadFixture, setBalance, time } from "@nomicfoundation/hardhat-network-helpers";
import {
  ACCEPTANCE,
  checkParts,
  connect,
  type DeploymentPlan,
  ensureCreate2Deployer,
  KeySender,
  loadWallet,
  planDeployment,
  readParameters,
} from "@turingfog/operator";
import { DAY, max } from "@turingfog/sdk";
import {
  connectContracts,
  CONTRACTS,
  GENESIS_KEYS,
  type GenesisKey,
  type SystemContracts,
} from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { Contract, type FunctionFragment, id, parseEther, type ParamType } from "ethers";
import { ethers } from "hardhat";

import { projectBuild } from "../../deploy/inProcess";
import { VestedAllocation__factory } from "../../typechain-types";
import { impersonate } from "../helpers/system";

const LOCAL = path.join(__dirname, "../../deploy/parameters/local.json5");
const TFT_PLACE = CONTRACTS.tft.place;

/** A plan of which Genesis stands, and none of its seven contracts. */
async function planned() {
  const connection = await connect("hardhat");
  const wallet = await loadWallet({ isLocal: true, env: {} }, connection.provider);
  await ensureCreate2Deployer(connection, new KeySender(wallet, connection));

  const parameters = readParameters(LOCAL);
  const build = await projectBuild();
  const plan = planDeployment(parameters, build);
  const since = await time.latestBlock();
  const [deployer, ...others] = await ethers.getSigners();
  for (const { call } of plan.steps.slice(0, -GENESIS_KEYS.length)) {
    await deployer.sendTransaction({ to: call.to, data: call.data });
  }
  const liquid = parameters.allocations.flatMap((allocation) => ("holder" in allocation ? [allocation.holder] : []));
  const signer = (address: string) => ethers.getSigner(address);
  const actors = {
    deployer,
    stranger: others[others.length - 4],
    guardian: await signer(parameters.guardian),
    proposer: await signer(parameters.governor.proposers[0]),
    holder: await signer(liquid[0]),
  };
  const contracts = connectContracts(plan.addresses, deployer);
  return { connection, parameters, build, plan, since, actors, contracts };
}

type Planned = Awaited<ReturnType<typeof planned>>;

/** The call of a step of Genesis, by its number. */
function stepOf(plan: DeploymentPlan, place: number): { to: string; data: string } {
  const { to, data } = plan.steps[plan.steps.length - GENESIS_KEYS.length + place - 1].call;
  return { to, data };
}

function create(plan: DeploymentPlan, place: number, from: HardhatEthersSigner, gasLimit?: bigint) {
  return from.sendTransaction({ ...stepOf(plan, place), gasLimit });
}

/** A value of a type, for a call that may succeed. */
function valueOf(type: ParamType, caller: string): unknown {
  const { arrayChildren } = type;
  if (arrayChildren !== null) {
    return Array.from({ length: Math.max(type.arrayLength ?? 0, 0) }, () => valueOf(arrayChildren, caller));
  }
  if (type.components !== null) return type.components.map((each) => valueOf(each, caller));
  if (type.type === "address") return caller;
  if (type.type === "bytes32") return id("V100");
  if (type.type === "bytes") return "0x";
  if (type.type === "string") return "";
  return type.type === "bool" ? true : 1;
}

/** Functions that a caller can call, of the contracts that stand at a step; each is only tried. */
async function callable(contracts: SystemContracts, place: number, caller: HardhatEthersSigner): Promise<string[]> {
  const found: string[] = [];
  for (const key of GENESIS_KEYS.slice(0, place - 1)) {
    const contract = new Contract(await contracts[key].getAddress(), CONTRACTS[key].factory.abi, caller);
    const changing = contract.interface.fragments.filter(
      (fragment): fragment is FunctionFragment =>
        fragment.type === "function" && !["view", "pure"].includes((fragment as FunctionFragment).stateMutability),
    );
    for (const fragment of changing) {
      const args = fragment.inputs.map((input) => valueOf(input, caller.address));
      const call = contract.getFunction(fragment).staticCall(...args);
      if (await call.then(() => true).catch(() => false)) found.push(`${key}.${fragment.name}`);
    }
  }
  return found;
}

/** Functions that a stranger can call with effect on themself alone, by the contract; some need the TFT. */
const OPEN: Partial<Record<GenesisKey, string[]>> = {
  registry: ["registerNode"],
  pool: ["setRecipient"],
  tft: ["approve"],
};
const OPEN_WITH_TFT: Partial<Record<GenesisKey, string[]>> = { vault: ["payOperations"], pool: ["claim", "claimFor"] };

function open(place: number): string[] {
  return GENESIS_KEYS.slice(0, place - 1).flatMap((key) => {
    const names = [...(OPEN[key] ?? []), ...(place > TFT_PLACE ? (OPEN_WITH_TFT[key] ?? []) : [])];
    return names.map((name) => `${key}.${name}`);
  });
}

/** Everything that accounts without a part in the plan can do at a step, done. */
async function disturb({ plan, contracts, actors }: Planned, place: number): Promise<void> {
  const { stranger, guardian } = actors;
  // coin at the address of each contract that is to come
  for (const key of GENESIS_KEYS.slice(place - 1))
    await stranger.sendTransaction({ to: plan.addresses[key], value: 1 });
  const { genesis } = contracts;
  const gas = await ethers.provider.estimateGas({ ...stepOf(plan, place), from: stranger });
  await expect(create(plan, place, stranger, (gas * 7n) / 10n)).to.be.revertedWithCustomError(
    genesis,
    "Genesis_CreationFailed",
  );
  for (const key of GENESIS_KEYS.filter((_, i) => i !== place - 1)) {
    const outOfTurn = create(plan, CONTRACTS[key].place, stranger);
    await expect(outOfTurn).to.be.revertedWithCustomError(genesis, "Genesis_OutOfTurn");
  }
  if (place > CONTRACTS.oracle.place)
    await expect(contracts.oracle.connect(guardian).freeze()).to.be.revertedWithoutReason();
  if (place > CONTRACTS.registry.place) {
    await contracts.registry.connect(stranger).registerNode(id("V100"), 1, stranger, "");
  }
  if (place > CONTRACTS.pool.place) await contracts.pool.connect(stranger).setRecipient(stranger);
}

describe("An adversary between two steps of genesis", () => {
  for (let place = 1; place <= GENESIS_KEYS.length; ++place) {
    const key = GENESIS_KEYS[place - 1];

    it(`can call nothing before the ${key} stands but what concerns themself`, async () => {
      const { plan, contracts, actors } = await loadFixture(planned);
      for (let each = 1; each < place; ++each) await create(plan, each, actors.deployer);

      for (const caller of [actors.stranger, actors.proposer, actors.guardian, actors.deployer]) {
        expect(await callable(contracts, place, caller), caller.address).to.have.members(open(place));
      }
    });
  }

  it("cannot make a later step fail, whatever they do at each, and leaves a system that is accepted [T28]", async () => {
    const deployment = await loadFixture(planned);
    const { connection, parameters, build, plan, since, actors, contracts } = deployment;
    for (let place = 1; place <= GENESIS_KEYS.length; ++place) {
      await disturb(deployment, place);
      if (place > TFT_PLACE) {
        await contracts.tft.connect(actors.holder).transfer(contracts.vault, 1n);
        await contracts.tft.connect(actors.holder).transfer(plan.addresses.escrow, 1n);
        await contracts.vault.connect(actors.stranger).payOperations();
      }
      await create(plan, place, actors.stranger);
    }

    const checked = { parameters, addresses: plan.addresses, chainId: connection.chainId, since };
    const checks = await checkParts(ACCEPTANCE, build, {
      ...checked,
      provider: ethers.provider,
      deployer: actors.deployer.address,
    });
    expect(checks.filter(({ passed }) => !passed)).to.deep.equal([]);
    expect(await contracts.escrow.liabilities(contracts.tft)).to.equal(0);
  });

  it("cannot make the last step fail by releasing what has vested by then, nor release before the TFT stands [T28]", async () => {
    const { plan, contracts, actors } = await loadFixture(planned);
    const wallet = VestedAllocation__factory.connect(plan.addresses.foundationVesting, actors.stranger);
    await time.increaseTo(max((await wallet.start()) + 100n * DAY, BigInt(await time.latest()) + 1n));
    const release = () => wallet["release(address)"](contracts.tft);
    for (let place = 1; place <= TFT_PLACE; ++place) {
      await expect(release()).to.be.revertedWithoutReason();
      await create(plan, place, actors.deployer);
    }

    await expect(release()).to.emit(contracts.tft, "Transfer");
    await expect(create(plan, GENESIS_KEYS.length, actors.deployer)).to.emit(contracts.genesis, "Created");
  });

  it("gains nothing as a governor in a hurry: what they set before the end they could set after it [T28]", async () => {
    const { parameters, plan, contracts, actors } = await loadFixture(planned);
    const governor = await impersonate(contracts.timelock);
    await setBalance(governor.address, parseEther("100"));
    for (let place = 1; place <= GENESIS_KEYS.length; ++place) {
      if (place > 1) await contracts.vault.connect(governor).setOperations(actors.stranger, 2_000);
      if (place > 2) await contracts.oracle.connect(governor).setGuardian(actors.stranger);
      if (place > 2) await contracts.oracle.connect(governor).setSigners(parameters.signers, 4);
      await create(plan, place, actors.deployer);
    }
    expect(await contracts.escrow.isListed(contracts.tft)).to.equal(true);
  });

  it("can prevent the escrow only as the governor, who raises the delay beyond what the grace allows", async () => {
    const { parameters, plan, contracts, actors } = await loadFixture(planned);
    for (let place = 1; place <= TFT_PLACE; ++place) await create(plan, place, actors.deployer);
    const governor = await impersonate(contracts.timelock);
    await setBalance(governor.address, parseEther("100"));
    await contracts.timelock.connect(governor).updateDelay(parameters.grace);

    const least = parameters.grace + 2n * parameters.vetoWindow;
    const reason = contracts.escrow.interface.encodeErrorResult("Escrow_GraceOutOfBounds", [
      parameters.grace,
      least,
      21n * DAY,
    ]);
    await expect(create(plan, GENESIS_KEYS.length, actors.deployer))
      .to.be.revertedWithCustomError(contracts.genesis, "Genesis_CreationFailed")
      .withArgs(GENESIS_KEYS.length, reason);

    // it is for the governor to take back, and anyone completes the deployment then
    await contracts.timelock.connect(governor).updateDelay(parameters.governor.minDelay);
    await expect(create(plan, GENESIS_KEYS.length, actors.stranger)).to.emit(contracts.genesis, "Created");
  });
});
