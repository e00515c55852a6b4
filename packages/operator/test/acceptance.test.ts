import { loadFixture, setCode, setStorageAt } from "@nomicfoundation/hardhat-network-helpers";
import {
  ACCEPTANCE,
  type Build,
  type Check,
  checkParts,
  compareCode,
  contractOf,
  describeHolder,
  type DeploymentParameters,
  type ExpectedContract,
  expectedContracts,
  expectedSignerList,
  type ImmutableReference,
  type Subject,
  UnknownImmutableError,
  VERIFICATION,
  type Vesting,
  withImmutables,
} from "@turingfog/operator";
import { MINUTE } from "@turingfog/sdk";
import { GENESIS_KEYS, IncompleteLogsError } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import {
  concat,
  dataSlice,
  getBytes,
  hexlify,
  id,
  parseUnits,
  toBeHex,
  ZeroAddress,
  ZeroHash,
  zeroPadValue,
} from "ethers";
import { ethers } from "hardhat";

import { projectBuild } from "../../../deploy/inProcess";
import { checkedDeployment } from "../../../test/helpers/checkedDeployment";
import { deployProtocolFixture } from "../../../test/helpers/fixture";
import { asGovernor } from "../../../test/helpers/governor";
import { impersonate } from "../../../test/helpers/system";

const verify = (build: Build, subject: Subject) => checkParts(VERIFICATION, build, subject);
const accept = (build: Build, subject: Subject) => checkParts(ACCEPTANCE, build, subject);

const failures = (checks: Check[]) => checks.filter(({ passed }) => !passed);

/** Each of the accounts with its kind, as a report shows it. */
function described(...accounts: string[]): Promise<string[]> {
  return Promise.all(accounts.map((account) => describeHolder(ethers.provider, account)));
}

/** `hex` with one bit of the byte at `index` turned over. */
function turned(hex: string, index: number): string {
  const bytes = getBytes(hex);
  bytes[index] ^= 1;
  return hexlify(bytes);
}

/** The parameters with the first vesting, the team's, changed. */
function changeVesting(change: Partial<Vesting>): (params: DeploymentParameters) => DeploymentParameters {
  return (params) => ({
    ...params,
    allocations: params.allocations.map((allocation) =>
      allocation.name === "team" && "vesting" in allocation
        ? { ...allocation, vesting: { ...allocation.vesting, ...change } }
        : allocation,
    ),
  });
}

async function deployed() {
  const protocol = await deployProtocolFixture();
  const checked = await checkedDeployment(protocol);
  const contracts = expectedContracts(await projectBuild(), checked);
  return {
    ...protocol,
    checked,
    expected: (name: string) => contracts.find((each) => each.name === name) as ExpectedContract,
  };
}

