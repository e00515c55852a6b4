import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, MINUTE, RootStatus } from "@turingfog/sdk";
import { readDomain } from "@turingfog/sdk/ethers";
import { type OracleMessages } from "@turingfog/sdk/wire";
import { expect } from "chai";
import {
  concat,
  getAddress,
  id,
  Signature as EthersSignature,
  toBeHex,
  type TypedDataDomain,
  ZeroAddress,
  ZeroHash,
} from "ethers";
import { ethers } from "hardhat";
import type { TUReceiptOracle } from "../../typechain-types";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { ROOT, DATA_HASH, sign, submit, setSigners, scheduleRotation, wallets, addresses } from "../helpers/quorum";

/** Of the group that ECDSA signs in: s and its order less s sign the same. */
const SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** An oracle beside the deployed one. */
async function deploy(
  { contracts: { genesis, timelock }, actors }: Protocol,
  { window = 6n * HOUR, guardian = actors.guardian.address, quorum = 3 } = {},
): Promise<TUReceiptOracle> {
  const { governor, tft, vault, oracle, registry, pool, controller, escrow } = await genesis.system(timelock);
  return ethers.deployContract("TUReceiptOracle", [
    { governor, tft, vault, oracle, registry, pool, controller, escrow },
    window,
    guardian,
    await addresses(actors.oracleSigners),
    quorum,
  ]);
}

