import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import type { Signer } from "ethers";
import { ethers } from "hardhat";

import { PRODUCTION_MINING_END, RESERVE } from "../../src/supply";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { burnUpTo } from "../helpers/lifetime";
import { earn, startEpoch } from "../helpers/market";
import { impersonate, systemOf } from "../helpers/system";

const TFT = 10n ** 18n;

/** The controller, as if it had a key, and with some TFT of its own. */
async function brokenController({ contracts: { controller, tft }, actors }: Protocol): Promise<Signer> {
  const signer = await impersonate(controller);
  await tft.connect(actors.treasury).transfer(signer, 100n * TFT);
  return signer;
}

describe("EmissionVault", () => {
  describe("constructor", () => {
    it("refuses to exist without the reserve", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);

      await expect(ethers.deployContract("EmissionVault", [systemOf(contracts)]))
        .to.be.revertedWithCustomError(contracts.vault, "Vault_ReserveMissing")
        .withArgs(0n, RESERVE);
    });

    it("holds the reserve from genesis, all of it unreleased", async () => {
      const { tft, vault, controller } = (await loadFixture(deployProtocolFixture)).contracts;

      expect(await tft.balanceOf(vault)).to.equal(350_000_000n * TFT);
      expect(await vault.RESERVE()).to.equal(350_000_000n * TFT);
      expect(await vault.remaining()).to.equal(350_000_000n * TFT);
      expect(await vault.released()).to.equal(0n);
      expect(await vault.TFT()).to.equal(tft);
      expect(await vault.CONTROLLER()).to.equal(controller);
    });
  });

  describe("release", () => {
    it("refuses everyone but the controller", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);

      for (const caller of [actors.treasury, actors.deployer, actors.admin, actors.guardian, actors.operations]) {
        await expect(contracts.vault.connect(caller).release())
          .to.be.revertedWithCustomError(contracts.vault, "Vault_NotController")
          .withArgs(caller);
      }
    });

    it("pays even a broken controller nothing while nothing was burned", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault } = protocol.contracts;
      const controller = await brokenController(protocol);

      const release = vault.connect(controller).release();

      await expect(release).to.changeTokenBalances(tft, [vault, controller], [0n, 0n]);
      await expect(release).not.to.emit(vault, "Released");
      expect(await vault.released()).to.equal(0n);
    });

    it("pays 80 % of what was burned and not yet released, rounded down over all of it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault } = protocol.contracts;
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
        await expect(release).to.changeTokenBalances(tft, [vault, controller], [-amount, amount]);
        expect(await vault.released()).to.equal(entitlement);
        expect(await vault.remaining()).to.equal(RESERVE - entitlement);
      }
    });

    it("tells of what it pays, and returns it", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault } = protocol.contracts;
      const controller = await brokenController(protocol);
      await tft.connect(controller).burn(10n);
      await vault.connect(controller).release();
      await tft.connect(controller).burn(5n);

      expect(await vault.connect(controller).release.staticCall()).to.equal(4n);
      await expect(vault.connect(controller).release()).to.emit(vault, "Released").withArgs(4n, 12n);
    });

    it("pays nothing the second time for the same burn", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault } = protocol.contracts;
      const controller = await brokenController(protocol);
      await tft.connect(controller).burn(10n);
      await vault.connect(controller).release();

      await expect(vault.connect(controller).release()).to.changeTokenBalances(tft, [vault, controller], [0n, 0n]);
    });

    it("has paid all but a unit one unit before the end of production mining, and that one at the end", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault, controller } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END - 1n);

      expect(await vault.remaining()).to.equal(1n);
      expect(await tft.balanceOf(vault)).to.equal(1n);

      const { miners, treasury } = protocol.actors;
      const epoch = await earn(protocol, [{ asset: tft, amount: 1n, miner: miners[0], payer: treasury }]);
      await startEpoch(protocol);
      await expect(controller.burnEpoch(epoch)).to.emit(vault, "Released").withArgs(1n, RESERVE);

      expect(await vault.remaining()).to.equal(0n);
      expect(await tft.balanceOf(vault)).to.equal(0n);
    });

    it("pays no more than the reserve, however much is burned and whoever has sent it more", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault } = protocol.contracts;
      await burnUpTo(protocol, PRODUCTION_MINING_END);
      await tft.connect(protocol.actors.treasury).transfer(vault, 100n * TFT);
      const controller = await brokenController(protocol);
      await tft.connect(controller).burn(100n * TFT);

      await expect(vault.connect(controller).release()).to.changeTokenBalances(tft, [vault, controller], [0n, 0n]);
      expect(await vault.released()).to.equal(RESERVE);
    });

    it("pays the same when someone has sent it TFT", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, vault } = protocol.contracts;
      const controller = await brokenController(protocol);
      await tft.connect(protocol.actors.treasury).transfer(vault, 7n * TFT);
      await tft.connect(controller).burn(10n);

      await expect(vault.connect(controller).release()).to.changeTokenBalances(tft, [vault, controller], [-8n, 8n]);
      expect(await vault.remaining()).to.equal(RESERVE - 8n);
    });
  });
});