describe("verify", () => {
  it("passes on what was deployed, with every contract and every immutable named", async () => {
    const { checked } = await loadFixture(deployed);
    const checks = await verify(await projectBuild(), checked);
    expect(failures(checks)).to.deep.equal([]);

    const compared = checks.map(({ what }) => what.split(" ")[0]);
    for (const name of [...Object.keys(checked.addresses), "signerList1"]) expect(compared).to.include(name);
    for (const name of ["escrow.GRACE", "oracle._cachedThis", "genesis.PLAN_HASH", "teamVesting._cliff"]) {
      expect(compared).to.include(name);
    }
  });

  it("finds every contract missing where nothing was deployed, and asks nothing of them", async () => {
    const { checked } = await loadFixture(deployed);
    const elsewhere = { ...checked, addresses: { ...checked.addresses, genesis: ZeroAddress } };
    const missing = failures(await verify(await projectBuild(), elsewhere));
    expect(missing.map(({ what }) => what.split(" ")[0])).to.include.members(["genesis", "tft", "escrow"]);
    for (const { section, actual } of missing) {
      expect(section).to.equal("Code");
      expect(actual).to.equal("no code");
    }
  });

  for (const name of [
    "timelock",
    "renderer",
    "teamVesting",
    "genesis",
    "tft",
    "vault",
    "oracle",
    "registry",
    "pool",
    "controller",
    "escrow",
  ]) {
    it(`finds a single changed byte of ${name}`, async () => {
      const { checked, expected } = await loadFixture(deployed);
      const { address, runtimeCode } = expected(name);
      const changed = turned(runtimeCode, 5);
      await setCode(address, changed);

      const [failure, ...others] = failures(await verify(await projectBuild(), checked));
      expect(others).to.deep.equal([]);
      expect(failure.what).to.equal(`${name} at ${address}`);
      const [is, was] = [changed, runtimeCode].map((code) => dataSlice(code, 5, 6));
      expect(failure.actual).to.match(new RegExp(`; first at byte 5: ${is} instead of ${was}$`));
    });
  }

  it("finds a changed hash of the metadata", async () => {
    const { checked, expected } = await loadFixture(deployed);
    const { address, runtimeCode } = expected("escrow");
    const index = getBytes(runtimeCode).length - 20;
    await setCode(address, turned(runtimeCode, index));

    const [failure, ...others] = failures(await verify(await projectBuild(), checked));
    expect(others).to.deep.equal([]);
    expect(failure.actual).to.contain(`first at byte ${index} (metadata)`);
  });

  it("finds a byte too many, and one too few", async () => {
    const { checked, expected } = await loadFixture(deployed);
    const { address, runtimeCode } = expected("timelock");
    const length = getBytes(runtimeCode).length;
    for (const [code, size] of [
      [concat([runtimeCode, "0x00"]), length + 1],
      [dataSlice(runtimeCode, 0, length - 1), length - 1],
    ] as const) {
      await setCode(address, code);
      const [failure, ...others] = failures(await verify(await projectBuild(), checked));
      expect(others).to.deep.equal([]);
      expect(failure.what).to.equal(`timelock at ${address}`);
      expect(failure.actual).to.match(new RegExp(`^${size} bytes`));
    }
  });

  it("finds a changed immutable by its name", async () => {
    const { checked, expected } = await loadFixture(deployed);
    const { address, runtimeCode, compiled } = expected("escrow");
    const { start, length } = compiled.immutables.find(({ name }) => name === "GRACE") as ImmutableReference;
    await setCode(address, turned(runtimeCode, start + length - 1));

    expect(failures(await verify(await projectBuild(), checked))).to.deep.equal([
      {
        section: "Immutables",
        what: "escrow.GRACE",
        expected: toBeHex(checked.parameters.grace, 32),
        actual: toBeHex(checked.parameters.grace + 1n, 32),
        passed: false,
      },
    ]);
  });

  it("compares a filler too, with the factory that it must trust", async () => {
    const { checked, contracts, actors } = await loadFixture(deployed);
    const [factory, other] = [actors.stranger.address, actors.bidder.address];
    const filler = await ethers.deployContract("UniswapV3BuybackFiller", [contracts.controller, factory]);
    const addresses = { ...checked.addresses, filler: await filler.getAddress() };
    expect(
      failures(await verify(await projectBuild(), { ...checked, addresses, fillerFactory: factory })),
    ).to.deep.equal([]);

    const [failure, ...others] = failures(
      await verify(await projectBuild(), { ...checked, addresses, fillerFactory: other }),
    );
    expect(others).to.deep.equal([]);
    expect(failure.what).to.equal("filler.FACTORY");
  });

  it("finds a changed signer in the list that the oracle created", async () => {
    const { checked, params } = await loadFixture(deployed);
    const list = expectedSignerList(checked.addresses.oracle, 1n, params.signers);
    await setCode(list.address, turned(list.runtimeCode, 63));
    const [failure, signers, ...others] = failures(await verify(await projectBuild(), checked));
    expect(others).to.deep.equal([]);
    expect(signers.what).to.equal("signers");
    expect(failure.what).to.equal(`signerList1 at ${list.address}`);
    expect(failure.actual).to.contain("first at byte 63:");
  });

  it("finds an oracle that reads its signers from another list than the last it created", async () => {
    const { checked, contracts, actors, params } = await loadFixture(deployed);
    const { oracle, timelock } = contracts;
    const state = await ethers.provider.getStorage(oracle, 2);
    await asGovernor(timelock, actors.admin, await oracle.setSigners.populateTransaction(params.signers, 4));
    const rotated = await ethers.provider.getStorage(oracle, 2);
    await setStorageAt(await oracle.getAddress(), 2, concat([dataSlice(rotated, 0, 12), dataSlice(state, 12)]));
    await setCode(expectedSignerList(checked.addresses.oracle, 2n, params.signers).address, "0x00");

    const [failure] = failures(await verify(await projectBuild(), checked));
    expect(failure.what).to.match(/^signerList2 at /);
  });

  for (const role of ["DEFAULT_ADMIN", "PROPOSER", "CANCELLER", "EXECUTOR"]) {
    it(`finds ${role}_ROLE granted to someone else, and taken from its holder`, async () => {
      const { checked, contracts, actors, params } = await loadFixture(deployed);
      const timelock = contracts.timelock.connect(await impersonate(contracts.timelock));
      const roleId = role === "DEFAULT_ADMIN" ? toBeHex(0, 32) : id(`${role}_ROLE`);
      const name = role === "DEFAULT_ADMIN" ? "admin" : role.toLowerCase();
      const holder = role === "DEFAULT_ADMIN" ? await contracts.timelock.getAddress() : params.governor.proposers[0];

      await timelock.grantRole(roleId, actors.stranger);
      const granted = failures(await verify(await projectBuild(), checked));
      expect(granted).to.have.length(1);
      const [must, stranger] = await described(holder, actors.stranger.address);
      expect(granted[0]).to.deep.include({ section: "Roles", what: `timelock ${name}`, expected: must });
      expect(granted[0].actual.split(", ")).to.have.members([must, stranger]);

      await timelock.revokeRole(roleId, actors.stranger);
      expect(failures(await verify(await projectBuild(), checked))).to.deep.equal([]);
      await timelock.revokeRole(roleId, holder);
      const revoked = failures(await verify(await projectBuild(), checked));
      expect(revoked).to.have.length(1);
      expect(revoked[0]).to.deep.include({ what: `timelock ${name}`, actual: "nobody" });
    });
  }

  it("finds executing open to everyone", async () => {
    const { checked, contracts, params } = await loadFixture(deployed);
    const timelock = contracts.timelock.connect(await impersonate(contracts.timelock));
    await timelock.grantRole(id("EXECUTOR_ROLE"), ZeroAddress);
    const [failure, ...others] = failures(await verify(await projectBuild(), checked));
    expect(others).to.deep.equal([]);
    const everyone = await described(ZeroAddress, ...params.governor.executors);
    expect(failure.actual.split(", ")).to.have.members(everyone);
  });

  it("finds another delay, guardian, quorum and signer set", async () => {
    const { checked, contracts, actors, params } = await loadFixture(deployed);
    const { timelock, oracle } = contracts;
    const governor = await impersonate(timelock);
    await timelock.connect(governor).updateDelay(60);
    await oracle.connect(governor).setGuardian(actors.stranger);
    await oracle.connect(governor).setSigners([...params.signers, "0xffffffffffffffffffffffffffffffffffffffff"], 4);

    const found = failures(await verify(await projectBuild(), checked)).map(({ what, actual }) => [what, actual]);
    expect(found.map(([what]) => what)).to.deep.equal(["timelock delay", "guardian", "signers", "quorum"]);
    expect(found[0][1]).to.equal("1 minute");
    expect(found[1][1]).to.equal(`${actors.stranger.address} (plain account without code)`);
    expect(found[3][1]).to.equal("4");
  });

  it("tells the kind of each account that has a power: plain, delegated to what, or a contract", async () => {
    const { checked, contracts, actors, params } = await loadFixture(deployed);
    const target = await contracts.usd.getAddress();
    await setCode(params.governor.proposers[0], concat(["0xef0100", target]));
    await setCode(params.guardian, "0x6001");
    const shown = new Map((await accept(await projectBuild(), checked)).map(({ what, actual }) => [what, actual]));
    expect(shown.get("timelock proposer")).to.equal(`${params.governor.proposers[0]} (account delegated to ${target})`);
    expect(shown.get("guardian")).to.equal(`${params.guardian} (contract of 2 bytes)`);
    expect(shown.get("signers")).to.contain(`${actors.oracleSigners[0].address} (plain account without code)`);

    await setCode(params.operations.treasury, concat(["0xef0100", target]));
    const treasury = (await accept(await projectBuild(), checked)).find(({ what }) => what === "operations treasury");
    expect(treasury?.actual).to.equal(`${params.operations.treasury} (account delegated to ${target})`);
  });
});

