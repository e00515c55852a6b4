import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import {
  collectQuorum,
  isValidSignature,
  QuorumNotReachedError,
  readDomain,
  readSignerSet,
  RevertError,
  signMessage,
  StaleSignerSetError,
} from "@turingfog/sdk/ethers";
import { ORACLE_TYPES, type OracleMessages, type Signature, structHash } from "@turingfog/sdk/wire";
import { expect } from "chai";
import {
  type BaseContract,
  type ContractRunner,
  id,
  type Signer,
  Signature as EthersSignature,
  TypedDataEncoder,
  Wallet,
  ZeroAddress,
} from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture } from "../../../test/helpers/fixture";
import { asGovernor } from "../../../test/helpers/governor";

const MESSAGES = {
  ReceiptBatch: { receiptsRoot: id("root"), dataHash: id("data"), signerSetVersion: 1n },
  NodeAttestation: { nodeId: 1n, validUntil: 2_000_000_000n, evidence: id("log"), signerSetVersion: 1n },
  RatingAttestation: {
    gpuModel: id("A100"),
    imagesPerSecondE3: [1n, 2n, 3n, 4n, 5n, 6n, 7n],
    evidence: id("table"),
    signerSetVersion: 1n,
  },
} satisfies OracleMessages;

const BATCH = MESSAGES.ReceiptBatch;

async function deploy() {
  const { contracts, actors } = await deployProtocolFixture();
  const signerSet = await readSignerSet(contracts.oracle);
  const signatures: Signature[] = [];
  for (const signer of actors.oracleSigners) {
    signatures.push(await signMessage(signer, signerSet.domain, "ReceiptBatch", BATCH));
  }
  const wallet = await ethers.deployContract("SignerWallet", [actors.stranger]);
  const reverting = await ethers.deployContract("RefusingSigner", [false]);
  const burningGas = await ethers.deployContract("RefusingSigner", [true]);
  return { oracle: contracts.oracle, actors, signerSet, signatures, wallet, reverting, burningGas };
}

function signerOf({ signer }: Signature): string {
  return signer;
}

