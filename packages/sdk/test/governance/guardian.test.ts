import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, formatInstant, RootStatus } from "@turingfog/sdk";
import { diff, encodeGuardianAction, type GuardianAction, guardianChanges, simulate } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { id } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture, type Protocol } from "../../../../test/helpers/fixture";
import { passVetoWindow, signByQuorum } from "../../../../test/helpers/market";

const ROOT = id("root");

async function submitted(): Promise<Protocol> {
  const protocol = await deployProtocolFixture();
  const content = { receiptsRoot: ROOT, dataHash: id("file") };
  const signatures = await signByQuorum(protocol, "ReceiptBatch", content);
  await protocol.contracts.oracle.submit(ROOT, content.dataHash, signatures);
  return protocol;
}

async function now(): Promise<bigint> {
  return BigInt(await time.latest());
}

async function act({ contracts, actors }: Protocol, action: GuardianAction): Promise<void> {
  const { to, data } = await encodeGuardianAction(contracts.oracle, action);
  await actors.guardian.sendTransaction({ to, data });
}

describe("guardian actions", () => {
  it("vetoes a pending root", async () => {
    const protocol = await loadFixture(submitted);
    const { oracle } = protocol.contracts;
    const action: GuardianAction = { kind: "veto", receiptsRoot: ROOT };
    const [, finalAt] = await oracle.status(ROOT);
    expect(diff(await guardianChanges(oracle, action, await now())).split("\n")).to.deep.equal([
      `root ${ROOT}`,
      `  - Pending, final at ${formatInstant(finalAt)}`,
      "  + Vetoed, permanently",
    ]);

    await act(protocol, action);
    expect((await oracle.status(ROOT))[0]).to.equal(RootStatus.Vetoed);
  });

  it("finds by simulation that a root is final", async () => {
    const protocol = await loadFixture(submitted);
    const { contracts, actors } = protocol;
    await passVetoWindow(protocol);
    const call = await encodeGuardianAction(contracts.oracle, { kind: "veto", receiptsRoot: ROOT });
    const refusal = await simulate(ethers.provider, actors.guardian.address, call).catch(
      (error: Error) => error.message,
    );
    expect(refusal).to.equal(`Oracle_NotPending(${ROOT}, ${RootStatus.Final})`);
  });

  it("tells of a root that nobody submitted that it is unknown", async () => {
    const { contracts } = await loadFixture(submitted);
    const [change] = await guardianChanges(contracts.oracle, { kind: "veto", receiptsRoot: id("other") }, await now());
    expect(change.from).to.equal("Unknown");
  });

  it("freezes for seven days, and thaws", async () => {
    const protocol = await loadFixture(submitted);
    const { oracle } = protocol.contracts;
    const [toCome] = await guardianChanges(oracle, { kind: "freeze" }, await now());
    expect(toCome).to.deep.equal({
      what: "frozen",
      from: "no",
      to: `until ${formatInstant((await now()) + 7n * DAY)}, and not again within 30 days`,
    });

    await act(protocol, { kind: "freeze" });
    const until = BigInt(await time.latest()) + 7n * DAY;
    expect(await oracle.frozenUntil()).to.equal(until);
    const [over] = await guardianChanges(oracle, { kind: "thaw" }, await now());
    expect(over).to.deep.equal({ what: "frozen", from: `until ${formatInstant(until)}`, to: "no" });

    await act(protocol, { kind: "thaw" });
    expect(await oracle.frozenUntil()).to.equal(await now());
    const [idle] = await guardianChanges(oracle, { kind: "thaw" }, await now());
    expect(idle.from).to.equal("no");
  });

  it("finds by simulation that a freeze comes too soon", async () => {
    const protocol = await loadFixture(submitted);
    const { contracts, actors } = protocol;
    await act(protocol, { kind: "freeze" });
    const earliest = (await now()) + 30n * DAY;
    const call = await encodeGuardianAction(contracts.oracle, { kind: "freeze" });
    const refusal = await simulate(ethers.provider, actors.guardian.address, call).catch(
      (error: Error) => error.message,
    );
    expect(refusal).to.equal(`Oracle_FreezeTooSoon(${earliest})`);
  });
});
