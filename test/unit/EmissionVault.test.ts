import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { PRODUCTION_MINING_END, RESERVE, WAD as TFT } from "@turingfog/sdk";
import { expect } from "chai";
import { type Signer, ZeroAddress } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { burnUpTo } from "../helpers/lifetime";
import { earn, startEpoch } from "../helpers/market";
import { impersonate, systemOf } from "../helpers/system";

/** The controller, as if it had a key, and with some TFT of its own. */
async function brokenController({ contracts: { controller, tft }, actors }: Protocol): Promise<Signer> {
  const signer = await impersonate(controller);
  await tft.connect(actors.treasury).transfer(signer, 100n * TFT);
  return signer;
}

describe("EmissionVault", () => {
  describe("constructor", () => {
    it("refuses an operations treasury that is a contract of the protocol", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);

      await expect(ethers.deployContract("EmissionVault", [systemOf(contracts), contracts.pool, 0n]))
        .to.be.revertedWithCustomError(contracts.vault, "Vault_InvalidTreasury")
        .withArgs(contracts.pool);
    });

    it("refuses an operations share above 20 %", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);

      await expect(ethers.deployContract("EmissionVault", [systemOf(contracts), actors.operations, 2_001n]))
        .to.be.revertedWithCustomError(contracts.vault, "Vault_ShareTooHigh")
        .withArgs(2_001n, 2_000n);
    });

    it("holds the reserve from genesis, all of it unreleased [T28]", async () => {
      const { tft, vault } = (await loadFixture(deployProtocolFixture)).contracts;

      expect(await tft.balanceOf(vault)).to.equal(350_000_000n * TFT);
      expect(await vault.RESERVE()).to.equal(350_000_000n * TFT);
      expect(await vault.remaining()).to.equal(350_000_000n * TFT);
      expect(await vault.released()).to.equal(0n);
      expect(await vault.operationsOwed()).to.equal(0n);
    });

    it("knows its governor and the contracts of the system", async () => {
      const { timelock, tft, vault, oracle, registry, pool, controller, escrow } = (
        await loadFixture(deployProtocolFixture)
      ).contracts;

      expect(await vault.GOVERNOR()).to.equal(timelock);
      expect(await vault.TFT()).to.equal(tft);
      expect(await vault.ORACLE()).to.equal(oracle);
      expect(await vault.REGISTRY()).to.equal(registry);
      expect(await vault.POOL()).to.equal(pool);
      expect(await vault.CONTROLLER()).to.equal(controller);
      expect(await vault.ESCROW()).to.equal(escrow);
      expect(await vault.MAX_OPERATIONS_SHARE()).to.equal(2_000n);
    });

    it("sets the operations of the plan, and tells of it", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { vault } = contracts;

      const events = await vault.queryFilter(vault.filters.OperationsSet());

      expect(events.map(({ args }) => [...args])).to.deep.equal([[ZeroAddress, 0n, actors.operations.address, 1_000n]]);
      expect(await vault.operationsTreasury()).to.equal(actors.operations);
      expect(await vault.operationsShare()).to.equal(1_000n);
    });
  });

  describe("release", () => {
    it("refuses everyone but the controller [T27]", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);

      for (const caller of [actors.treasury, actors.deployer, actors.admin, actors.guardian, actors.operations]) {
        await expect(contracts.vault.connect(caller).release())
          .to.be.revertedWithCustomError(contracts.vault, "Vault_NotController")
          .withArgs(caller);
      }
    });

    it("pays even a broken controller nothing while nothing was burned [T27]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault, pool } = protocol.contracts;
      const controller = await brokenController(protocol);

      const release = vault.connect(controller).release();

      await expect(release).to.changeTokenBalances(tft, [vault, controller, pool], [0n, 0n, 0n]);
      await expect(release).not.to.emit(vault, "Released");
      expect(await vault.released()).to.equal(0n);
    });

    it("pays 80 % of what was burned and not yet released, rounded down over all of it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault, pool } = protocol.contracts;
      const controller = await brokenController(protocol);

      // ⌊0.8 · burned⌋ for 1 to 6 units burned
      for (const [entitlement, amount] of [
        [0n, 0n],
        [1n, 1n],
        [2n, 1n],
        [3n, 1n],
        [4n, 1n],
        [4n, 0n],
      ]) {
        await tft.connect(controller).burn(1n);
        const release = vault.connect(controller).release();
        await expect(release).to.changeTokenBalances(tft, [vault, pool], [-amount, amount]);
        expect(await vault.released()).to.equal(entitlement);
        expect(await vault.remaining()).to.equal(RESERVE - entitlement);
      }
    });

    it("keeps operations' share, rounded down, pays the pool the rest, tells of it and returns it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault, pool } = protocol.contracts;
      const controller = await brokenController(protocol);
      await tft.connect(controller).burn(10n);
      await vault.connect(controller).release();
      await tft.connect(controller).burn(36n);

      // ⌊0.8 · 46⌋ is 36, of which 8 are released already
      expect(await vault.connect(controller).release.staticCall()).to.deep.equal([28n, 2n]);
      const release = vault.connect(controller).release();
      await expect(release).to.changeTokenBalances(tft, [vault, pool, controller], [-26n, 26n, 0n]);
      await expect(release).to.emit(vault, "Released").withArgs(28n, 2n, 36n);
      expect(await vault.operationsOwed()).to.equal(2n);
    });

    it("pays nothing the second time for the same burn [T27]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault, pool } = protocol.contracts;
      const controller = await brokenController(protocol);
      await tft.connect(controller).burn(10n);
      await vault.connect(controller).release();

      await expect(vault.connect(controller).release()).to.changeTokenBalances(tft, [vault, pool], [0n, 0n]);
    });

    it("has paid all but a unit one unit before the end of production mining, and that one at the end [T27]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault, controller } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END - 1n);
      await vault.payOperations();

      expect(await vault.remaining()).to.equal(1n);
      expect(await tft.balanceOf(vault)).to.equal(1n);

      const { miners, treasury } = protocol.actors;
      const round = await earn(protocol, [{ asset: tft, amount: 1n, miner: miners[0], payer: treasury }]);
      await startEpoch(protocol);
      await expect(controller.burn(round)).to.emit(vault, "Released").withArgs(1n, 0n, RESERVE);

      expect(await vault.remaining()).to.equal(0n);
      expect(await tft.balanceOf(vault)).to.equal(0n);
    });

    it("pays no more than the reserve, however much is burned and whoever has sent it more [T27]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault, pool } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END);
      await tft.connect(protocol.actors.treasury).transfer(vault, 100n * TFT);
      const controller = await brokenController(protocol);
      await tft.connect(controller).burn(100n * TFT);

      await expect(vault.connect(controller).release()).to.changeTokenBalances(tft, [vault, pool], [0n, 0n]);
      expect(await vault.released()).to.equal(RESERVE);
    });

    it("pays the same when someone has sent it TFT [T25]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault, pool } = protocol.contracts;
      const controller = await brokenController(protocol);
      await tft.connect(protocol.actors.treasury).transfer(vault, 7n * TFT);
      await tft.connect(controller).burn(10n);

      await expect(vault.connect(controller).release()).to.changeTokenBalances(tft, [vault, pool], [-8n, 8n]);
      expect(await vault.remaining()).to.equal(RESERVE - 8n);
    });
  });

  describe("payOperations", () => {
    it("pays the treasury what was kept for it, and nothing out of the reserve, whoever calls", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault } = protocol.contracts;
      const { operations, stranger } = protocol.actors;
      const controller = await brokenController(protocol);
      for (const burned of [1_000n, 50n]) {
        await tft.connect(controller).burn(burned);
        await vault.connect(controller).release();
      }

      expect(await vault.connect(stranger).payOperations.staticCall()).to.equal(84n);
      const payment = vault.connect(stranger).payOperations();
      await expect(payment).to.changeTokenBalances(tft, [vault, operations, stranger], [-84n, 84n, 0n]);
      await expect(payment).to.emit(vault, "OperationsPaid").withArgs(operations, 84n);

      expect(await vault.operationsOwed()).to.equal(0n);
      expect(await vault.operationsShare()).to.equal(1_000n);
      expect(await vault.released()).to.equal(840n);
      expect(await tft.balanceOf(vault)).to.equal(RESERVE - 840n);
    });

    it("pays nothing when nothing is owed, be there whatever in the vault", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault } = protocol.contracts;
      const { operations, treasury } = protocol.actors;
      await tft.connect(treasury).transfer(vault, 7n * TFT);

      const payment = vault.payOperations();

      await expect(payment).to.changeTokenBalances(tft, [vault, operations], [0n, 0n]);
      await expect(payment).to.emit(vault, "OperationsPaid").withArgs(operations, 0n);
    });

    it("pays the treasury of the moment", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { tft, vault, timelock } = contracts;
      const controller = await brokenController(protocol);
      await tft.connect(controller).burn(1_000n);
      await vault.connect(controller).release();
      const call = await vault.setOperations.populateTransaction(actors.stranger, 1_000n);
      await asGovernor(timelock, actors.admin, call);

      await expect(vault.payOperations()).to.changeTokenBalances(
        tft,
        [vault, actors.operations, actors.stranger],
        [-80n, 0n, 80n],
      );
    });
  });

  describe("setOperations", () => {
    it("refuses everyone but the governor", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { vault } = contracts;

      for (const caller of [actors.admin, actors.guardian, actors.operations, actors.deployer, actors.stranger]) {
        await expect(vault.connect(caller).setOperations(caller, 0n))
          .to.be.revertedWithCustomError(vault, "Vault_NotGovernor")
          .withArgs(caller);
      }
    });

    for (const name of ["controller", "tft", "vault", "pool", "oracle", "registry", "escrow"] as const) {
      it(`refuses the ${name} as the treasury`, async () => {
        const { contracts, actors } = await loadFixture(deployProtocolFixture);
        const { vault, timelock } = contracts;
        const call = await vault.setOperations.populateTransaction(contracts[name], 1_000n);

        await expect(asGovernor(timelock, actors.admin, call))
          .to.be.revertedWithCustomError(vault, "Vault_InvalidTreasury")
          .withArgs(contracts[name]);
      });
    }

    it("refuses the zero address as the treasury", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { vault, timelock } = contracts;
      const call = await vault.setOperations.populateTransaction(ZeroAddress, 1_000n);

      await expect(asGovernor(timelock, actors.admin, call))
        .to.be.revertedWithCustomError(vault, "Vault_InvalidTreasury")
        .withArgs(ZeroAddress);
    });

    it("refuses a share of 2,001 basis points", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { vault, timelock } = contracts;
      const call = await vault.setOperations.populateTransaction(actors.operations, 2_001n);

      await expect(asGovernor(timelock, actors.admin, call))
        .to.be.revertedWithCustomError(vault, "Vault_ShareTooHigh")
        .withArgs(2_001n, 2_000n);
    });

    for (const share of [0n, 2_000n]) {
      it(`takes another treasury and a share of ${share} basis points, and keeps that of later releases`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { contracts, actors } = protocol;
        const { tft, vault, timelock } = contracts;
        const controller = await brokenController(protocol);
        await tft.connect(controller).burn(1_000n);
        await vault.connect(controller).release();
        const call = await vault.setOperations.populateTransaction(actors.stranger, share);

        await expect(asGovernor(timelock, actors.admin, call))
          .to.emit(vault, "OperationsSet")
          .withArgs(actors.operations, 1_000n, actors.stranger, share);

        expect(await vault.operationsTreasury()).to.equal(actors.stranger);
        expect(await vault.operationsShare()).to.equal(share);
        expect(await vault.operationsOwed()).to.equal(80n);
        expect(await vault.released()).to.equal(800n);
        await tft.connect(controller).burn(1_000n);
        await vault.connect(controller).release();
        expect(await vault.operationsOwed()).to.equal(80n + (800n * share) / 10_000n);
      });
    }
  });
});
