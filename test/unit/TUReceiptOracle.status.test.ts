import { loadFixture, setCode, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, RootStatus } from "@turingfog/sdk";
import { type Signature, structHash } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { type Addressable, id, type Signer } from "ethers";
import { ethers } from "hardhat";
import { deploySystem } from "../../deploy/inProcess";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import {
  FREEZE_DURATION,
  FREEZE_INTERVAL,
  ROOT,
  DATA_HASH,
  sign,
  submit,
  scheduleRotation,
  addresses,
} from "../helpers/quorum";

/** A contract that signs by ERC-1271 as one of five signers, four of whom must sign; `owner` signs for it. */
async function withWallet(protocol: Protocol) {
  const { actors } = protocol;
  const [owner] = actors.miners;
  const wallet = await ethers.deployContract("SignerWallet", [owner]);
  await setContractSigner(protocol, wallet);
  return { wallet, owner };
}

async function setContractSigner({ contracts: { oracle, timelock }, actors }: Protocol, contract: Addressable) {
  const named = [...(await addresses(actors.oracleSigners)), await contract.getAddress()];
  named.sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
  await asGovernor(timelock, actors.admin, await oracle.setSigners.populateTransaction(named, 4));
}

/** Three accounts' signatures, and what a contract shall accept as its own. */
async function signWith(
  { contracts: { oracle }, actors }: Protocol,
  contract: Addressable,
  owner: Signer,
): Promise<Signature[]> {
  const [{ signature }] = await sign(oracle, [owner]);
  const signatures = await sign(oracle, actors.oracleSigners.slice(0, 3));
  return [...signatures, { signer: await contract.getAddress(), signature }].sort((a, b) =>
    BigInt(a.signer) < BigInt(b.signer) ? -1 : 1,
  );
}