describe("compareCode", () => {
  for (const name of ["genesis", "teamVesting", "tft", "vault", "oracle", "registry", "pool", "controller", "escrow"]) {
    it(`finds each immutable of ${name} in each of its places`, async () => {
      const { expected } = await loadFixture(deployed);
      const contract = expected(name);
      const { runtimeCode, compiled } = contract;
      expect(compiled.immutables).to.not.deep.equal([]);
      for (const { name: immutable, start, length } of compiled.immutables) {
        const code = turned(runtimeCode, start + length - 1);
        const [failure, ...others] = failures(compareCode(contract, code));
        expect(others).to.deep.equal([]);
        expect(failure).to.deep.include({ section: "Immutables", what: `${name}.${immutable}` });
        expect(failure.actual).to.equal(dataSlice(code, start, start + length));
        expect(failure.expected).to.equal(dataSlice(runtimeCode, start, start + length));
      }
    });
  }

  it("finds each byte of a contract that is another", async () => {
    const { expected } = await loadFixture(deployed);
    const contract = expected("pool");
    const isImmutable = (index: number) =>
      contract.compiled.immutables.some(({ start, length }) => start <= index && index < start + length);
    for (let index = 0; index < getBytes(contract.runtimeCode).length; index += 37) {
      const [failure, ...others] = failures(compareCode(contract, turned(contract.runtimeCode, index)));
      expect(others).to.deep.equal([]);
      if (isImmutable(index)) expect(failure.section).to.equal("Immutables");
      else expect(failure.actual).to.contain(`first at byte ${index}`);
    }
  });
});

