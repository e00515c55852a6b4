import { loadFixture, setCode, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, HOUR, MINUTE, RootStatus } from "@turingfog/sdk";
import { readDomain, signMessage } from "@turingfog/sdk/ethers";
import { type OracleMessages, type Signature, structHash } from "@turingfog/sdk/wire";
import { expect } from "chai";
import {
  type Addressable,
  concat,
  getAddress,
  id,
  Signature as EthersSignature,
  type Signer,
  toBeHex,
  type TypedDataDomain,
  Wallet,
  ZeroAddress,
  ZeroHash,
} from "ethers";
import { ethers } from "hardhat";

import { deploySystem } from "../../deploy/inProcess";
import type { TUReceiptOracle } from "../../typechain-types";
import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { byAddress, schedule } from "../helpers/orders";

const FREEZE_DURATION = 7n * DAY;
const FREEZE_INTERVAL = 30n * DAY;

const ROOT = id("receipts root");
const DATA_HASH = id("receipt file");

/** Of the group that ECDSA signs in: s and its order less s sign the same. */
const SECP256K1_ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;

/** What the signers sign for the batch, in ascending order of signer; `message` and `domain` say what they get wrong. */
async function sign(
  oracle: TUReceiptOracle,
  signers: readonly Signer[],
  message: Partial<OracleMessages["ReceiptBatch"]> = {},
  domain: TypedDataDomain = {},
): Promise<Signature[]> {
  const batch = { receiptsRoot: ROOT, dataHash: DATA_HASH, signerSetVersion: await oracle.signerSetVersion() };
  const oracleDomain = await readDomain(oracle);
  return Promise.all(
    (await byAddress(signers)).map((signer) =>
      signMessage(signer, { ...oracleDomain, ...domain }, "ReceiptBatch", { ...batch, ...message }),
    ),
  );
}

/** Submits a root that a quorum has signed, and resolves to the time. */
async function submit({ contracts: { oracle }, actors }: Protocol, receiptsRoot = ROOT): Promise<bigint> {
  const quorum = Number(await oracle.quorum());
  await oracle.submit(
    receiptsRoot,
    DATA_HASH,
    await sign(oracle, actors.oracleSigners.slice(0, quorum), { receiptsRoot }),
  );
  return BigInt(await time.latest());
}

async function setSigners(
  { contracts: { oracle, timelock }, actors }: Protocol,
  signers: readonly Signer[],
  quorum: bigint,
): Promise<void> {
  await asGovernor(
    timelock,
    actors.admin,
    await oracle.setSigners.populateTransaction(await addresses(signers), quorum),
  );
}

/** Schedules that the same signers are named once more, and resolves, after the delay, to what does it. */
async function scheduleRotation({ contracts: { oracle, timelock }, actors, params }: Protocol) {
  const call = await oracle.setSigners.populateTransaction([...(await oracle.signers())], await oracle.quorum());
  const execute = await schedule(timelock, actors.admin, call);
  await time.increase(params.governor.minDelay);
  return execute;
}

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

/** Some accounts, the same on every run. */
function wallets(count: number): Wallet[] {
  return Array.from({ length: count }, (_, i) => new Wallet(id(`signer ${i}`)));
}