describe("TUReceiptOracle", () => {
  describe("checkQuorum", () => {
    it("takes what a contract among the signers accepts", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { oracle } = protocol.contracts;
      const { wallet, owner } = await withWallet(protocol);

      await expect(oracle.submit(ROOT, DATA_HASH, await signWith(protocol, wallet, owner)))
        .to.emit(oracle, "RootSubmitted")
        .withArgs(ROOT, DATA_HASH, 2);
    });

    it("rejects what a contract among the signers does not accept", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle } = contracts;
      const { wallet } = await withWallet(protocol);

      await expect(oracle.submit(ROOT, DATA_HASH, await signWith(protocol, wallet, actors.stranger)))
        .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
        .withArgs(await wallet.getAddress());
    });

    for (const [title, burnsGas] of [
      ["reverts", false],
      ["burns all its gas", true],
    ] as const) {
      it(`rejects a contract that ${title}, and passes without it`, async () => {
        const protocol = await loadFixture(deployProtocolFixture);
        const { contracts, actors } = protocol;
        const { oracle } = contracts;
        const refusing = await ethers.deployContract("RefusingSigner", [burnsGas]);
        await setContractSigner(protocol, refusing);

        await expect(oracle.submit(ROOT, DATA_HASH, await signWith(protocol, refusing, actors.stranger)))
          .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
          .withArgs(await refusing.getAddress());
        await expect(oracle.submit(ROOT, DATA_HASH, await sign(oracle, actors.oracleSigners))).to.emit(
          oracle,
          "RootSubmitted",
        );
      });
    }

    it("takes an account's own signature whatever code the account has", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const refusing = await ethers.deployContract("RefusingSigner", [false]);
      const code = await ethers.provider.getCode(refusing);
      for (const signer of actors.oracleSigners) await setCode(signer.address, code);

      await expect(oracle.submit(ROOT, DATA_HASH, await sign(oracle, actors.oracleSigners))).to.emit(
        oracle,
        "RootSubmitted",
      );
    });

    it("checks any struct hash under the oracle's domain", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const signatures = await sign(oracle, actors.oracleSigners);
      const message = { receiptsRoot: ROOT, dataHash: DATA_HASH, signerSetVersion: 1n };

      await oracle.checkQuorum(structHash("ReceiptBatch", message), signatures);
      await expect(oracle.checkQuorum(id("another struct"), signatures))
        .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
        .withArgs(signatures[0].signer);
    });

    it("rejects everything while frozen", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const signatures = await sign(oracle, actors.oracleSigners);
      await oracle.connect(actors.guardian).freeze();

      await expect(
        oracle.checkQuorum(
          structHash("ReceiptBatch", { receiptsRoot: ROOT, dataHash: DATA_HASH, signerSetVersion: 1n }),
          signatures,
        ),
      )
        .to.be.revertedWithCustomError(oracle, "Oracle_Frozen")
        .withArgs(await oracle.frozenUntil());
    });
  });

  describe("isUndisturbed", () => {
    const BATCH = { receiptsRoot: ROOT, dataHash: DATA_HASH };

    /** The stamp of now. */
    async function stampOf({ contracts: { oracle }, actors }: Protocol): Promise<bigint> {
      const message = { ...BATCH, signerSetVersion: await oracle.signerSetVersion() };
      return oracle.checkQuorum(structHash("ReceiptBatch", message), await sign(oracle, actors.oracleSigners));
    }

    it("tells of a freeze that began before the time given, and of none that begins then", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { oracle } = protocol.contracts;
      const stamp = await stampOf(protocol);
      expect(await oracle.isUndisturbed(stamp, 2n ** 40n - 1n)).to.equal(true);
      await oracle.connect(protocol.actors.guardian).freeze();
      const startedAt = BigInt(await time.latest());

      expect(await oracle.isUndisturbed(stamp, startedAt)).to.equal(true);
      expect(await oracle.isUndisturbed(stamp, startedAt + 1n)).to.equal(false);

      await oracle.connect(protocol.actors.guardian).thaw();
      const after = await stampOf(protocol);
      expect([stamp, after]).to.deep.equal([1n << 16n, (1n << 16n) | 1n]);
      expect(await oracle.isUndisturbed(after, 2n ** 40n - 1n)).to.equal(true);
      // the answer for a time that has passed is permanent
      await time.increase(30n * DAY);
      await oracle.connect(protocol.actors.guardian).freeze();
      expect(await oracle.isUndisturbed(stamp, startedAt)).to.equal(true);
    });

    it("tells of a rotation before the time given, and of none that comes then", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { oracle } = protocol.contracts;
      const rotate = await scheduleRotation(protocol);
      const stamp = await stampOf(protocol);
      await rotate();
      const rotatedAt = BigInt(await time.latest());

      expect(await oracle.isUndisturbed(stamp, rotatedAt)).to.equal(true);
      expect(await oracle.isUndisturbed(stamp, rotatedAt + 1n)).to.equal(false);
    });
  });

  describe("status", () => {
    it("is unknown for a root that was never submitted", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);

      expect(await contracts.oracle.status(ROOT)).to.deep.equal([RootStatus.Unknown, 0n]);
    });

    it("is pending until one veto window after submission, then final", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { oracle } = protocol.contracts;
      const submittedAt = await submit(protocol);
      const finalAt = submittedAt + 6n * HOUR;

      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Pending, finalAt]);
      await time.increaseTo(finalAt - 1n);
      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Pending, finalAt]);
      await time.increaseTo(finalAt);
      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Final, finalAt]);
    });

    it("starts the veto window anew when a freeze in it runs out [T33]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { oracle } = contracts;
      const submittedAt = await submit(protocol);
      // the last second in which it is pending
      await time.setNextBlockTimestamp(submittedAt + params.vetoWindow - 1n);
      await oracle.connect(actors.guardian).freeze();
      const finalAt = submittedAt + params.vetoWindow - 1n + FREEZE_DURATION + params.vetoWindow;

      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Pending, finalAt]);
      await time.increaseTo(finalAt - 1n);
      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Pending, finalAt]);
      await time.increaseTo(finalAt);
      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Final, finalAt]);
    });

    it("starts the veto window anew when a freeze in it is thawed early [T33]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { oracle } = contracts;
      const submittedAt = await submit(protocol);
      const thawedAt = submittedAt + 2n * DAY;
      await oracle.connect(actors.guardian).freeze();
      await time.setNextBlockTimestamp(thawedAt);
      await oracle.connect(actors.guardian).thaw();
      const finalAt = thawedAt + params.vetoWindow;

      await time.increaseTo(finalAt - 1n);
      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Pending, finalAt]);
      await time.increaseTo(finalAt);
      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Final, finalAt]);
    });

    it("stays final when a freeze starts in the second of finality", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { oracle } = contracts;
      const finalAt = (await submit(protocol)) + params.vetoWindow;
      await time.setNextBlockTimestamp(finalAt);
      await oracle.connect(actors.guardian).freeze();

      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Final, finalAt]);
      await time.increase(FREEZE_DURATION);
      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Final, finalAt]);
    });

    it("is moved by the first of two freezes only, with the longest veto window too", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { actors, params } = protocol;
      const vetoWindow = 7n * DAY;
      const { contracts } = await deploySystem({ ...params, vetoWindow, grace: 21n * DAY });
      const oracle = contracts.oracle.connect(actors.guardian);
      await oracle.submit(ROOT, DATA_HASH, await sign(oracle, actors.oracleSigners));
      const submittedAt = BigInt(await time.latest());
      const frozenAt = submittedAt + vetoWindow - 1n;
      await time.setNextBlockTimestamp(frozenAt);
      await oracle.freeze();
      const finalAt = frozenAt + FREEZE_DURATION + vetoWindow;

      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Pending, finalAt]);
      await time.increaseTo(frozenAt + FREEZE_INTERVAL);
      await oracle.freeze();
      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Final, finalAt]);
    });

    it("is not moved by a freeze that ended before submission", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const oracle = contracts.oracle.connect(actors.guardian);
      await oracle.freeze();
      await oracle.thaw();

      const submittedAt = await submit(protocol);

      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Pending, submittedAt + params.vetoWindow]);
    });

    it("is vetoed from the veto on", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle } = contracts;
      await submit(protocol);

      await oracle.connect(actors.guardian).veto(ROOT);

      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Vetoed, 0n]);
      await time.increase(DAY);
      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Vetoed, 0n]);
    });

    it("expires when the signers are rotated in the last second of the veto window [T33]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { oracle } = contracts;
      const rotate = await scheduleRotation(protocol);
      const finalAt = (await submit(protocol)) + params.vetoWindow;
      await time.setNextBlockTimestamp(finalAt - 1n);
      await rotate();

      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Expired, 0n]);
      await time.increase(DAY);
      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Expired, 0n]);
    });

    it("stays final when the signers are rotated in the second of finality, and again", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const { oracle } = contracts;
      const rotate = await scheduleRotation(protocol);
      const finalAt = (await submit(protocol)) + params.vetoWindow;
      await time.setNextBlockTimestamp(finalAt);
      await rotate();

      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Final, finalAt]);
      await (
        await scheduleRotation(protocol)
      )();
      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Final, finalAt]);
    });

    it("expires when the signers are rotated in a veto window that a freeze has moved [T33]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { oracle } = contracts;
      const submittedAt = await submit(protocol);
      await oracle.connect(actors.guardian).freeze();
      // final by now if nothing had been frozen
      const rotate = await scheduleRotation(protocol);
      expect(await time.latest()).to.be.greaterThan(submittedAt + params.vetoWindow);

      await rotate();

      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Expired, 0n]);
    });
  });

  describe("finalSubmission", () => {
    it("rejects a root that is unknown, pending, vetoed or expired [T12]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle } = contracts;
      const vetoed = id("vetoed root");
      const rotate = await scheduleRotation(protocol);
      const rejects = (receiptsRoot: string, status: RootStatus) =>
        expect(oracle.finalSubmission(receiptsRoot))
          .to.be.revertedWithCustomError(oracle, "Oracle_NotFinal")
          .withArgs(receiptsRoot, status);

      await rejects(ROOT, RootStatus.Unknown);
      await submit(protocol);
      await rejects(ROOT, RootStatus.Pending);
      await submit(protocol, vetoed);
      await oracle.connect(actors.guardian).veto(vetoed);
      await rejects(vetoed, RootStatus.Vetoed);
      await rotate();
      await rejects(ROOT, RootStatus.Expired);
    });

    it("rejects a final root while frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { oracle } = contracts;
      const submittedAt = await submit(protocol);
      await time.increase(params.vetoWindow);
      await oracle.connect(actors.guardian).freeze();
      const until = await oracle.frozenUntil();

      await time.increaseTo(until - 1n);
      await expect(oracle.finalSubmission(ROOT)).to.be.revertedWithCustomError(oracle, "Oracle_Frozen").withArgs(until);
      await time.increaseTo(until);
      expect(await oracle.finalSubmission(ROOT)).to.equal(submittedAt);
    });

    it("tells when a final root was submitted", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, params } = protocol;
      const submittedAt = await submit(protocol);
      await time.increase(params.vetoWindow);

      expect(await contracts.oracle.finalSubmission(ROOT)).to.equal(submittedAt);
    });
  });
});
