import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

import { loadFixture, setCode } from "@nomicfoundation/hardhat-network-helpers";
import { type DeploymentParameters, validateParameters } from "@turingfog/operator";
import { expect } from "chai";
import { id, parseUnits, ZeroAddress, ZeroHash } from "ethers";
import { ethers, ignition } from "hardhat";
import JSON5 from "json5";

import { deploySystem } from "../../deploy/inProcess";
import Filler from "../../deploy/modules/Filler";
import FillerV4 from "../../deploy/modules/FillerV4";
import { fillIn } from "../helpers/blanks";
import { DAI_REFERENCE_PRICE, deployProtocolFixture, USD_REFERENCE_PRICE } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";

const PARAMETERS = path.join(__dirname, "../../deploy/parameters");
const RESERVE = parseUnits("350000000", 18);
const ROLES = {
  admin: ZeroHash,
  proposer: id("PROPOSER_ROLE"),
  executor: id("EXECUTOR_ROLE"),
  canceller: id("CANCELLER_ROLE"),
};

/** The parameters of a network, its blanks filled in with ascending accounts, a price and a time. */
function filledIn(network: string): DeploymentParameters {
  const text = readFileSync(path.join(PARAMETERS, `${network}.json5`), "utf8");
  return validateParameters(JSON5.parse(fillIn(text)));
}