describe("expectedContracts", () => {
  it("refuses a build with an immutable that nothing is known of", async () => {
    const compiled = contractOf(await projectBuild(), "RewardPool");
    expect(() => withImmutables(compiled, { EPOCH_LENGTH: ZeroHash, TFT: ZeroHash, CONTROLLER: ZeroHash })).to.throw(
      UnknownImmutableError,
      "the immutable ESCROW of contracts/RewardPool.sol:RewardPool",
    );
  });
});

describe("accept", () => {
  it("passes on what was deployed", async () => {
    const { checked } = await loadFixture(deployed);
    const checks = await accept(await projectBuild(), checked);
    expect(failures(checks)).to.deep.equal([]);
    expect([...new Set(checks.map(({ section }) => section))]).to.deep.equal([
      "Code",
      "Immutables",
      "Roles",
      "Deployer",
      "References",
      "Settings",
      "Supply",
      "Allocations",
    ]);
  });

  it("asks every contract for every reference and time that it tells", async () => {
    const { checked, expected } = await loadFixture(deployed);
    const asked = (await accept(await projectBuild(), checked)).map(({ what }) => what);
    for (const name of GENESIS_KEYS) {
      const getters = expected(name)
        .compiled.immutables.map((each) => each.name)
        .filter((each) => /^[A-Z]/.test(each));
      expect(asked).to.include.members(getters.map((getter) => `${name}.${getter}`));
    }
  });

  it("passes still when the protocol has been in use, and when someone has given the vault TFT", async () => {
    const { checked, contracts, actors } = await loadFixture(deployed);
    const { tft, vault, controller } = contracts;
    await tft.connect(actors.treasury).transfer(vault, 1);
    await tft.connect(actors.treasury).transfer(controller, parseUnits("1000", 18));
    await tft.connect(await impersonate(controller)).burn(parseUnits("1000", 18));
    await vault.connect(await impersonate(controller)).release();
    expect(failures(await accept(await projectBuild(), checked))).to.deep.equal([]);
  });

  it("finds another renderer than the plan's, of the same code, in the address book", async () => {
    const { checked } = await loadFixture(deployed);
    const renderer = await (await ethers.deployContract("OrderRenderer")).getAddress();
    const elsewhere = { ...checked, addresses: { ...checked.addresses, renderer } };

    const found = failures(await verify(await projectBuild(), elsewhere)).map(({ what }) => what);
    expect([...new Set(found)]).to.deep.equal(["genesis.PLAN_HASH", "escrow.RENDERER"]);
  });

  const other = "0xffFFFFfFFfFfFFfFffFfFFffffffFFFffffFfFFf".toLowerCase();
  const wrong: [string, (params: DeploymentParameters) => DeploymentParameters, string[]][] = [
    ["governor.minDelay", (p) => ({ ...p, governor: { ...p.governor, minDelay: 60n } }), ["timelock delay"]],
    [
      "governor.proposers",
      (p) => ({ ...p, governor: { ...p.governor, proposers: [other] } }),
      ["timelock proposer", "timelock canceller"],
    ],
    ["governor.executors", (p) => ({ ...p, governor: { ...p.governor, executors: [other] } }), ["timelock executor"]],
    ["guardian", (p) => ({ ...p, guardian: other }), ["guardian"]],
    ["signers", (p) => ({ ...p, signers: [...p.signers, other] }), ["signers"]],
    ["quorum", (p) => ({ ...p, quorum: 4n }), ["quorum"]],
    ["epochLength", (p) => ({ ...p, epochLength: MINUTE }), ["pool.EPOCH_LENGTH"]],
    ["auctionPeriod", (p) => ({ ...p, auctionPeriod: 60n }), ["controller.AUCTION_PERIOD"]],
    ["vetoWindow", (p) => ({ ...p, vetoWindow: 60n }), ["oracle.VETO_WINDOW"]],
    ["grace", (p) => ({ ...p, grace: 60n }), ["escrow.GRACE"]],
    [
      "operations.treasury",
      (p) => ({ ...p, operations: { ...p.operations, treasury: other } }),
      ["operations treasury"],
    ],
    [
      "operations.share",
      (p) => ({ ...p, operations: { ...p.operations, share: 1n } }),
      ["operations share, basis points"],
    ],
    ["assets, one missing", (p) => ({ ...p, assets: p.assets.slice(1) }), ["assets ever listed"]],
    [
      "assets, one too many",
      (p) => ({ ...p, assets: [...p.assets, { address: other, referencePrice: 1n }] }),
      ["assets ever listed", `${other} is listed`, `first reference price of ${other}, TFT`],
    ],
    [
      "assets[0].referencePrice",
      (p) => ({ ...p, assets: [{ ...p.assets[0], referencePrice: 1n }, ...p.assets.slice(1)] }),
      ["first reference price of"],
    ],
    [
      "allocations, their order",
      (p) => ({ ...p, allocations: [p.allocations[0], p.allocations[2], p.allocations[1]] }),
      ["team", "foundation"],
    ],
    [
      "allocations[0].amount",
      (p) => ({ ...p, allocations: [{ ...p.allocations[0], amount: 1n }, ...p.allocations.slice(1)] }),
      ["treasury"],
    ],
    [
      "allocations[0].holder",
      (p) => ({
        ...p,
        allocations: [{ name: "treasury", amount: p.allocations[0].amount, holder: other }, ...p.allocations.slice(1)],
      }),
      ["treasury"],
    ],
    ["vesting.beneficiary", changeVesting({ beneficiary: other }), ["team: beneficiary"]],
    ["vesting.start", changeVesting({ start: 1n }), ["team: start", "team: cliff ends"]],
    ["vesting.duration", changeVesting({ duration: 1n }), ["team: duration"]],
    ["vesting.cliff", changeVesting({ cliff: 1n }), ["team: cliff ends"]],
  ];
  for (const [field, change, expected] of wrong) {
    it(`finds what differs when the parameters have another ${field}`, async () => {
      const { checked } = await loadFixture(deployed);
      const checks = await accept(await projectBuild(), { ...checked, parameters: change(checked.parameters) });
      const found = failures(checks).map(({ what }) => what);
      for (const each of expected) expect(found.some((what) => what.startsWith(each))).to.equal(true, each);

      // nothing else, but what is made of all parameters together or of the same one
      const sections = ["Roles", "References", "Settings", "Supply", "Allocations"];
      const told = failures(checks).filter(({ section }) => sections.includes(section));
      expect(told).to.have.length(expected.length);
    });
  }

  it("finds an address book that has another address for a contract of Genesis", async () => {
    const { checked } = await loadFixture(deployed);
    const { pool } = checked.addresses;
    const checks = await accept(await projectBuild(), { ...checked, addresses: { ...checked.addresses, tft: pool } });
    expect(failures(checks).map(({ what, actual }) => [what, actual])).to.deep.equal([["address of tft", pool]]);
  });

  it("finds a delisted asset, and a reserve that is not all there", async () => {
    const { checked, contracts, actors } = await loadFixture(deployed);
    const { escrow, timelock, usd, tft, vault } = contracts;
    await asGovernor(timelock, actors.admin, await escrow.delistAsset.populateTransaction(usd));
    await tft.connect(await impersonate(vault)).transfer(actors.stranger, 1);
    const found = failures(await accept(await projectBuild(), checked)).map(({ what }) => what);
    expect(found).to.deep.equal([`${await usd.getAddress()} is listed`, "reserve in the vault, TFT"]);
  });
});

