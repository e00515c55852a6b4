import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, depositOf, HOUR, RootStatus, SkipReason, TU } from "@turingfog/sdk";
import { readSignerSet, signMessage } from "@turingfog/sdk/ethers";
import { type Receipt, ReceiptTree, type Signature } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture, type Protocol, USD_REFERENCE_PRICE } from "../helpers/fixture";
import { asGovernor } from "../helpers/governor";
import {
  listNode,
  openOrder,
  passVetoWindow,
  registerNode,
  registerNodes,
  registerUnattested,
  settle,
  signByQuorum,
  startEpoch,
  submitAttestation,
  submitReceipts,
} from "../helpers/market";
import { byAddress, deliver, expectSoundBooks } from "../helpers/orders";
import { Purse } from "./ledger";
import { buyAt, lotOf, payOut } from "./lots";
import { ageAt, attainableTU, destroy, divide, earnedBy, owed, TFT, USD } from "./predictions";

/** TU a day of one GTX 1080 Ti, and of 1,024 V100. */
const SLOW = TU;
const FAST = (185n * TU * 1_024n) / 100n;

const PRICE = 3n * USD + 7n;
const BOUGHT = 10n * TU;

/** Renters have paid for work that nobody has done yet: one for any node's, one for an honest node's. */
async function openOrders(protocol: Protocol) {
  const { usd } = protocol.contracts;
  const { renters, miners } = protocol.actors;
  await startEpoch(protocol);
  const honestNode = await listNode(protocol, miners[0], usd, PRICE);
  const terms = { tuAmount: BOUGHT, maxUnitPrice: PRICE };
  const joint = await openOrder(protocol, renters[0], usd, terms);
  const onNode = await openOrder(protocol, renters[1], usd, { ...terms, nodeId: honestNode });
  return { honestNode, joint, onNode };
}

/** Signs a root by some of the oracle's signers, or by others. */
async function signRoot(
  { contracts: { oracle } }: Protocol,
  root: string,
  signers: Protocol["actors"]["oracleSigners"],
) {
  const { domain, version } = await readSignerSet(oracle);
  const message = { receiptsRoot: root, dataHash: id("receipts"), signerSetVersion: version };
  return Promise.all(signers.map((signer) => signMessage(signer, domain, "ReceiptBatch", message)));
}

describe("A corrupt minority of the signers", () => {
  it("gets no root submitted, by whatever it adds to its signatures [T10]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, oracle } = protocol.contracts;
    const { oracleSigners, miners, stranger } = protocol.actors;
    const { joint } = await openOrders(protocol);
    const purse = await Purse.of([tft, usd], miners[1], ...oracleSigners);
    const nodeId = await registerNode(protocol, miners[1]);
    await time.increase(HOUR);
    const measuredAt = BigInt(await time.latest());
    const { root } = await ReceiptTree.of([{ orderId: joint, nodeId, cumulativeTU: BOUGHT, measuredAt }]);
    const minority = oracleSigners.slice(0, 2);
    const submit = (signatures: Signature[]) => oracle.submit(root, id("receipts"), signatures);

    const genuine = await signRoot(protocol, root, minority);
    await expect(submit(genuine)).to.be.revertedWithCustomError(oracle, "Oracle_TooFewSignatures").withArgs(2n, 3n);
    await expect(submit([...genuine, genuine[1]]))
      .to.be.revertedWithCustomError(oracle, "Oracle_SignersNotAscending")
      .withArgs(minority[1], minority[1]);
    const [forged] = await signRoot(protocol, root, [stranger]);
    await expect(submit([...genuine, { ...forged, signer: oracleSigners[2].address }]))
      .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
      .withArgs(oracleSigners[2]);
    const padded = await signRoot(protocol, root, await byAddress([...minority, stranger]));
    await expect(submit(padded)).to.be.revertedWithCustomError(oracle, "Oracle_NotSigner").withArgs(stranger);

    expect(await oracle.status(root)).to.deep.equal([BigInt(RootStatus.Unknown), 0n]);
    await purse.expectOutcome({ adversary: "corrupt minority", scenario: "two of four", paid: {}, predicted: {} });
  });
});

