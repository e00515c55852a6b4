import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { BURNING_END, NOMINAL_SUPPLY, RESERVE, ULTIMATE_SUPPLY, WAD as TFT } from "@turingfog/sdk";
import { PERMIT_TYPES, readDomain } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { MaxUint256, Signature, type Signer, verifyTypedData, ZeroAddress } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { burnUpTo } from "../helpers/lifetime";
import { earn, startEpoch } from "../helpers/market";
import { impersonate, systemOf } from "../helpers/system";

/** A permit of 1 TFT from the bidder to the stranger. */
function permitOf({ actors }: Protocol, deadline: bigint, nonce: bigint) {
  return { owner: actors.bidder.address, spender: actors.stranger.address, value: TFT, nonce, deadline };
}

/** The bidder's first permit, as someone has signed it. */
async function signPermit(protocol: Protocol, deadline: bigint, signer: Signer): Promise<Signature> {
  const domain = await readDomain(protocol.contracts.tft);
  return Signature.from(await signer.signTypedData(domain, PERMIT_TYPES, permitOf(protocol, deadline, 0n)));
}

describe("TFT", () => {
  describe("constructor", () => {
    for (const [name, off] of [
      ["a unit less", -1n],
      ["a unit more", 1n],
    ] as const) {
      it(`refuses allocations that sum up to ${name} than the nominal supply [T26]`, async () => {
        const { contracts, actors } = await loadFixture(deployProtocolFixture);
        const allocation = { holder: actors.stranger, amount: NOMINAL_SUPPLY - RESERVE + off };

        await expect(ethers.deployContract("TFT", [systemOf(contracts), [allocation]]))
          .to.be.revertedWithCustomError(contracts.tft, "TFT_AllocationsDoNotSum")
          .withArgs(NOMINAL_SUPPLY + off, NOMINAL_SUPPLY);
      });
    }

    it("mints the nominal supply: the reserve to the vault, the rest to the allocations [T26]", async () => {
      const { contracts, actors, params } = await loadFixture(deployProtocolFixture);
      const { tft, vault, vestings, controller } = contracts;

      const minted = await tft.queryFilter(tft.filters.Transfer(ZeroAddress));

      const holders = [vault, actors.treasury, ...vestings];
      expect(minted.map(({ args }) => args.to)).to.deep.equal(
        await Promise.all(holders.map((holder) => holder.getAddress())),
      );
      expect(minted.map(({ args }) => args.value)).to.deep.equal([
        350_000_000n * TFT,
        ...params.allocations.map(({ amount }) => amount),
      ]);
      expect(await tft.totalSupply()).to.equal(1_000_000_000n * TFT);
      expect(await tft.CONTROLLER()).to.equal(controller);
    });

    it("is named Turing Fog Token, with 18 decimals", async () => {
      const { tft } = (await loadFixture(deployProtocolFixture)).contracts;

      expect(await tft.name()).to.equal("Turing Fog Token");
      expect(await tft.symbol()).to.equal("TFT");
      expect(await tft.decimals()).to.equal(18n);
      expect(await tft.NOMINAL_SUPPLY()).to.equal(1_000_000_000n * TFT);
      expect(await tft.ULTIMATE_SUPPLY()).to.equal(100_000_000n * TFT);
    });

    it("changes state through ERC-20, ERC-2612 and burn, and through nothing else [T26]", async () => {
      const { interface: tft } = await ethers.getContractFactory("TFT");
      const functions = tft.fragments.flatMap((fragment) =>
        "stateMutability" in fragment && "name" in fragment && fragment.stateMutability !== "view"
          ? [`${String(fragment.name)} ${String(fragment.stateMutability)}`]
          : [],
      );

      expect(functions.filter((signature) => !signature.endsWith(" pure")).sort()).to.deep.equal([
        "approve nonpayable",
        "burn nonpayable",
        "permit nonpayable",
        "transfer nonpayable",
        "transferFrom nonpayable",
      ]);
    });
  });

  describe("burn", () => {
    it("refuses everyone but the controller [T26]", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);

      for (const caller of [actors.treasury, actors.deployer, actors.admin, actors.guardian]) {
        await expect(contracts.tft.connect(caller).burn(1n))
          .to.be.revertedWithCustomError(contracts.tft, "TFT_NotController")
          .withArgs(caller);
      }
    });

    it("burns nobody's balance but the controller's own [T26]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, controller } = protocol.contracts;

      await expect(tft.connect(await impersonate(controller)).burn(1n))
        .to.be.revertedWithCustomError(tft, "ERC20InsufficientBalance")
        .withArgs(controller, 0n, 1n);
    });

    it("refuses even the controller the first unit below the ultimate supply [T26]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, controller } = protocol.contracts;
      await burnUpTo(protocol, BURNING_END);
      await tft.connect(protocol.actors.treasury).transfer(controller, 1n);

      await expect(tft.connect(await impersonate(controller)).burn(1n))
        .to.be.revertedWithCustomError(tft, "TFT_BelowUltimateSupply")
        .withArgs(ULTIMATE_SUPPLY - 1n, ULTIMATE_SUPPLY);
    });

    it("burns the last unit above the ultimate supply", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft, controller } = protocol.contracts;
      await burnUpTo(protocol, BURNING_END - 1n);
      await tft.connect(protocol.actors.treasury).transfer(controller, 1n);

      await tft.connect(await impersonate(controller)).burn(1n);

      expect(await tft.totalSupply()).to.equal(ULTIMATE_SUPPLY);
    });

    it("lowers the total supply and counts what was burned", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { tft, controller } = contracts;
      const amount = 5n * TFT;
      const round = await earn(protocol, [{ asset: tft, amount, miner: actors.miners[0] }]);
      await startEpoch(protocol);

      await expect(controller.burn(round)).to.emit(tft, "Transfer").withArgs(controller, ZeroAddress, amount);

      expect(await tft.burned()).to.equal(amount);
      expect(await tft.totalSupply()).to.equal(NOMINAL_SUPPLY - amount);
    });
  });

  describe("permit", () => {
    it("refuses a permit after its deadline", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const deadline = BigInt(await time.latest());
      const { v, r, s } = await signPermit(protocol, deadline, actors.bidder);

      await expect(contracts.tft.permit(actors.bidder, actors.stranger, TFT, deadline, v, r, s))
        .to.be.revertedWithCustomError(contracts.tft, "ERC2612ExpiredSignature")
        .withArgs(deadline);
    });

    it("refuses a permit that its owner has not signed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { v, r, s } = await signPermit(protocol, MaxUint256, actors.stranger);

      await expect(contracts.tft.permit(actors.bidder, actors.stranger, TFT, MaxUint256, v, r, s))
        .to.be.revertedWithCustomError(contracts.tft, "ERC2612InvalidSigner")
        .withArgs(actors.stranger, actors.bidder);
    });

    it("refuses a permit that was used before", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft } = protocol.contracts;
      const { bidder, stranger } = protocol.actors;
      const signature = await signPermit(protocol, MaxUint256, bidder);
      const { v, r, s } = signature;
      await tft.permit(bidder, stranger, TFT, MaxUint256, v, r, s);

      // whoever would have had to sign the next permit for this to be his signature
      const nextPermit = permitOf(protocol, MaxUint256, 1n);
      const nobody = verifyTypedData(await readDomain(tft), PERMIT_TYPES, nextPermit, signature);
      await expect(tft.permit(bidder, stranger, TFT, MaxUint256, v, r, s))
        .to.be.revertedWithCustomError(tft, "ERC2612InvalidSigner")
        .withArgs(nobody, bidder);
    });

    it("sets the allowance that was signed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { tft } = protocol.contracts;
      const { bidder, stranger } = protocol.actors;
      const { v, r, s } = await signPermit(protocol, MaxUint256, bidder);

      await expect(tft.permit(bidder, stranger, TFT, MaxUint256, v, r, s))
        .to.emit(tft, "Approval")
        .withArgs(bidder, stranger, TFT);

      expect(await tft.allowance(bidder, stranger)).to.equal(TFT);
      expect(await tft.nonces(bidder)).to.equal(1n);
    });
  });
});
