import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import type { Allocation, Vesting } from "@turingfog/operator";
import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { ethers } from "hardhat";

import type { VestedAllocation } from "../../typechain-types";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";

/** The first allocation that vests, with its wallet. */
function team({ contracts, params }: Protocol): { wallet: VestedAllocation; amount: bigint; vesting: Vesting } {
  const isVested = (allocation: Allocation) => "vesting" in allocation;
  const { amount, vesting } = params.allocations.find(isVested) as Allocation & { vesting: Vesting };
  return { wallet: contracts.vestings[0], amount, vesting };
}

describe("VestedAllocation", () => {
  describe("constructor", () => {
    it("refuses a beneficiary of zero", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const [wallet] = contracts.vestings;
      await expect(ethers.deployContract("VestedAllocation", [ZeroAddress, 0, 1, 0]))
        .to.be.revertedWithCustomError(wallet, "OwnableInvalidOwner")
        .withArgs(ZeroAddress);
    });

    it("refuses a cliff beyond the duration", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const [wallet] = contracts.vestings;
      await expect(ethers.deployContract("VestedAllocation", [actors.stranger, 0, 100, 101]))
        .to.be.revertedWithCustomError(wallet, "InvalidCliffDuration")
        .withArgs(101, 100);
    });
  });

  describe("release", () => {
    it("pays nothing one second before the cliff", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { wallet, vesting } = team(protocol);
      const { tft } = protocol.contracts;
      await time.setNextBlockTimestamp(vesting.start + vesting.cliff - 1n);
      await expect(wallet["release(address)"](tft)).to.changeTokenBalance(tft, wallet, 0);
    });

    it("pays at the cliff what has vested since the start, to the beneficiary whoever calls", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { wallet, amount, vesting } = team(protocol);
      const { tft } = protocol.contracts;
      const vested = (amount * vesting.cliff) / vesting.duration;
      await time.setNextBlockTimestamp(vesting.start + vesting.cliff);
      await expect(wallet.connect(protocol.actors.stranger)["release(address)"](tft)).to.changeTokenBalances(
        tft,
        [wallet, protocol.actors.beneficiaries[0], protocol.actors.stranger],
        [-vested, vested, 0],
      );
    });

    it("pays linearly after the cliff, less what was paid", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { wallet, amount, vesting } = team(protocol);
      const { tft } = protocol.contracts;
      await time.setNextBlockTimestamp(vesting.start + vesting.cliff);
      await wallet["release(address)"](tft);
      const paid = await tft.balanceOf(vesting.beneficiary);

      const elapsed = vesting.duration / 2n + 1n;
      await time.setNextBlockTimestamp(vesting.start + elapsed);
      await wallet["release(address)"](tft);
      expect(await tft.balanceOf(vesting.beneficiary)).to.equal((amount * elapsed) / vesting.duration);
      expect(paid).to.equal((amount * vesting.cliff) / vesting.duration);
    });

    it("pays the rest when the duration has passed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { wallet, amount, vesting } = team(protocol);
      const { tft } = protocol.contracts;
      await time.setNextBlockTimestamp(vesting.start + vesting.duration);
      await expect(wallet["release(address)"](tft)).to.changeTokenBalances(
        tft,
        [wallet, protocol.actors.beneficiaries[0]],
        [-amount, amount],
      );
    });
  });
});
