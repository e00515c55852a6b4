import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, RootStatus } from "@turingfog/sdk";
import { expect } from "chai";
import { id, ZeroAddress } from "ethers";
import { deployProtocolFixture } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import { FREEZE_DURATION, FREEZE_INTERVAL, ROOT, submit, scheduleRotation } from "../helpers/quorum";

describe("TUReceiptOracle", () => {
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

    it("leaves other roots as they are [T2]", async () => {
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