async function addresses(signers: readonly Signer[]): Promise<string[]> {
  return Promise.all((await byAddress(signers)).map((signer) => signer.getAddress()));
}

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

    it("rejects a quorum that is not above two thirds", async () => {
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
    it("rejects a root of zero", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const signatures = await sign(oracle, actors.oracleSigners, { receiptsRoot: ZeroHash });

      await expect(oracle.submit(ZeroHash, DATA_HASH, signatures)).to.be.revertedWithCustomError(
        oracle,
        "Oracle_ZeroHash",
      );
    });

    it("rejects a data hash of zero", async () => {
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

    it("rejects a vetoed root for ever, under a new set too", async () => {
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

    it("rejects fewer signatures than the quorum", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;

      for (const count of [0, 2]) {
        await expect(oracle.submit(ROOT, DATA_HASH, await sign(oracle, actors.oracleSigners.slice(0, count))))
          .to.be.revertedWithCustomError(oracle, "Oracle_TooFewSignatures")
          .withArgs(count, 3);
      }
    });

    it("rejects a signer of zero", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const [first, ...others] = await sign(oracle, actors.oracleSigners.slice(0, 3));

      await expect(oracle.submit(ROOT, DATA_HASH, [{ ...first, signer: ZeroAddress }, ...others]))
        .to.be.revertedWithCustomError(oracle, "Oracle_SignersNotAscending")
        .withArgs(ZeroAddress, ZeroAddress);
    });

    it("rejects a duplicate signer", async () => {
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
      it(`rejects signatures for another ${title}`, async () => {
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

    it("rejects signatures of the set before, though the new one names the same signers", async () => {
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

    it("rejects a signer who was removed", async () => {
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

    it("starts the veto window anew when a freeze in it runs out", async () => {
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

    it("starts the veto window anew when a freeze in it is thawed early", async () => {
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

    it("expires when the signers are rotated in the last second of the veto window", async () => {
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

    it("expires when the signers are rotated in a veto window that a freeze has moved", async () => {
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
    it("rejects a root that is unknown, pending, vetoed or expired", async () => {
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

  describe("veto", () => {
    it("rejects everyone but the guardian", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle } = contracts;
      await submit(protocol);

      for (const caller of [actors.stranger, actors.admin, actors.oracleSigners[0]]) {
        await expect(oracle.connect(caller).veto(ROOT))
          .to.be.revertedWithCustomError(oracle, "Oracle_NotGuardian")
          .withArgs(caller.address);
      }
    });

    it("rejects a root that is unknown, final, vetoed or expired", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const oracle = contracts.oracle.connect(actors.guardian);
      const [vetoed, expired] = [id("vetoed root"), id("expired root")];
      const rejects = (receiptsRoot: string, status: RootStatus) =>
        expect(oracle.veto(receiptsRoot))
          .to.be.revertedWithCustomError(oracle, "Oracle_NotPending")
          .withArgs(receiptsRoot, status);

      await rejects(ROOT, RootStatus.Unknown);
      const submittedAt = await submit(protocol);
      await time.setNextBlockTimestamp(submittedAt + params.vetoWindow);
      await rejects(ROOT, RootStatus.Final);
      const rotate = await scheduleRotation(protocol);
      await submit(protocol, vetoed);
      await submit(protocol, expired);
      await oracle.veto(vetoed);
      await rejects(vetoed, RootStatus.Vetoed);
      await rotate();
      await rejects(expired, RootStatus.Expired);
      await rejects(vetoed, RootStatus.Vetoed);
    });

    it("refuses a root in the last second of its veto window, and notes the time", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { oracle } = contracts;
      const vetoedAt = (await submit(protocol)) + params.vetoWindow - 1n;
      await time.setNextBlockTimestamp(vetoedAt);

      await expect(oracle.connect(actors.guardian).veto(ROOT)).to.emit(oracle, "RootVetoed").withArgs(ROOT);

      expect(await oracle.lastHoldAt()).to.equal(vetoedAt);
    });

    it("refuses a pending root while frozen", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const oracle = contracts.oracle.connect(actors.guardian);
      await submit(protocol);
      await oracle.freeze();

      await expect(oracle.veto(ROOT)).to.emit(oracle, "RootVetoed").withArgs(ROOT);
    });

    it("leaves other roots as they are", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors, params } = protocol;
      const { oracle } = contracts;
      const other = id("another root");
      await submit(protocol);
      const finalAt = (await submit(protocol, other)) + params.vetoWindow;

      await oracle.connect(actors.guardian).veto(ROOT);

      await time.increaseTo(finalAt);
      expect(await oracle.status(other)).to.deep.equal([RootStatus.Final, finalAt]);
    });
  });

  describe("freeze", () => {
    it("rejects everyone but the guardian", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;

      for (const caller of [actors.stranger, actors.admin]) {
        await expect(oracle.connect(caller).freeze())
          .to.be.revertedWithCustomError(oracle, "Oracle_NotGuardian")
          .withArgs(caller.address);
      }
    });

    it("lasts seven days", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      const frozenAt = BigInt(await time.latest()) + 10n;
      await time.setNextBlockTimestamp(frozenAt);

      await expect(oracle.connect(actors.guardian).freeze())
        .to.emit(oracle, "Frozen")
        .withArgs(frozenAt + FREEZE_DURATION);

      expect(await oracle.frozenUntil()).to.equal(frozenAt + FREEZE_DURATION);
    });

    for (const [title, thaws] of [
      ["ran out", false],
      ["was thawed", true],
    ] as const) {
      it(`rejects a second freeze within 30 days of the start of one that ${title}`, async () => {
        const { contracts, actors } = await loadFixture(deployProtocolFixture);
        const oracle = contracts.oracle.connect(actors.guardian);
        await oracle.freeze();
        const earliest = BigInt(await time.latest()) + FREEZE_INTERVAL;
        if (thaws) await oracle.thaw();
        const rejects = () =>
          expect(oracle.freeze()).to.be.revertedWithCustomError(oracle, "Oracle_FreezeTooSoon").withArgs(earliest);

        await rejects();
        await time.setNextBlockTimestamp(earliest - 1n);
        await rejects();
        await time.setNextBlockTimestamp(earliest);
        await expect(oracle.freeze())
          .to.emit(oracle, "Frozen")
          .withArgs(earliest + FREEZE_DURATION);
      });
    }

    it("counts each interval from the freeze before", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const oracle = contracts.oracle.connect(actors.guardian);
      await oracle.freeze();
      await time.increase(45n * DAY);
      await oracle.freeze();
      const earliest = BigInt(await time.latest()) + FREEZE_INTERVAL;

      await time.setNextBlockTimestamp(earliest - 1n);
      await expect(oracle.freeze()).to.be.revertedWithCustomError(oracle, "Oracle_FreezeTooSoon").withArgs(earliest);
    });
  });

  describe("thaw", () => {
    it("rejects everyone but the guardian", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;
      await oracle.connect(actors.guardian).freeze();

      await expect(oracle.connect(actors.admin).thaw())
        .to.be.revertedWithCustomError(oracle, "Oracle_NotGuardian")
        .withArgs(actors.admin.address);
    });

    it("rejects a network that was never frozen, is thawed, or whose freeze ran out", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const oracle = contracts.oracle.connect(actors.guardian);
      const rejects = () => expect(oracle.thaw()).to.be.revertedWithCustomError(oracle, "Oracle_NotFrozen");

      await rejects();
      await oracle.freeze();
      await oracle.thaw();
      await rejects();
      await time.increase(FREEZE_INTERVAL);
      await oracle.freeze();
      await time.setNextBlockTimestamp(await oracle.frozenUntil());
      await rejects();
    });

    it("ends the freeze at once, up to its last second", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const oracle = contracts.oracle.connect(actors.guardian);
      await oracle.freeze();
      const thawedAt = (await oracle.frozenUntil()) - 1n;
      await time.setNextBlockTimestamp(thawedAt);

      await expect(oracle.thaw()).to.emit(oracle, "Thawed").withArgs();

      expect(await oracle.frozenUntil()).to.equal(thawedAt);
    });
  });

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
      it(`rejects ${count} signers`, async () => {
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
      it(`rejects a quorum of ${quorum} of ${count}`, async () => {
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

    it("rejects a signer of zero, a duplicate and signers out of order", async () => {
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

  describe("setGuardian", () => {
    it("rejects everyone but the governor", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle } = contracts;

      for (const caller of [actors.admin, actors.guardian]) {
        await expect(oracle.connect(caller).setGuardian(actors.stranger))
          .to.be.revertedWithCustomError(oracle, "Oracle_NotGovernor")
          .withArgs(caller.address);
      }
    });

    it("rejects a guardian of zero", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { oracle, timelock } = contracts;

      await expect(
        asGovernor(timelock, actors.admin, await oracle.setGuardian.populateTransaction(ZeroAddress)),
      ).to.be.revertedWithCustomError(oracle, "Oracle_ZeroGuardian");
    });

    it("hands the guardian's powers over", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts, actors } = protocol;
      const { oracle, timelock } = contracts;

      await expect(asGovernor(timelock, actors.admin, await oracle.setGuardian.populateTransaction(actors.stranger)))
        .to.emit(oracle, "GuardianSet")
        .withArgs(actors.guardian.address, actors.stranger.address);

      expect(await oracle.guardian()).to.equal(actors.stranger.address);
      await submit(protocol);
      await expect(oracle.connect(actors.guardian).veto(ROOT))
        .to.be.revertedWithCustomError(oracle, "Oracle_NotGuardian")
        .withArgs(actors.guardian.address);
      await expect(oracle.connect(actors.stranger).veto(ROOT)).to.emit(oracle, "RootVetoed").withArgs(ROOT);
    });
  });
});