describe("TUReceiptOracle", () => {
  describe("constructor", () => {
    it("rejects a veto window below a minute or above seven days", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { oracle } = protocol.contracts;

      for (const window of [59n, 7n * DAY + 1n]) {
        await expect(deploy(protocol, { window }))
          .to.be.revertedWithCustomError(oracle, "Oracle_VetoWindowOutOfBounds")
          .withArgs(window, MINUTE, 7n * DAY);
      }
    });

    it("takes a veto window of a minute and one of seven days", async () => {
      const protocol = await loadFixture(deployProtocolFixture);

      for (const window of [MINUTE, 7n * DAY]) {
        expect(await (await deploy(protocol, { window })).VETO_WINDOW()).to.equal(window);
      }
    });

    it("rejects a guardian of zero", async () => {
      const protocol = await loadFixture(deployProtocolFixture);

      await expect(deploy(protocol, { guardian: ZeroAddress })).to.be.revertedWithCustomError(
        protocol.contracts.oracle,
        "Oracle_ZeroGuardian",
      );
    });

    it("rejects a quorum that is not above two thirds [T10]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);

      await expect(deploy(protocol, { quorum: 2 }))
        .to.be.revertedWithCustomError(protocol.contracts.oracle, "Oracle_InvalidQuorum")
        .withArgs(2, 4);
    });

    it("names the first guardian and the first signers", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { actors } = protocol;

      const oracle = await deploy(protocol);

      await expect(oracle.deploymentTransaction())
        .to.emit(oracle, "GuardianSet")
        .withArgs(ZeroAddress, actors.guardian.address)
        .and.to.emit(oracle, "SignersSet")
        .withArgs(1, await addresses(actors.oracleSigners), 3);
    });

    it("leaves the deployed oracle as its parameters say", async () => {
      const { contracts, actors, params } = await loadFixture(deployProtocolFixture);
      const { oracle, timelock } = contracts;

      expect(await oracle.GOVERNOR()).to.equal(await timelock.getAddress());
      expect(await oracle.VETO_WINDOW()).to.equal(params.vetoWindow);
      expect(await oracle.guardian()).to.equal(actors.guardian.address);
      expect(await oracle.signers()).to.deep.equal(params.signers);
      expect(await oracle.quorum()).to.equal(params.quorum);
      expect(await oracle.signerSetVersion()).to.equal(1);
      expect(await oracle.frozenUntil()).to.equal(0);
      expect(await oracle.lastHoldAt()).to.equal(0);
    });

    it("tells its EIP-712 domain", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;

      expect(await readDomain(oracle)).to.deep.equal({
        name: "TuringFog TUReceiptOracle",
        version: "1",
        chainId: 31_337n,
        verifyingContract: await oracle.getAddress(),
      });
    });
  });

  describe("submit", () => {
    it("rejects a root of zero [T12]", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const signatures = await sign(oracle, actors.oracleSigners, { receiptsRoot: ZeroHash });

      await expect(oracle.submit(ZeroHash, DATA_HASH, signatures)).to.be.revertedWithCustomError(
        oracle,
        "Oracle_ZeroHash",
      );
    });

    it("rejects a data hash of zero [T12]", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const signatures = await sign(oracle, actors.oracleSigners, { dataHash: ZeroHash });

      await expect(oracle.submit(ROOT, ZeroHash, signatures)).to.be.revertedWithCustomError(oracle, "Oracle_ZeroHash");
    });

    it("rejects a root that is pending, and one that is final", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { oracle } = contracts;
      const submittedAt = await submit(protocol);
      const signatures = await sign(oracle, actors.oracleSigners);

      await expect(oracle.submit(ROOT, DATA_HASH, signatures))
        .to.be.revertedWithCustomError(oracle, "Oracle_KnownRoot")
        .withArgs(ROOT, RootStatus.Pending);
      await time.increaseTo(submittedAt + params.vetoWindow);
      await expect(oracle.submit(ROOT, DATA_HASH, signatures))
        .to.be.revertedWithCustomError(oracle, "Oracle_KnownRoot")
        .withArgs(ROOT, RootStatus.Final);
    });

    it("rejects a vetoed root for ever, under a new set too [T33]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle } = contracts;
      const rotate = await scheduleRotation(protocol);
      await submit(protocol);
      await oracle.connect(actors.guardian).veto(ROOT);

      await expect(oracle.submit(ROOT, DATA_HASH, await sign(oracle, actors.oracleSigners)))
        .to.be.revertedWithCustomError(oracle, "Oracle_KnownRoot")
        .withArgs(ROOT, RootStatus.Vetoed);
      await rotate();
      await time.increase(365n * DAY);
      await expect(oracle.submit(ROOT, DATA_HASH, await sign(oracle, actors.oracleSigners)))
        .to.be.revertedWithCustomError(oracle, "Oracle_KnownRoot")
        .withArgs(ROOT, RootStatus.Vetoed);
    });

    it("rejects everything while frozen, until the second in which the freeze ends", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle } = contracts;
      await oracle.connect(actors.guardian).freeze();
      const until = await oracle.frozenUntil();
      const signatures = await sign(oracle, actors.oracleSigners);

      await time.setNextBlockTimestamp(until - 1n);
      await expect(oracle.submit(ROOT, DATA_HASH, signatures))
        .to.be.revertedWithCustomError(oracle, "Oracle_Frozen")
        .withArgs(until);
      await time.setNextBlockTimestamp(until);
      await expect(oracle.submit(ROOT, DATA_HASH, signatures)).to.emit(oracle, "RootSubmitted");
    });

    it("rejects fewer signatures than the quorum [T10]", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;

      for (const count of [0, 2]) {
        await expect(oracle.submit(ROOT, DATA_HASH, await sign(oracle, actors.oracleSigners.slice(0, count))))
          .to.be.revertedWithCustomError(oracle, "Oracle_TooFewSignatures")
          .withArgs(count, 3);
      }
    });

    it("rejects a signer of zero [T12]", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const [first, ...others] = await sign(oracle, actors.oracleSigners.slice(0, 3));

      await expect(oracle.submit(ROOT, DATA_HASH, [{ ...first, signer: ZeroAddress }, ...others]))
        .to.be.revertedWithCustomError(oracle, "Oracle_SignersNotAscending")
        .withArgs(ZeroAddress, ZeroAddress);
    });

    it("rejects a duplicate signer [T12]", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const [first, second] = await sign(oracle, actors.oracleSigners.slice(0, 2));

      await expect(oracle.submit(ROOT, DATA_HASH, [first, second, second]))
        .to.be.revertedWithCustomError(oracle, "Oracle_SignersNotAscending")
        .withArgs(second.signer, second.signer);
    });

    it("rejects signers out of order", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const [first, second, third] = await sign(oracle, actors.oracleSigners.slice(0, 3));

      await expect(oracle.submit(ROOT, DATA_HASH, [first, third, second]))
        .to.be.revertedWithCustomError(oracle, "Oracle_SignersNotAscending")
        .withArgs(third.signer, second.signer);
    });

    it("rejects an account that is not a signer", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const signatures = await sign(oracle, [...actors.oracleSigners.slice(0, 3), actors.stranger]);

      await expect(oracle.submit(ROOT, DATA_HASH, signatures))
        .to.be.revertedWithCustomError(oracle, "Oracle_NotSigner")
        .withArgs(actors.stranger.address);
    });

    it("rejects an account that is not a signer wherever it sorts among them", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const { signature } = (await sign(oracle, [actors.stranger]))[0];
      const valid = await sign(oracle, actors.oracleSigners);

      for (const { signer } of [{ signer: toBeHex(0, 20) }, ...valid]) {
        const stranger = { signer: getAddress(toBeHex(BigInt(signer) + 1n, 20)), signature };
        const signatures = [...valid, stranger].sort((a, b) => (BigInt(a.signer) < BigInt(b.signer) ? -1 : 1));
        await expect(oracle.submit(ROOT, DATA_HASH, signatures))
          .to.be.revertedWithCustomError(oracle, "Oracle_NotSigner")
          .withArgs(stranger.signer);
      }
    });

    const foreign: [title: string, message: Partial<OracleMessages["ReceiptBatch"]>, domain: TypedDataDomain][] = [
      ["root", { receiptsRoot: id("another root") }, {}],
      ["data hash", { dataHash: id("another file") }, {}],
      ["set of signers, past", { signerSetVersion: 0n }, {}],
      ["set of signers, to come", { signerSetVersion: 2n }, {}],
      ["chain", {}, { chainId: 1n }],
      ["contract", {}, { verifyingContract: "0x00000000000000000000000000000000000000aa" }],
      ["version of the contract", {}, { version: "2" }],
      ["name", {}, { name: "Another Oracle" }],
    ];
    for (const [title, message, domain] of foreign) {
      it(`rejects signatures for another ${title} [T11]`, async () => {
        const { contracts, actors } = await loadFixture(deployProtocolFixture);
        const { oracle } = contracts;
        const signatures = await sign(oracle, actors.oracleSigners.slice(0, 3), message, domain);

        await expect(oracle.submit(ROOT, DATA_HASH, signatures))
          .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
          .withArgs(signatures[0].signer);
      });
    }

    it("rejects another signer's signature", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const [first, second, third, fourth] = await sign(oracle, actors.oracleSigners);

      await expect(oracle.submit(ROOT, DATA_HASH, [first, second, { ...third, signature: fourth.signature }]))
        .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
        .withArgs(third.signer);
    });

    it("rejects an invalid signature beyond the quorum", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const [first, second, third, fourth] = await sign(oracle, actors.oracleSigners);

      await expect(oracle.submit(ROOT, DATA_HASH, [first, second, third, { ...fourth, signature: "0x" }]))
        .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
        .withArgs(fourth.signer);
    });

    it("rejects a malleable signature", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const [first, second, third] = await sign(oracle, actors.oracleSigners.slice(0, 3));
      const { r, s, v } = EthersSignature.from(third.signature);
      const twin = concat([r, toBeHex(SECP256K1_ORDER - BigInt(s), 32), toBeHex(v === 27 ? 28 : 27)]);

      await expect(oracle.submit(ROOT, DATA_HASH, [first, second, { ...third, signature: twin }]))
        .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
        .withArgs(third.signer);
    });

    it("rejects signatures of the set before, though the new one names the same signers [T11]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle } = contracts;
      const signatures = await sign(oracle, actors.oracleSigners.slice(0, 3));
      const rotate = await scheduleRotation(protocol);
      await rotate();

      await expect(oracle.submit(ROOT, DATA_HASH, signatures))
        .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
        .withArgs(signatures[0].signer);
    });

    it("rejects a signer who was removed [T11]", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle } = contracts;
      const [first, ...others] = actors.oracleSigners;
      await setSigners(protocol, [...others, actors.stranger], 3n);

      await expect(oracle.submit(ROOT, DATA_HASH, await sign(oracle, [first, ...others])))
        .to.be.revertedWithCustomError(oracle, "Oracle_NotSigner")
        .withArgs(first.address);
    });

    it("takes a signer who was removed and named again", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle } = contracts;
      await setSigners(protocol, [...actors.oracleSigners.slice(1), actors.stranger], 3n);
      await setSigners(protocol, actors.oracleSigners, 3n);

      await expect(oracle.submit(ROOT, DATA_HASH, await sign(oracle, actors.oracleSigners)))
        .to.emit(oracle, "RootSubmitted")
        .withArgs(ROOT, DATA_HASH, 3);
    });

    it("takes any quorum of signers, from anyone", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const oracle = contracts.oracle.connect(actors.stranger);

      for (const absent of actors.oracleSigners) {
        const receiptsRoot = id(absent.address);
        const present = actors.oracleSigners.filter((signer) => signer !== absent);
        await expect(oracle.submit(receiptsRoot, DATA_HASH, await sign(oracle, present, { receiptsRoot })))
          .to.emit(oracle, "RootSubmitted")
          .withArgs(receiptsRoot, DATA_HASH, 1);
      }
    });

    it("takes more signatures than the quorum", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;

      await expect(oracle.submit(ROOT, DATA_HASH, await sign(oracle, actors.oracleSigners)))
        .to.emit(oracle, "RootSubmitted")
        .withArgs(ROOT, DATA_HASH, 1);
    });

    it("takes an expired root again, signed by the new set", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { oracle } = contracts;
      const rotate = await scheduleRotation(protocol);
      await submit(protocol);
      await rotate();

      await expect(oracle.submit(ROOT, DATA_HASH, await sign(oracle, actors.oracleSigners)))
        .to.emit(oracle, "RootSubmitted")
        .withArgs(ROOT, DATA_HASH, 2);
      const finalAt = BigInt(await time.latest()) + params.vetoWindow;
      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Pending, finalAt]);
      await time.increaseTo(finalAt);
      expect(await oracle.status(ROOT)).to.deep.equal([RootStatus.Final, finalAt]);
    });

    it("takes the 43 signatures that 64 signers need", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { oracle } = protocol.contracts;
      const signers = wallets(64);
      await setSigners(protocol, signers, 43n);

      await expect(oracle.submit(ROOT, DATA_HASH, await sign(oracle, signers.slice(0, 43))))
        .to.emit(oracle, "RootSubmitted")
        .withArgs(ROOT, DATA_HASH, 2);
    });
  });
});
