import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, formatInstant, RootStatus } from "@turingfog/sdk";
import { diff, encodeGuardianAction, type GuardianAction, guardianChanges, simulate } from "@turingfog/sdk/ethers";
import { expect } from "chai";
import { id } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture, type Protocol } from "../../../../test/helpers/fixture";
import {
  passVetoWindow,
  registerNode,
  registerUnattested,
  signByQuorum,
  submitAttestation,
} from "../../../../test/helpers/market";

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
  const { to, data } = await encodeGuardianAction(contracts, action);
  await actors.guardian.sendTransaction({ to, data });
}

describe("guardian actions", () => {
  it("vetoes a pending root", async () => {
    const protocol = await loadFixture(submitted);
    const { oracle } = protocol.contracts;
    const action: GuardianAction = { kind: "veto", receiptsRoot: ROOT };
    const [, finalAt] = await oracle.status(ROOT);
    expect(diff(await guardianChanges(protocol.contracts, action, await now())).split("\n")).to.deep.equal([
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
    const call = await encodeGuardianAction(contracts, { kind: "veto", receiptsRoot: ROOT });
    const refusal = await simulate(ethers.provider, actors.guardian.address, call).catch(
      (error: Error) => error.message,
    );
    expect(refusal).to.equal(`Oracle_NotPending(${ROOT}, ${RootStatus.Final})`);
  });

  it("tells of a root that nobody submitted that it is unknown", async () => {
    const { contracts } = await loadFixture(submitted);
    const [change] = await guardianChanges(contracts, { kind: "veto", receiptsRoot: id("other") }, await now());
    expect(change.from).to.equal("Unknown");
  });

  it("ends the attestation of a node", async () => {
    const protocol = await loadFixture(submitted);
    const { registry } = protocol.contracts;
    const nodeId = await registerNode(protocol, protocol.actors.miners[0]);
    const { attestedFrom, attestedUntil } = await registry.node(nodeId);
    const action: GuardianAction = { kind: "revoke-node", nodeId };
    expect(await guardianChanges(protocol.contracts, action, await now())).to.deep.equal([
      {
        what: `attestation of node ${nodeId}`,
        from: `from ${formatInstant(attestedFrom)} until ${formatInstant(attestedUntil)}`,
        to: "until now; what it has done can still be settled",
      },
    ]);

    await act(protocol, action);
    expect((await registry.node(nodeId)).attestedUntil).to.equal((await now()) - 1n);
  });

  it("undoes a pending attestation, and tells when there is none", async () => {
    const protocol = await loadFixture(submitted);
    const { registry } = protocol.contracts;
    const nodeId = await registerUnattested(protocol, protocol.actors.miners[0]);
    const action: GuardianAction = { kind: "revoke-node", nodeId };
    await submitAttestation(protocol, nodeId);
    const [from, until] = await registry.pendingAttestation(nodeId);
    const what = `pending attestation of node ${nodeId}`;
    expect(await guardianChanges(protocol.contracts, action, await now())).to.deep.equal([
      { what, from: `from ${formatInstant(from)} until ${formatInstant(until)}`, to: "none" },
    ]);

    await act(protocol, action);
    expect(await registry.pendingAttestation(nodeId)).to.deep.equal([0n, 0n]);
    const [change] = await guardianChanges(protocol.contracts, action, await now());
    expect(change).to.deep.equal({ what, from: "none", to: "none" });
  });

  it("takes a pending rating back, and tells when there is none", async () => {
    const protocol = await loadFixture(submitted);
    const { registry } = protocol.contracts;
    const gpuModel = id("A100");
    const action: GuardianAction = { kind: "veto-rating", gpuModel };
    const imagesPerSecondE3 = [418_000n, 162_000n, 272_000n, 116_000n, 268_000n, 5_524_000n, 216_000n] as const;
    const content = { gpuModel, imagesPerSecondE3: [...imagesPerSecondE3], evidence: id("log") };
    const signatures = await signByQuorum(protocol, "RatingAttestation", content);
    await registry.attestRating(gpuModel, [...imagesPerSecondE3], content.evidence, signatures);
    const { from } = await registry.pendingRating(gpuModel);
    const what = `pending rating of ${gpuModel}`;
    expect(await guardianChanges(protocol.contracts, action, await now())).to.deep.equal([
      { what, from: `2.0 TU per day, counts from ${formatInstant(from)}`, to: "none" },
    ]);

    await act(protocol, action);
    const [change] = await guardianChanges(protocol.contracts, action, await now());
    expect(change).to.deep.equal({ what, from: "none", to: "none" });
  });

  it("freezes for seven days, and thaws", async () => {
    const protocol = await loadFixture(submitted);
    const { oracle } = protocol.contracts;
    const [toCome] = await guardianChanges(protocol.contracts, { kind: "freeze" }, await now());
    expect(toCome).to.deep.equal({
      what: "frozen",
      from: "no",
      to: `until ${formatInstant((await now()) + 7n * DAY)}, and not again within 30 days`,
    });

    await act(protocol, { kind: "freeze" });
    const until = BigInt(await time.latest()) + 7n * DAY;
    expect(await oracle.frozenUntil()).to.equal(until);
    const [over] = await guardianChanges(protocol.contracts, { kind: "thaw" }, await now());
    expect(over).to.deep.equal({ what: "frozen", from: `until ${formatInstant(until)}`, to: "no" });

    await act(protocol, { kind: "thaw" });
    expect(await oracle.frozenUntil()).to.equal(await now());
    const [idle] = await guardianChanges(protocol.contracts, { kind: "thaw" }, await now());
    expect(idle.from).to.equal("no");
  });

  it("finds by simulation that a freeze comes too soon", async () => {
    const protocol = await loadFixture(submitted);
    const { contracts, actors } = protocol;
    await act(protocol, { kind: "freeze" });
    const earliest = (await now()) + 30n * DAY;
    const call = await encodeGuardianAction(contracts, { kind: "freeze" });
    const refusal = await simulate(ethers.provider, actors.guardian.address, call).catch(
      (error: Error) => error.message,
    );
    expect(refusal).to.equal(`Oracle_FreezeTooSoon(${earliest} = ${formatInstant(earliest)})`);
  });
});