describe("A corrupt quorum", () => {
  it("takes from an order by any node no more than its own node could have computed [T14] [T35]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow } = protocol.contracts;
    const { miners, bidder, renters } = protocol.actors;
    const thief = miners[1];
    const nodeId = await registerNode(protocol, thief, { gpuModel: "GTX 1080 Ti", gpuCount: 1n });
    const { joint } = await openOrders(protocol);
    const purse = await Purse.of([tft, usd], thief);
    const { startedAt } = await escrow.order(joint);
    await time.increaseTo(startedAt + 6n * HOUR);

    // nothing was computed, and all of it is claimed
    const receipt = { orderId: joint, nodeId, cumulativeTU: BOUGHT, measuredAt: startedAt + 6n * HOUR };
    await deliver(protocol, usd, [receipt]);
    const stolen = earnedBy(attainableTU(SLOW, 6n * HOUR), PRICE);
    await startEpoch(protocol);
    const lot = await lotOf(protocol, usd);
    await buyAt(protocol, bidder, lot, ageAt(3n), stolen);
    await payOut(protocol, lot.round, usd, [thief]);

    const { reward } = divide(destroy(owed(stolen, USD_REFERENCE_PRICE, 3n), 0n));
    await purse.expectOutcome({
      adversary: "corrupt quorum",
      scenario: "one slow node for six hours",
      paid: {},
      predicted: { TFT: reward },
    });
    // the rest is still the renter's
    const { endsAt } = await escrow.order(joint);
    await time.increaseTo(endsAt + protocol.params.grace);
    const deposit = depositOf(BOUGHT, PRICE);
    await expect(escrow.close(joint)).to.changeTokenBalance(usd, renters[0], deposit - stolen);
    await expectSoundBooks(protocol, usd);
  });

  it("takes with any number of fast nodes no more than open orders by any node hold [T14]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow, registry } = protocol.contracts;
    const { miners, bidder } = protocol.actors;
    const thief = miners[1];
    const nodes = await registerNodes(protocol, [thief, thief, thief, thief]);
    const { honestNode, joint, onNode } = await openOrders(protocol);
    expect(await registry.ratePerDay(nodes[0])).to.equal(FAST);
    const purse = await Purse.of([tft, usd], thief);
    await time.increase(HOUR);
    const measuredAt = BigInt(await time.latest());

    // an order on a node pays that node alone, so the thief's nodes are passed over there
    const fake: Receipt[] = nodes.flatMap((nodeId) =>
      [joint, onNode].map((orderId) => ({ orderId, nodeId, cumulativeTU: BOUGHT, measuredAt })),
    );
    const settlement = await deliver(protocol, usd, fake);
    for (const nodeId of nodes) {
      await expect(settlement).to.emit(escrow, "ReceiptSkipped").withArgs(onNode, nodeId, BigInt(SkipReason.WrongNode));
    }
    const stolen = earnedBy(BOUGHT, PRICE);
    expect(await escrow.liabilities(usd)).to.equal(stolen);
    expect(await escrow.settledTU(onNode, honestNode)).to.equal(0n);
    await startEpoch(protocol);
    const lot = await lotOf(protocol, usd);
    await buyAt(protocol, bidder, lot, ageAt(3n), stolen);
    await payOut(protocol, lot.round, usd, [thief]);

    const { reward } = divide(destroy(owed(stolen, USD_REFERENCE_PRICE, 3n), 0n));
    await purse.expectOutcome({
      adversary: "corrupt quorum",
      scenario: "four fast nodes",
      paid: {},
      predicted: { TFT: reward },
    });
    await expectSoundBooks(protocol, usd);
  });

  it("takes nothing by a receipt from the future, nor by the end of an order that has not come [T14]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow } = protocol.contracts;
    const { miners } = protocol.actors;
    const nodeId = await registerNode(protocol, miners[1], { gpuModel: "GTX 1080 Ti", gpuCount: 1n });
    const { joint } = await openOrders(protocol);
    const purse = await Purse.of([tft, usd], miners[1]);
    const { endsAt } = await escrow.order(joint);

    for (const measuredAt of [endsAt, endsAt + 30n * DAY]) {
      const receipt = { orderId: joint, nodeId, cumulativeTU: BOUGHT, measuredAt };
      await expect(deliver(protocol, usd, [receipt]))
        .to.emit(escrow, "ReceiptSkipped")
        .withArgs(joint, nodeId, BigInt(SkipReason.AfterSubmission));
    }

    await purse.expectOutcome({ adversary: "corrupt quorum", scenario: "from the future", paid: {}, predicted: {} });
  });

  it("takes nothing when the guardian vetoes its root within the window [T14]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, oracle } = protocol.contracts;
    const { miners, guardian } = protocol.actors;
    const nodeId = await registerNode(protocol, miners[1]);
    const { joint } = await openOrders(protocol);
    const purse = await Purse.of([tft, usd], miners[1]);
    await time.increase(HOUR);
    const measuredAt = BigInt(await time.latest());

    const tree = await submitReceipts(protocol, [{ orderId: joint, nodeId, cumulativeTU: BOUGHT, measuredAt }]);
    await time.increase(protocol.params.vetoWindow - 2n);
    await oracle.connect(guardian).veto(tree.root);
    await passVetoWindow(protocol);

    await expect(settle(protocol, usd, tree))
      .to.be.revertedWithCustomError(oracle, "Oracle_NotFinal")
      .withArgs(tree.root, RootStatus.Vetoed);
    await purse.expectOutcome({ adversary: "corrupt quorum", scenario: "vetoed", paid: {}, predicted: {} });
  });

  it("takes nothing from joint orders that opened before its node's attestation counts [T14]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, escrow } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const thief = miners[1];
    const nodeId = await registerUnattested(protocol, thief);
    const purse = await Purse.of([tft, usd], thief);
    await submitAttestation(protocol, nodeId);
    // the order is there already when the guardian's time runs out
    const joint = await openOrder(protocol, renters[0], usd, { tuAmount: BOUGHT, maxUnitPrice: PRICE });
    await passVetoWindow(protocol);

    const measuredAt = BigInt(await time.latest());
    await expect(deliver(protocol, usd, [{ orderId: joint, nodeId, cumulativeTU: BOUGHT, measuredAt }]))
      .to.emit(escrow, "ReceiptSkipped")
      .withArgs(joint, nodeId, BigInt(SkipReason.NotAttested));
    await purse.expectOutcome({
      adversary: "corrupt quorum",
      scenario: "a node for the orders",
      paid: {},
      predicted: {},
    });
  });

  it("gains no attestation that the guardian revokes in time, by attesting again, shorter, longer or with old signatures [T37]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { usd, registry, escrow } = protocol.contracts;
    const { miners, guardian, renters } = protocol.actors;
    const nodeId = await registerUnattested(protocol, miners[1]);
    const until = BigInt(await time.latest()) + 10n * DAY;
    const content = { nodeId, validUntil: until, evidence: id("log") };
    const signatures = await signByQuorum(protocol, "NodeAttestation", content);
    const replay = () => registry.attestNode(nodeId, until, content.evidence, signatures);

    // prolonged while pending, then revoked as a whole
    await replay();
    const [from] = await registry.pendingAttestation(nodeId);
    await submitAttestation(protocol, nodeId, until + DAY);
    expect(await registry.pendingAttestation(nodeId)).to.deep.equal([from, until + DAY]);
    await registry.connect(guardian).revokeNode(nodeId);
    await expect(replay()).to.be.revertedWithCustomError(registry, "Registry_ValidityOutOfBounds");

    // signed once more, it waits from then on and not from the first time
    await time.increaseTo(from - 1n);
    await submitAttestation(protocol, nodeId, until + 2n * DAY);
    const [again] = await registry.pendingAttestation(nodeId);
    expect(again).to.equal(BigInt(await time.latest()) + protocol.params.vetoWindow);
    const joint = await openOrder(protocol, renters[0], usd, { maxUnitPrice: PRICE });
    await time.setNextBlockTimestamp(again - 1n);
    await registry.connect(guardian).revokeNode(nodeId);
    await time.increase(HOUR);
    const measuredAt = BigInt(await time.latest());

    await expect(deliver(protocol, usd, [{ orderId: joint, nodeId, cumulativeTU: TU, measuredAt }]))
      .to.emit(escrow, "ReceiptSkipped")
      .withArgs(joint, nodeId, BigInt(SkipReason.NotAttested));
    expect((await registry.node(nodeId)).attestedUntil).to.equal(0n);
  });

  it("reaches neither what is settled, nor lots, rewards or the reserve [T14]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { tft, usd, vault, pool, controller } = protocol.contracts;
    const { miners, renters } = protocol.actors;
    const { honestNode, onNode } = await openOrders(protocol);
    await time.increase(HOUR);
    const measuredAt = BigInt(await time.latest());
    const done = { orderId: onNode, nodeId: honestNode, cumulativeTU: BOUGHT, measuredAt };
    await deliver(protocol, usd, [done]);
    const purse = await Purse.of([tft, usd], miners[1]);
    const bucket = await pool.bucketId(await pool.openRound(usd), usd);
    const weight = await pool.weightOf(bucket, miners[0]);
    expect(weight).to.equal(earnedBy(BOUGHT, PRICE));

    // less than what is settled, for another node and for an order that is closed
    const nodeId = await registerNode(protocol, miners[1]);
    await protocol.contracts.escrow.close(onNode);
    const later = await openOrder(protocol, renters[2], usd, { maxUnitPrice: PRICE });
    await time.increase(HOUR);
    const now = BigInt(await time.latest());
    await deliver(protocol, usd, [
      { ...done, cumulativeTU: 0n, measuredAt: now },
      { ...done, nodeId, measuredAt: now },
      { orderId: later, nodeId, cumulativeTU: 0n, measuredAt: now },
    ]);

    expect(await pool.weightOf(bucket, miners[0])).to.equal(weight);
    expect(await usd.balanceOf(controller)).to.equal(weight);
    expect(await tft.balanceOf(vault)).to.equal(350_000_000n * TFT);
    await purse.expectOutcome({ adversary: "corrupt quorum", scenario: "what is settled", paid: {}, predicted: {} });
  });
});

