import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";
import { id, toBeHex, ZeroHash } from "ethers";
import hre from "hardhat";

import { deployProtocolFixture } from "../../../test/helpers/fixture";
import {
  NotReplayableError,
  recordedAs,
  type RecordedStep,
  type RecordedTransaction,
} from "../../bench/replay/recording";
import { gasOf, replay, replayAll, ReplayDiffersError } from "../../bench/replay/replay";
import { recording } from "./recording";

const FROM = toBeHex(0xf0, 20);
const CONTRACT = toBeHex(0xc0de, 20);

/** Stores 1 in the first slot. */
const STORES_ONE = "0x60015f5500";
/** Stores the block's time there. */
const STORES_TIME = "0x425f5500";
/** Stores its own balance there. */
const STORES_BALANCE = "0x475f5500";
const FAILS = "0xfe";

const BASE = 21_000n;
/** What STORES_ONE takes: two pushes, and a cold slot that is new, or already has that value. */
const NEW = BASE + 5n + 22_100n;
const UNCHANGED = BASE + 5n + 2_200n;

function transaction(terms: Partial<RecordedTransaction> = {}): RecordedTransaction {
  return {
    kind: "transaction",
    name: "transfer",
    hash: id("transaction"),
    from: FROM,
    to: CONTRACT,
    data: "0x",
    value: 0n,
    nonce: 0n,
    gasLimit: 100_000n,
    accessList: [],
    block: 1n,
    timestamp: 1_800_000_000n,
    gasUsed: BASE,
    succeeded: true,
    ...terms,
  };
}

function code(value: string): RecordedStep {
  return { kind: "setCode", address: CONTRACT, value };
}

describe("bench/replay", () => {
  describe("replay", () => {
    it("names the transaction that takes other gas under Osaka", async () => {
      const steps = [transaction(), transaction({ name: "open.node", gasUsed: BASE + 1n })];
      await expect(replay(steps, "osaka")).to.be.rejectedWith(
        ReplayDiffersError,
        /^open\.node took 21001 gas, and its replay under osaka 21000$/,
      );
    });

    for (const rules of ["osaka", "amsterdam"] as const) {
      it(`names the transaction that fails under ${rules} and succeeded`, async () => {
        const steps = [code(FAILS), transaction({ name: "close", gasUsed: 100_000n })];
        await expect(replay(steps, rules)).to.be.rejectedWith(
          ReplayDiffersError,
          `close succeeded, and its replay under ${rules} failed: invalid opcode`,
        );
      });

      it(`names the transaction that succeeds under ${rules} and failed`, async () => {
        await expect(replay([transaction({ name: "stop", succeeded: false })], rules)).to.be.rejectedWith(
          ReplayDiffersError,
          `stop failed, and its replay under ${rules} succeeded`,
        );
      });
    }

    it("repeats snapshots and reverts, and keeps transactions of one hash apart", async () => {
      const [first, second, third] = [NEW, UNCHANGED, NEW].map((gasUsed) => transaction({ gasUsed }));
      const steps: RecordedStep[] = [
        code(STORES_ONE),
        { kind: "snapshot", id: "0x1" },
        first,
        second,
        { kind: "revert", id: "0x1" },
        third,
      ];
      const gasUsed = await replay(steps, "osaka");
      expect([first, second, third].map((step) => gasOf(gasUsed, step))).to.deep.equal([NEW, UNCHANGED, NEW]);
    });

    it("forgets with a snapshot those that were taken after it", async () => {
      const steps: RecordedStep[] = [
        code(STORES_ONE),
        { kind: "snapshot", id: "0x1" },
        transaction({ gasUsed: NEW }),
        { kind: "snapshot", id: "0x2" },
        { kind: "revert", id: "0x1" },
        transaction({ gasUsed: NEW }),
      ];
      expect(await replay(steps, "osaka")).to.have.property("size", 2);
      await expect(replay([...steps, { kind: "revert", id: "0x2" }], "osaka")).to.be.rejectedWith(
        ReplayDiffersError,
        "Snapshot 0x2 cannot be reverted to: it is older than the recording, or gone",
      );
    });

    it("travels in time", async () => {
      const [opcodes, changed] = [4n, 5_000n];
      const later = { timestamp: 1_900_000_000n, gasUsed: BASE + opcodes + changed };
      const first = transaction({ gasUsed: BASE + opcodes + 22_100n });
      await replay([code(STORES_TIME), first, transaction(later)], "osaka");
    });

    it("sets a balance", async () => {
      const given: RecordedStep = { kind: "setBalance", address: CONTRACT, value: "0x1" };
      await replay([code(STORES_BALANCE), given, transaction({ gasUsed: BASE + 7n + 22_100n })], "osaka");
    });
  });

  describe("replayAll", () => {
    it("tells the gas under both rules, and what it is doing", async () => {
      const step = transaction({ gasUsed: NEW });
      const told: string[] = [];
      const { osaka, amsterdam } = await replayAll([code(STORES_ONE), step], (what) => told.push(what));
      expect(told).to.deep.equal(["osaka", "amsterdam"].map((rules) => `replaying 1 transactions under ${rules}`));
      expect(gasOf(osaka, step)).to.equal(NEW);
      // a new slot is dearer there
      expect(gasOf(amsterdam, step)).to.be.above(100_000n);
    });
  });

  describe("gasOf", () => {
    it("names a transaction that was not replayed", () => {
      expect(() => gasOf(new Map(), transaction())).to.throw("transfer was not replayed");
    });
  });

  describe("startRecording", () => {
    it("refuses a change of state that cannot be replayed", async () => {
      await loadFixture(deployProtocolFixture);
      const { provider } = hre.network;
      const setting = () => provider.send("hardhat_setStorageAt", [CONTRACT, "0x0", ZeroHash]);
      await expect(recording(setting)).to.be.rejectedWith(
        NotReplayableError,
        "hardhat_setStorageAt cannot be replayed: record it in lab/bench/replay, or leave it out",
      );
    });

    it("records a transaction as it was mined, snapshots, reverts and cheats in their order", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const { provider } = hre.network;
      await recording(async (steps) => {
        await provider.send("hardhat_setBalance", [CONTRACT, "0x1"]);
        const snapshot = (await provider.send("evm_snapshot", [])) as string;
        const sent = await contracts.tft.connect(actors.renters[0]).transfer(actors.stranger, 1n);
        await provider.send("evm_revert", [snapshot]);
        expect(steps.map(({ kind }) => kind)).to.deep.equal(["setBalance", "snapshot", "transaction", "revert"]);
        const { hash, from, to, data, nonce, gasLimit } = sent;
        expect(recordedAs(steps, hash)).to.include({
          name: `Transaction ${hash}`,
          from: from.toLowerCase(),
          to: to?.toLowerCase(),
          data,
          nonce: BigInt(nonce),
          gasLimit,
          succeeded: true,
        });
      });
    });
  });

  describe("recordedAs", () => {
    it("finds the last transaction of a hash", () => {
      const [first, last] = [transaction(), transaction()];
      expect(recordedAs([first, last, transaction({ hash: id("other") })], id("transaction"))).to.equal(last);
    });

    it("names a transaction that was not recorded, and how many were", () => {
      expect(() => recordedAs([transaction()], id("other"))).to.throw(
        `Transaction ${id("other")} is not among the 1 recorded ones`,
      );
    });
  });
});