describe("oracle", () => {
  describe("ORACLE_TYPES", () => {
    const encoded = {
      ReceiptBatch: "ReceiptBatch(bytes32 receiptsRoot,bytes32 dataHash,uint64 signerSetVersion)",
      NodeAttestation: "NodeAttestation(uint256 nodeId,uint40 validUntil,bytes32 evidence,uint64 signerSetVersion)",
      RatingAttestation:
        "RatingAttestation(bytes32 gpuModel,uint32[7] imagesPerSecondE3,bytes32 evidence,uint64 signerSetVersion)",
    };
    for (const type of ["ReceiptBatch", "NodeAttestation", "RatingAttestation"] as const) {
      it(`declares ${type} as the protocol does`, () => {
        expect(TypedDataEncoder.from({ [type]: ORACLE_TYPES[type] }).encodeType(type)).to.equal(encoded[type]);
      });
    }
  });

  describe("readDomain", () => {
    it("reads the oracle's domain", async () => {
      const { oracle } = await loadFixture(deploy);
      const { chainId } = await ethers.provider.getNetwork();
      expect(await readDomain(oracle)).to.deep.equal({
        name: "TuringFog TUReceiptOracle",
        version: "1",
        chainId,
        verifyingContract: await oracle.getAddress(),
      });
    });

    it("leaves out what a contract says it does not use", async () => {
      const values = { name: "N", version: "1", chainId: 5n, verifyingContract: ZeroAddress, salt: id("salt") };
      const telling = (fields: string) => readDomain({ eip712Domain: () => Promise.resolve({ fields, ...values }) });
      expect(await telling("0x00")).to.deep.equal({});
      expect(await telling("0x01")).to.deep.equal({ name: "N" });
      expect(await telling("0x14")).to.deep.equal({ chainId: 5n, salt: id("salt") });
      expect(await telling("0x1f")).to.deep.equal(values);
    });
  });

  describe("readSignerSet", () => {
    it("reads signers, quorum and version in force", async () => {
      const { oracle, actors, signerSet } = await loadFixture(deploy);
      expect(signerSet.signers).to.deep.equal(actors.oracleSigners.map(({ address }) => address));
      expect(signerSet.quorum).to.equal(3);
      expect(signerSet.version).to.equal(1n);
      expect(signerSet.domain).to.deep.equal(await readDomain(oracle));
    });
  });

  describe("signMessage", () => {
    for (const type of ["ReceiptBatch", "NodeAttestation", "RatingAttestation"] as const) {
      it(`signs a ${type} that the oracle accepts from a quorum`, async () => {
        const { oracle, actors, signerSet } = await loadFixture(deploy);
        const message = MESSAGES[type];
        const signed = await Promise.all(
          actors.oracleSigners.map((signer) => signMessage(signer, signerSet.domain, type, message)),
        );
        const quorum = await collectQuorum(signerSet, type, message, signed);
        await oracle.checkQuorum(structHash(type, message), quorum);
      });
    }
  });

  describe("isValidSignature", () => {
    it("refuses a signature of another message, signer, type or domain", async () => {
      const { signerSet, signatures } = await loadFixture(deploy);
      const [first, second] = signatures;
      const other = { ...BATCH, dataHash: id("other") };
      expect(await isValidSignature(signerSet, "ReceiptBatch", BATCH, first)).to.equal(true);
      expect(await isValidSignature(signerSet, "ReceiptBatch", other, first)).to.equal(false);
      expect(await isValidSignature(signerSet, "ReceiptBatch", BATCH, { ...first, signer: second.signer })).to.equal(
        false,
      );
      expect(await isValidSignature(signerSet, "NodeAttestation", MESSAGES.NodeAttestation, first)).to.equal(false);
      const elsewhere = { ...signerSet, domain: { ...signerSet.domain, chainId: 1n } };
      expect(await isValidSignature(elsewhere, "ReceiptBatch", BATCH, first)).to.equal(false);
    });

    it("refuses what is no signature, and forms that only ethers takes", async () => {
      const { oracle, signerSet, signatures } = await loadFixture(deploy);
      const [{ signer, signature }] = signatures;
      const { compactSerialized, yParity } = EthersSignature.from(signature);
      const lowV = signature.slice(0, -2) + `0${yParity}`;
      for (const form of ["0x", "0x1234", compactSerialized, lowV]) {
        expect(await isValidSignature(signerSet, "ReceiptBatch", BATCH, { signer, signature: form }), form).to.equal(
          false,
        );
        const quorum = [{ signer, signature: form }, signatures[1], signatures[2]];
        await expect(oracle.checkQuorum(structHash("ReceiptBatch", BATCH), quorum))
          .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
          .withArgs(signer);
      }
    });

    it("accepts what a signer's ERC-1271 contract accepts, and only that", async () => {
      const { actors, signerSet, wallet, reverting, burningGas } = await loadFixture(deploy);
      const { signature } = await signMessage(actors.stranger, signerSet.domain, "ReceiptBatch", BATCH);
      const by = async (contract: BaseContract, form: string) =>
        isValidSignature(signerSet, "ReceiptBatch", BATCH, { signer: await contract.getAddress(), signature: form });
      expect(await by(wallet, signature)).to.equal(true);
      expect(await by(wallet, "0x")).to.equal(false);
      expect(await by(reverting, signature)).to.equal(false);
      expect(await by(burningGas, signature)).to.equal(false);
    });

    it("counts only ECDSA signatures without a runner", async () => {
      const { actors, signerSet, signatures, wallet } = await loadFixture(deploy);
      const offline = { ...signerSet, runner: null };
      const { signature } = await signMessage(actors.stranger, signerSet.domain, "ReceiptBatch", BATCH);
      const byWallet = { signer: await wallet.getAddress(), signature };
      expect(await isValidSignature(offline, "ReceiptBatch", BATCH, signatures[0])).to.equal(true);
      expect(await isValidSignature(offline, "ReceiptBatch", BATCH, byWallet)).to.equal(false);
    });

    it("does not take a failing network for a refusal", async () => {
      const { signerSet } = await loadFixture(deploy);
      const runner: ContractRunner = { provider: null, call: () => Promise.reject(new Error("connection lost")) };
      const byWallet = { signer: Wallet.createRandom().address, signature: "0x" };
      const failure = await isValidSignature({ ...signerSet, runner }, "ReceiptBatch", BATCH, byWallet).catch(String);
      expect(failure).to.equal("Error: connection lost");
    });
  });

  describe("collectQuorum", () => {
    /** What collecting throws; fails when it does not. */
    async function refusal(collecting: Promise<unknown>): Promise<unknown> {
      return collecting.then(
        () => expect.fail("a quorum was collected"),
        (error: unknown) => error,
      );
    }

    it("refuses a message for another signer set", async () => {
      const { signerSet, signatures } = await loadFixture(deploy);
      const stale = { ...BATCH, signerSetVersion: 2n };
      const error = await refusal(collectQuorum(signerSet, "ReceiptBatch", stale, signatures));
      expect(error).to.be.instanceOf(StaleSignerSetError);
      expect(error).to.include({ version: 2n, inForce: 1n });
      expect(error).to.have.property("message", "The message is for signer set 2, in force is 1");
    });

    it("names who is missing and what was refused when there is no quorum", async () => {
      const { actors, signerSet, signatures } = await loadFixture(deploy);
      const [first, second, third, fourth] = signatures;
      const stranger = await signMessage(actors.stranger, signerSet.domain, "ReceiptBatch", BATCH);
      const forged = { signer: third.signer, signature: first.signature };
      const error = await refusal(collectQuorum(signerSet, "ReceiptBatch", BATCH, [second, stranger, first, forged]));
      expect(error).to.be.instanceOf(QuorumNotReachedError);
      const { valid, quorum, missing, refused, message } = error as QuorumNotReachedError;
      expect({ valid, quorum }).to.deep.equal({ valid: 2, quorum: 3 });
      expect(missing).to.deep.equal([third.signer, fourth.signer]);
      expect(refused).to.have.deep.members([
        { signer: stranger.signer, reason: "not a signer" },
        { signer: third.signer, reason: "invalid signature" },
      ]);
      expect(message).to.match(/^2 valid signatures, 3 needed; missing: 0x\w+, 0x\w+; refused 0x\w+: \w+ \w+/);
    });

    it("sorts by signer and stops at the quorum", async () => {
      const { oracle, signerSet, signatures } = await loadFixture(deploy);
      const quorum = await collectQuorum(signerSet, "ReceiptBatch", BATCH, [...signatures].reverse());
      expect(quorum).to.deep.equal(signatures.slice(0, 3));
      await oracle.submit(BATCH.receiptsRoot, BATCH.dataHash, quorum);
    });

    it("counts a signer once, however often they have signed", async () => {
      const { signerSet, signatures } = await loadFixture(deploy);
      const [first, second, third] = signatures;
      const error = await refusal(collectQuorum(signerSet, "ReceiptBatch", BATCH, [first, second, first, second]));
      expect(error).to.be.instanceOf(QuorumNotReachedError).and.to.include({ valid: 2 });
      expect((error as QuorumNotReachedError).refused).to.deep.equal([]);
      const quorum = await collectQuorum(signerSet, "ReceiptBatch", BATCH, [third, first, second, first, third]);
      expect(quorum).to.deep.equal([first, second, third]);
    });

    it("is not spoilt by a forged signature beside the signer's own", async () => {
      const { signerSet, signatures } = await loadFixture(deploy);
      const [first, second, third] = signatures;
      const forged = { signer: first.signer, signature: second.signature };
      for (const pile of [
        [forged, first, second, third],
        [first, forged, second, third],
      ]) {
        expect(await collectQuorum(signerSet, "ReceiptBatch", BATCH, pile)).to.deep.equal([first, second, third]);
      }
    });

    it("does without a signer whose contract cannot be asked", async () => {
      const { signerSet, signatures } = await loadFixture(deploy);
      const [first, second, third, fourth] = signatures;
      const runner: ContractRunner = { provider: null, call: () => Promise.reject(new Error("connection lost")) };
      const offline = { ...signerSet, runner };
      const unsigned = { signer: first.signer, signature: "0x" };
      const quorum = await collectQuorum(offline, "ReceiptBatch", BATCH, [unsigned, second, third, fourth]);
      expect(quorum).to.deep.equal([second, third, fourth]);
      const error = await refusal(collectQuorum(offline, "ReceiptBatch", BATCH, [unsigned, second, third]));
      expect((error as QuorumNotReachedError).refused).to.deep.equal([
        { signer: first.signer, reason: "cannot be checked: connection lost" },
      ]);
    });

    describe("with a contract that spoils it among the signers", () => {
      /** Faces of TwoFacedSigner.sol. */
      const FACES = ["answers with dirt", "dislikes the oracle", "dislikes the sender", "takes only direct questions"];

      /** A signer set of three accounts, an honest contract and before it one of two faces; four must sign. */
      async function withSpoiler(face: (typeof FACES)[number]) {
        const { contracts, actors } = await loadFixture(deployProtocolFixture);
        const { oracle, timelock } = contracts;
        const sender = actors.miners[0];
        const [kind, disliked] = {
          "answers with dirt": [0, ZeroAddress],
          "dislikes the oracle": [1, await oracle.getAddress()],
          "dislikes the sender": [1, sender.address],
          "takes only direct questions": [2, ZeroAddress],
        }[face] as [number, string];
        const spoiler = await (await ethers.deployContract("TwoFacedSigner", [kind, disliked])).getAddress();
        let wallet: string;
        do wallet = await (await ethers.deployContract("SignerWallet", [actors.stranger])).getAddress();
        while (BigInt(wallet) < BigInt(spoiler));

        const accounts = actors.oracleSigners.slice(0, 3);
        const signers = [...accounts.map(({ address }) => address), spoiler, wallet];
        signers.sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1));
        await asGovernor(timelock, actors.admin, await oracle.setSigners.populateTransaction(signers, 4));

        const signerSet = await readSignerSet(oracle.connect(sender));
        const message = { ...BATCH, signerSetVersion: signerSet.version };
        const own = await Promise.all(
          accounts.map((account) => signMessage(account, signerSet.domain, "ReceiptBatch", message)),
        );
        const { signature } = await signMessage(actors.stranger, signerSet.domain, "ReceiptBatch", message);
        const [bad, good] = [spoiler, wallet].map((signer) => ({ signer, signature }));
        return { oracle: oracle.connect(sender), signerSet, message, own, bad, good };
      }

      for (const face of FACES) {
        it(`takes another signer in the place of one who ${face}`, async () => {
          const { oracle, signerSet, message, own, bad, good } = await withSpoiler(face);
          const quorum = await collectQuorum(signerSet, "ReceiptBatch", message, [bad, ...own, good]);
          expect(quorum.map(signerOf)).to.have.members([...own, good].map(signerOf));
          await oracle.submit(message.receiptsRoot, message.dataHash, quorum);
          expect((await oracle.status(message.receiptsRoot))[0]).to.equal(1);
        });

        it(`names one who ${face} and the reason if no quorum is left`, async () => {
          const { signerSet, message, own, bad, good } = await withSpoiler(face);
          const error = await refusal(collectQuorum(signerSet, "ReceiptBatch", message, [bad, ...own]));
          expect(error).to.be.instanceOf(QuorumNotReachedError).and.to.include({ valid: 3, quorum: 4 });
          const { missing, refused, message: text } = error as QuorumNotReachedError;
          expect(missing).to.have.members([bad.signer, good.signer]);
          const isFound = face === "answers with dirt" || face === "dislikes the oracle";
          const reason = isFound ? "invalid signature" : "refused by the oracle (Oracle_InvalidSignature)";
          expect(refused).to.deep.equal([{ signer: bad.signer, reason }]);
          expect(text).to.contain(`refused ${bad.signer}: ${reason}`);
        });
      }

      it("asks for the account that sends, if it is another than the runner's", async () => {
        const { oracle, signerSet, message, own, bad, good } = await withSpoiler("dislikes the sender");
        const reader = { ...signerSet, runner: ethers.provider };
        const pile = [bad, ...own, good];
        const spoilt = await collectQuorum(reader, "ReceiptBatch", message, pile);
        await expect(oracle.checkQuorum(structHash("ReceiptBatch", message), spoilt))
          .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
          .withArgs(bad.signer);

        const from = await (oracle.runner as Signer).getAddress();
        const quorum = await collectQuorum(reader, "ReceiptBatch", message, pile, from);
        expect(quorum.map(signerOf)).to.have.members([...own, good].map(signerOf));
      });

      it("does without the contract if enough accounts have signed", async () => {
        const { signerSet, message, own, bad } = await withSpoiler("takes only direct questions");
        const three = { ...signerSet, quorum: 3 };
        const quorum = await collectQuorum(three, "ReceiptBatch", message, [bad, ...own]);
        expect(quorum.map(signerOf)).to.have.members(own.map(signerOf));
      });

      it("passes on what else the oracle refuses", async () => {
        const { oracle, signerSet, message, own, good } = await withSpoiler("answers with dirt");
        const guardian = await ethers.getSigner(await oracle.guardian());
        await oracle.connect(guardian).freeze();
        const error = await refusal(collectQuorum(signerSet, "ReceiptBatch", message, [...own, good]));
        expect(error).to.be.instanceOf(RevertError).and.to.include({ error: "Oracle_Frozen" });
      });
    });

    it("knows a signer by their address in any case", async () => {
      const { signerSet, signatures } = await loadFixture(deploy);
      const lower = signatures.map(({ signer, signature }) => ({ signer: signer.toLowerCase(), signature }));
      const quorum = await collectQuorum(signerSet, "ReceiptBatch", BATCH, lower);
      expect(quorum.map(signerOf)).to.deep.equal(signatures.slice(0, 3).map(signerOf));
    });
  });
});