describe("deployment", () => {
  describe("supply", () => {
    it("mints the reserve to the vault and each allocation to its holder, and nothing else", async () => {
      const { contracts, params } = await loadFixture(deployProtocolFixture);
      const { tft, vault, vestings } = contracts;
      const wallets = await Promise.all(vestings.map((wallet) => wallet.getAddress()));
      const expected = [[await vault.getAddress(), RESERVE]];
      for (const allocation of params.allocations) {
        const holder = "holder" in allocation ? allocation.holder : wallets.shift();
        expected.push([holder ?? ZeroAddress, allocation.amount]);
      }

      const minted = await tft.queryFilter(tft.filters.Transfer(ZeroAddress));
      expect(minted.map(({ args }) => [args.to, args.value])).to.deep.equal(expected);
      expect(await tft.totalSupply()).to.equal(parseUnits("1000000000", 18));
      expect(await tft.burned()).to.equal(0);
    });

    it("has the reserve in the vault, none of it released", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      expect(await contracts.tft.balanceOf(contracts.vault)).to.equal(RESERVE);
      expect(await contracts.vault.remaining()).to.equal(RESERVE);
      expect(await contracts.vault.released()).to.equal(0);
    });

    it("has each vesting allocation in a wallet on the parameters' terms", async () => {
      const { contracts, params } = await loadFixture(deployProtocolFixture);
      const vested = params.allocations.flatMap((allocation) => ("vesting" in allocation ? [allocation] : []));
      expect(contracts.vestings).to.have.length(vested.length);
      for (const [i, { amount, vesting }] of vested.entries()) {
        const wallet = contracts.vestings[i];
        expect(await contracts.tft.balanceOf(wallet)).to.equal(amount);
        expect(await wallet.owner()).to.equal(vesting.beneficiary);
        expect(await wallet.start()).to.equal(vesting.start);
        expect(await wallet.duration()).to.equal(vesting.duration);
        expect(await wallet.cliff()).to.equal(vesting.start + vesting.cliff);
      }
    });
  });

  describe("references", () => {
    it("wires the contracts to each other and to the governor", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const { tft, vault, oracle, registry, pool, controller, escrow, timelock, renderer } = contracts;
      const references = [
        [tft.CONTROLLER(), controller],
        [vault.GOVERNOR(), timelock],
        [vault.TFT(), tft],
        [vault.ORACLE(), oracle],
        [vault.REGISTRY(), registry],
        [vault.POOL(), pool],
        [vault.CONTROLLER(), controller],
        [vault.ESCROW(), escrow],
        [oracle.GOVERNOR(), timelock],
        [registry.ORACLE(), oracle],
        [registry.ESCROW(), escrow],
        [pool.TFT(), tft],
        [pool.CONTROLLER(), controller],
        [pool.ESCROW(), escrow],
        [controller.TFT(), tft],
        [controller.VAULT(), vault],
        [controller.POOL(), pool],
        [controller.ESCROW(), escrow],
        [escrow.GOVERNOR(), timelock],
        [escrow.ORACLE(), oracle],
        [escrow.REGISTRY(), registry],
        [escrow.CONTROLLER(), controller],
        [escrow.POOL(), pool],
        [escrow.RENDERER(), renderer],
      ] as const;
      for (const [reference, contract] of references) expect(await reference).to.equal(await contract.getAddress());
    });
  });

  describe("parameters", () => {
    it("sets every time", async () => {
      const { contracts, params } = await loadFixture(deployProtocolFixture);
      expect(await contracts.timelock.getMinDelay()).to.equal(params.governor.minDelay);
      expect(await contracts.pool.EPOCH_LENGTH()).to.equal(params.epochLength);
      expect(await contracts.controller.AUCTION_PERIOD()).to.equal(params.auctionPeriod);
      expect(await contracts.oracle.VETO_WINDOW()).to.equal(params.vetoWindow);
      expect(await contracts.escrow.GRACE()).to.equal(params.grace);
    });

    it("names guardian, signers, quorum and the operations treasury with its share", async () => {
      const { contracts, params } = await loadFixture(deployProtocolFixture);
      expect(await contracts.oracle.guardian()).to.equal(params.guardian);
      expect(await contracts.oracle.signers()).to.deep.equal(params.signers);
      expect(await contracts.oracle.quorum()).to.equal(params.quorum);
      expect(await contracts.oracle.signerSetVersion()).to.equal(1);
      expect(await contracts.vault.operationsTreasury()).to.equal(params.operations.treasury);
      expect(await contracts.vault.operationsShare()).to.equal(params.operations.share);
    });

    it("lists TFT first and then the assets with their reference prices, and no other", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const { controller, escrow, tft, usd, dai } = contracts;
      const [tftAddress, usdAddress, daiAddress] = await Promise.all([tft, usd, dai].map((each) => each.getAddress()));

      const listed = await escrow.queryFilter(escrow.filters.AssetListed());
      expect(listed.map(({ args }) => [args.asset, args.index])).to.deep.equal([
        [tftAddress, 1n],
        [usdAddress, 2n],
        [daiAddress, 3n],
      ]);
      const auctions = await controller.queryFilter(controller.filters.AuctionCreated());
      expect(auctions.map(({ args }) => [args.asset, args.decimals, args.referencePrice])).to.deep.equal([
        [usdAddress, 6n, USD_REFERENCE_PRICE],
        [daiAddress, 18n, DAI_REFERENCE_PRICE],
      ]);
    });
  });

  describe("powers", () => {
    it("gives the timelock's roles to the parameters' proposers and executors, and its administration to itself [T30]", async () => {
      const { contracts, params } = await loadFixture(deployProtocolFixture);
      const { timelock } = contracts;
      const granted = await timelock.queryFilter(timelock.filters.RoleGranted());
      expect(granted.map(({ args }) => [args.role, args.account])).to.have.deep.members([
        [ROLES.admin, await timelock.getAddress()],
        ...params.governor.proposers.flatMap((account) => [
          [ROLES.proposer, account],
          [ROLES.canceller, account],
        ]),
        ...params.governor.executors.map((account) => [ROLES.executor, account]),
      ]);
    });

    it("lets the governor act through the timelock once its delay has passed", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const call = await contracts.oracle.setGuardian.populateTransaction(actors.stranger);
      await expect(asGovernor(contracts.timelock, actors.admin, call))
        .to.emit(contracts.oracle, "GuardianSet")
        .withArgs(actors.guardian, actors.stranger);
    });

    it("leaves the deployer and Genesis with no role, no token and no wallet [T30]", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      for (const account of [actors.deployer.address, await contracts.genesis.getAddress()]) {
        for (const role of Object.values(ROLES))
          expect(await contracts.timelock.hasRole(role, account)).to.equal(false);
        expect(await contracts.tft.balanceOf(account)).to.equal(0);
        expect(await contracts.oracle.guardian()).to.not.equal(account);
        expect(await contracts.oracle.signers()).to.not.include(account);
        expect(await contracts.vault.operationsTreasury()).to.not.equal(account);
        for (const wallet of contracts.vestings) expect(await wallet.owner()).to.not.equal(account);
      }
    });

    it("refuses the deployer whatever the governor, the guardian or a contract may do [T30]", async () => {
      const { contracts, actors, params } = await loadFixture(deployProtocolFixture);
      const { oracle, escrow, tft, vault, pool, timelock } = contracts;
      const me = actors.deployer.address;

      await expect(oracle.setSigners(params.signers, 4))
        .to.be.revertedWithCustomError(oracle, "Oracle_NotGovernor")
        .withArgs(me);
      await expect(oracle.setGuardian(me)).to.be.revertedWithCustomError(oracle, "Oracle_NotGovernor").withArgs(me);
      await expect(oracle.freeze()).to.be.revertedWithCustomError(oracle, "Oracle_NotGuardian").withArgs(me);
      await expect(vault.setOperations(me, 2_000))
        .to.be.revertedWithCustomError(vault, "Vault_NotGovernor")
        .withArgs(me);
      await expect(escrow.listAsset(me, 1)).to.be.revertedWithCustomError(escrow, "Escrow_NotGovernor").withArgs(me);
      await expect(escrow.delistAsset(tft)).to.be.revertedWithCustomError(escrow, "Escrow_NotGovernor").withArgs(me);
      await expect(tft.burn(0)).to.be.revertedWithCustomError(tft, "TFT_NotController").withArgs(me);
      await expect(vault.release()).to.be.revertedWithCustomError(vault, "Vault_NotController").withArgs(me);
      await expect(pool.addReward(0, 0, true))
        .to.be.revertedWithCustomError(pool, "Pool_NotController")
        .withArgs(me);
      await expect(timelock.schedule(escrow, 0, "0x", ZeroHash, ZeroHash, params.governor.minDelay))
        .to.be.revertedWithCustomError(timelock, "AccessControlUnauthorizedAccount")
        .withArgs(me, ROLES.proposer);
      await expect(timelock.grantRole(ROLES.proposer, me))
        .to.be.revertedWithCustomError(timelock, "AccessControlUnauthorizedAccount")
        .withArgs(me, ROLES.admin);
    });
  });

  describe("networks", () => {
    const files = readdirSync(path.join(__dirname, "../../deploy/parameters")).map((file) => path.parse(file).name);
    for (const network of files.filter((name) => name !== "local")) {
      it(`deploys with the parameters of ${network}, once they are filled in`, async () => {
        const { contracts: test } = await loadFixture(deployProtocolFixture);
        const parameters = filledIn(network);
        const stablecoin = await ethers.provider.getCode(test.usd);
        for (const { address } of parameters.assets) await setCode(address, stablecoin);

        const { contracts, vestings } = await deploySystem(parameters);
        expect(await contracts.tft.balanceOf(contracts.vault)).to.equal(RESERVE);
        expect(await contracts.oracle.signers()).to.deep.equal(parameters.signers);
        for (const { address } of parameters.assets) expect(await contracts.escrow.isListed(address)).to.equal(true);
        for (const allocation of parameters.allocations) {
          const holder = "holder" in allocation ? allocation.holder : vestings[allocation.name];
          expect(await contracts.tft.balanceOf(holder)).to.equal(allocation.amount);
        }
      });
    }
  });

  describe("Filler", () => {
    it("deploys a filler for the controller and a factory", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const controller = await contracts.controller.getAddress();
      const factory = actors.stranger.address;
      const { filler } = await ignition.deploy(Filler, { parameters: { Filler: { controller, factory } } });

      const deployed = await ethers.getContractAt("UniswapV3BuybackFiller", await filler.getAddress());
      expect(await deployed.CONTROLLER()).to.equal(controller);
      expect(await deployed.FACTORY()).to.equal(factory);
      expect(await deployed.TFT()).to.equal(await contracts.tft.getAddress());
    });
  });

  describe("FillerV4", () => {
    it("deploys a filler for the controller and a PoolManager", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const controller = await contracts.controller.getAddress();
      const poolManager = actors.stranger.address;
      const { filler } = await ignition.deploy(FillerV4, { parameters: { FillerV4: { controller, poolManager } } });

      const deployed = await ethers.getContractAt("UniswapV4BuybackFiller", await filler.getAddress());
      expect(await deployed.CONTROLLER()).to.equal(controller);
      expect(await deployed.POOL_MANAGER()).to.equal(poolManager);
      expect(await deployed.TFT()).to.equal(await contracts.tft.getAddress());
    });
  });
});