describe("a node that leaves out a log, which the contracts' own state shows", () => {
  for (const [name, event, told, check] of [
    ["verify", "RoleGranted(bytes32,address,address)", /RoleGranted\(executor, 0x\w{40}\) of 0x/, verify],
    ["accept", "AssetListed(address,uint256)", /AssetListed\(0x\w{40}\) of 0x/, accept],
    ["accept", "AuctionCreated(address,uint8,uint256)", /AuctionCreated\(0x\w{40}\) of 0x/, accept],
    ["accept", "Transfer(address,address,uint256)", /Transfer\(from or to 0x0{40}\) of 0x/, accept],
  ] as const) {
    it(`is blamed by ${name} for a lost ${event}, and the deployment is not`, async () => {
      const { checked } = await loadFixture(deployed);
      const provider = Object.create(ethers.provider) as typeof ethers.provider;
      provider.getLogs = async (filter) => {
        const logs = await ethers.provider.getLogs(filter);
        const lost = logs.filter(({ topics }) => topics[0] === id(event)).at(-1);
        return logs.filter((log) => log !== lost);
      };
      await expect(check(await projectBuild(), { ...checked, provider })).to.be.rejectedWith(IncompleteLogsError, told);
    });
  }

  it("hides no role of the deployer", async () => {
    const { checked, contracts, actors } = await loadFixture(deployed);
    const timelock = contracts.timelock.connect(await impersonate(contracts.timelock));
    await timelock.grantRole(id("CANCELLER_ROLE"), actors.stranger);
    const provider = Object.create(ethers.provider) as typeof ethers.provider;
    const deployer = actors.stranger.address;
    const grantee = zeroPadValue(deployer, 32).toLowerCase();
    provider.getLogs = async (filter) =>
      (await ethers.provider.getLogs(filter)).filter(({ topics }) => topics[2] !== grantee);
    const found = failures(await accept(await projectBuild(), { ...checked, provider, deployer })).map(
      ({ what }) => what,
    );
    expect(found).to.deep.equal([`${deployer} is timelock canceller`]);
  });
});

