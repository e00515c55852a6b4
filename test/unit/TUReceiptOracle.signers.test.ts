import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { ZeroAddress } from "ethers";
import { deployProtocolFixture } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { ROOT, submit, setSigners, scheduleRotation, wallets, addresses } from "../helpers/quorum";

describe("TUReceiptOracle", () => {
  describe("setSigners", () => {
    it("rejects everyone but the governor", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;

      for (const caller of [actors.admin, actors.guardian, actors.deployer]) {
        await expect(oracle.connect(caller).setSigners([...(await oracle.signers())], 3))
          .to.be.revertedWithCustomError(oracle, "Oracle_NotGovernor")
          .withArgs(caller.address);
      }
    });

    for (const count of [0, 3, 65]) {
      it(`rejects ${count} signers [T10]`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);

        await expect(setSigners(protocol, wallets(count), BigInt(count)))
          .to.be.revertedWithCustomError(protocol.contracts.oracle, "Oracle_SignerCountOutOfBounds")
          .withArgs(count, 4, 64);
      });
    }

    const refused: [quorum: bigint, count: number][] = [
      [0n, 4],
      [2n, 4],
      [5n, 4],
      [3n, 5],
      [4n, 6],
      [6n, 9],
      [42n, 64],
      [65n, 64],
    ];
    for (const [quorum, count] of refused) {
      it(`rejects a quorum of ${quorum} of ${count} [T10]`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);

        await expect(setSigners(protocol, wallets(count), quorum))
          .to.be.revertedWithCustomError(protocol.contracts.oracle, "Oracle_InvalidQuorum")
          .withArgs(quorum, count);
      });
    }

    for (const [quorum, count] of [
      [3n, 4],
      [4n, 4],
      [4n, 5],
      [5n, 6],
      [7n, 9],
      [43n, 64],
      [64n, 64],
    ] as const) {
      it(`takes a quorum of ${quorum} of ${count}`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { oracle } = protocol.contracts;
        const signers = wallets(count);

        await setSigners(protocol, signers, quorum);

        expect(await oracle.quorum()).to.equal(quorum);
        expect(await oracle.signers()).to.deep.equal(await addresses(signers));
      });
    }

    it("rejects a signer of zero, a duplicate and signers out of order [T12]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle, timelock } = contracts;
      const [a, b, c, d] = await addresses(wallets(4));
      const rejects = async (signers: string[], previous: string, signer: string) =>
        expect(asGovernor(timelock, actors.admin, await oracle.setSigners.populateTransaction(signers, 3)))
          .to.be.revertedWithCustomError(oracle, "Oracle_SignersNotAscending")
          .withArgs(previous, signer);

      await rejects([ZeroAddress, b, c, d], ZeroAddress, ZeroAddress);
      await rejects([a, b, b, d], b, b);
      await rejects([a, b, d, c], d, c);
    });

    it("names the new set under the next version", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle, timelock } = contracts;
      const signers = await addresses(wallets(5));

      await expect(asGovernor(timelock, actors.admin, await oracle.setSigners.populateTransaction(signers, 4)))
        .to.emit(oracle, "SignersSet")
        .withArgs(2, signers, 4);

      expect(await oracle.signerSetVersion()).to.equal(2);
    });

    it("notes the time, as a veto does, whichever came before", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle } = contracts;
      const rotate = await scheduleRotation(protocol);
      await submit(protocol);
      await oracle.connect(actors.guardian).veto(ROOT);
      expect(await oracle.lastHoldAt()).to.equal(await time.latest());

      await rotate();

      expect(await oracle.lastHoldAt()).to.equal(await time.latest());
    });

    it("raises the version for an unchanged set", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { oracle } = protocol.contracts;

      await (
        await scheduleRotation(protocol)
      )();

      expect(await oracle.signerSetVersion()).to.equal(2);
    });

    it("works while frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle } = contracts;
      await oracle.connect(actors.guardian).freeze();

      await (
        await scheduleRotation(protocol)
      )();

      expect(await oracle.signerSetVersion()).to.equal(2);
    });
  });
});