describe("A signer that answers with all the gas that it gets", () => {
  it("costs a submission that carries it, and holds up none that leaves it out [T36]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { oracle, registry, timelock } = protocol.contracts;
    const { admin, miners, oracleSigners } = protocol.actors;
    const greedy = await ethers.deployContract("RefusingSigner", [true]);
    const greedyAddress = await greedy.getAddress();
    const honest = oracleSigners.slice(0, 3);
    const members = [...honest.map(({ address }) => address), greedyAddress].sort((a, b) =>
      BigInt(a) < BigInt(b) ? -1 : 1,
    );
    await asGovernor(timelock, admin, await oracle.setSigners.populateTransaction(members, 3));
    const nodeId = await registerUnattested(protocol, miners[0]);
    const validUntil = BigInt(await time.latest()) + 30n * DAY;
    const { domain, version } = await readSignerSet(oracle);
    const message = { nodeId, validUntil, evidence: id("log"), signerSetVersion: version };
    const genuine = await Promise.all(honest.map((signer) => signMessage(signer, domain, "NodeAttestation", message)));
    const carrying = members.map(
      (member) => genuine.find(({ signer }) => signer === member) ?? { signer: greedyAddress, signature: "0x" },
    );
    const gasLimit = 1_000_000n;

    // a 64th of the gas is left each time it is asked, so the refusal still comes by name
    await expect(registry.attestNode(nodeId, validUntil, message.evidence, carrying, { gasLimit }))
      .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
      .withArgs(greedyAddress);
    const { root } = await ReceiptTree.of([{ orderId: 1n, nodeId, cumulativeTU: TU, measuredAt: validUntil }]);
    const batch = { receiptsRoot: root, dataHash: id("receipts"), signerSetVersion: version };
    const signed = await Promise.all(honest.map((signer) => signMessage(signer, domain, "ReceiptBatch", batch)));
    const burning = carrying.map((each) => signed.find(({ signer }) => signer === each.signer) ?? each);
    await expect(oracle.submit(root, batch.dataHash, burning, { gasLimit }))
      .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
      .withArgs(greedyAddress);

    await registry.attestNode(nodeId, validUntil, message.evidence, genuine, { gasLimit });
    await oracle.submit(root, batch.dataHash, signed, { gasLimit });
    expect((await registry.pendingAttestation(nodeId)).until).to.equal(validUntil);
    expect((await oracle.status(root))[0]).to.equal(BigInt(RootStatus.Pending));
  });
});