describe("the deployer", () => {
  it("is left nothing by genesis", async () => {
    const { checked } = await loadFixture(deployed);
    const checks = await accept(await projectBuild(), checked);
    expect(failures(checks)).to.deep.equal([]);
    expect(checks.filter(({ section }) => section === "Deployer")).to.have.length(10);
  });

  it("is found with TFT", async () => {
    const { checked, contracts, actors } = await loadFixture(deployed);
    await contracts.tft.connect(actors.treasury).transfer(actors.deployer, 1);
    const [failure, ...others] = failures(await accept(await projectBuild(), checked));
    expect(others).to.deep.equal([]);
    expect(failure).to.deep.include({ what: `TFT of ${actors.deployer.address}`, actual: "0.000000000000000001" });
  });

  for (const [power, holder] of [
    ["timelock proposer", "admin"],
    ["timelock canceller", "admin"],
    ["timelock executor", "admin"],
    ["guardian", "guardian"],
    ["signer", "signer"],
    ["operations treasury", "operations"],
    ["owner of teamVesting", "beneficiary"],
  ] as const) {
    it(`is found as ${power}, though the parameters say so`, async () => {
      const { checked, actors } = await loadFixture(deployed);
      const { admin, guardian, operations, oracleSigners, beneficiaries } = actors;
      const accounts = { admin, guardian, operations, signer: oracleSigners[0], beneficiary: beneficiaries[0] };
      const deployer = accounts[holder].address;
      const found = failures(await accept(await projectBuild(), { ...checked, deployer })).map(({ what, actual }) => [
        what,
        actual,
      ]);
      expect(found).to.deep.include([`${deployer} is ${power}`, "yes"]);
    });
  }
});