describe("An attestation of a small node", () => {
  it("cannot be used for a larger one, another model or a later node [T31]", async () => {
    const protocol = await loadFixture(deployProtocolFixture);
    const { registry, oracle } = protocol.contracts;
    const { miners, oracleSigners } = protocol.actors;
    const owner = registry.connect(miners[0]);
    const register = async (gpuModel: string, gpuCount: bigint) => {
      const hardware = [id(gpuModel), gpuCount, miners[0].address, "ipfs://node"] as const;
      const nodeId = await owner.registerNode.staticCall(...hardware);
      await owner.registerNode(...hardware);
      return nodeId;
    };
    const small = await register("GTX 1080 Ti", 1n);
    const validUntil = BigInt(await time.latest()) + 90n * DAY;
    const content = { nodeId: small, validUntil, evidence: id("log") };
    const signatures = await signByQuorum(protocol, "NodeAttestation", content);

    const others = [
      await register("GTX 1080 Ti", 1_024n),
      await register("V100", 1n),
      await register("GTX 1080 Ti", 1n),
    ];
    for (const nodeId of others) {
      await expect(registry.attestNode(nodeId, validUntil, content.evidence, signatures))
        .to.be.revertedWithCustomError(oracle, "Oracle_InvalidSignature")
        .withArgs(oracleSigners[0]);
    }

    await expect(registry.attestNode(small, validUntil, content.evidence, signatures)).to.emit(
      registry,
      "NodeAttested",
    );
    expect(await registry.ratePerDay(small)).to.equal(SLOW);
    // what it is attested as is what it was registered as, for good
    expect((await registry.node(small)).gpuCount).to.equal(1n);
  });
});
