import { readFileSync } from "node:fs";
import path from "node:path";

import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import {
  encodeMeasurementFile,
  evidenceOf,
  gpuModelOf,
  MissingNetworksError,
  ratingOf,
  RefusedLogError,
  DAY,
} from "@turingfog/sdk";
import {
  AlreadyRatedError,
  AmbiguousGpuError,
  type Attestation,
  checkAttested,
  encodeSignatureFile,
  QuorumNotReachedError,
  ratingAttestation,
  ReadBackError,
  readSignerSet,
  RevertError,
  signAttestation,
  SignatureFileError,
  type SignerSet,
  submitAttestation,
  WrongHardwareError,
} from "@turingfog/sdk/ethers";
import { attestationOfLog, readMeasurements, readSignatureFile } from "@turingfog/sdk/node";
import type { Signature } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id } from "ethers";
import { ethers } from "hardhat";

import { deployProtocolFixture, type Protocol } from "../../../../test/helpers/fixture";
import { passVetoWindow } from "../../../../test/helpers/market";
import { editedLog, EXAMPLE_100, EXAMPLE_100_E3, fileOf, LOGS, thrownBy } from "../../../../test/helpers/tuLogs";
import type { NodeRegistry } from "../../../../typechain-types";

const LOG = path.join(EXAMPLE_100, "resnet50.log");

async function signedBy(
  count: number,
  { actors }: Protocol,
  signerSet: SignerSet,
  attestation: Attestation,
): Promise<Signature[]> {
  return Promise.all(
    actors.oracleSigners.slice(0, count).map((signer) => signAttestation(signer, signerSet, attestation)),
  );
}

/** A registry with the GPU of the logs rated, and a node of it. */
async function withExampleNode(protocol: Protocol): Promise<bigint> {
  const { contracts, actors } = protocol;
  const signerSet = await readSignerSet(contracts.oracle);
  const rating = await ratingAttestation(contracts.registry, signerSet, await readMeasurements(EXAMPLE_100));
  await submitAttestation(contracts.registry, signerSet, rating, await signedBy(3, protocol, signerSet, rating));
  await passVetoWindow(protocol);
  const registry = contracts.registry.connect(actors.miners[0]);
  const args = [gpuModelOf("Example 100"), 1n, actors.miners[0].address, ""] as const;
  const nodeId = await registry.registerNode.staticCall(...args);
  await registry.registerNode(...args);
  return nodeId;
}

/** The registry, but for some of its answers. */
function lying(registry: NodeRegistry, answers: Partial<Record<keyof NodeRegistry, unknown>>): NodeRegistry {
  const properties = Object.entries(answers).map(([name, value]) => [name, { value }]);
  return Object.create(registry, Object.fromEntries(properties) as PropertyDescriptorMap) as NodeRegistry;
}

describe("attestation", () => {
  describe("ratingAttestation", () => {
    it("refuses a table of several GPUs", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const table = await readMeasurements(fileOf("a.csv", "network,A,B\nAlexNet,1,2\n"));
      const error = await thrownBy(ratingAttestation(contracts.registry, { version: 1n }, table));
      expect(error).to.be.instanceOf(AmbiguousGpuError);
      expect((error as Error).message).to.equal("There are measurements of A, B; name the one to attest");
    });

    it("refuses measurements of fewer than seven networks: there is no partial attestation", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const error = await thrownBy(ratingAttestation(contracts.registry, { version: 1n }, await readMeasurements(LOG)));
      expect(error).to.be.instanceOf(MissingNetworksError);
    });

    it("refuses a model that has its rating", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const measurements = { ...(await readMeasurements(EXAMPLE_100))[0], gpu: "RTX 2080 Ti" };
      const error = await thrownBy(ratingAttestation(contracts.registry, { version: 1n }, [measurements]));
      expect(error).to.be.instanceOf(AlreadyRatedError);
      expect((error as Error).message).to.equal("RTX 2080 Ti is rated at 1.35 TU per day; a model is rated once");
    });

    it("refuses a model whose rating is pending", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, oracle } = protocol.contracts;
      const signerSet = await readSignerSet(oracle);
      const measurements = await readMeasurements(EXAMPLE_100);
      const attestation = await ratingAttestation(registry, signerSet, measurements);
      await submitAttestation(registry, signerSet, attestation, await signedBy(3, protocol, signerSet, attestation));
      const error = await thrownBy(ratingAttestation(registry, signerSet, measurements));
      expect(error).to.be.instanceOf(AlreadyRatedError);
      expect((error as AlreadyRatedError).rating).to.equal(attestation.rating);
    });

    for (const [gpu, ratedAs] of [
      ["Example 100", "NVIDIA Example 100"],
      ["Tesla P100-PCIE-12GB", "P100-PCIE-12GB"],
    ]) {
      it(`refuses ${gpu}, which has its rating as ${ratedAs}`, async () => {
        const { contracts } = await loadFixture(deployProtocolFixture);
        const ratingOfModel = (model: string) => Promise.resolve(model === id(ratedAs) ? 10n ** 18n : 0n);
        const registry = lying(contracts.registry, { ratingOf: ratingOfModel });
        const measurements = { ...(await readMeasurements(EXAMPLE_100))[0], gpu };
        const error = await thrownBy(ratingAttestation(registry, { version: 1n }, [measurements]));
        expect(error).to.be.instanceOf(AlreadyRatedError);
        expect((error as Error).message).to.equal(
          `${gpu} is rated at 1.0 TU per day, as "${ratedAs}"; a model is rated once`,
        );
      });
    }

    it("has the measurement file's hash for evidence", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const measurements = await readMeasurements(EXAMPLE_100);
      const attestation = await ratingAttestation(contracts.registry, { version: 7n }, measurements);
      const file = encodeMeasurementFile(measurements[0]);
      expect(attestation).to.deep.equal({
        type: "RatingAttestation",
        gpu: "Example 100",
        rating: ratingOf(EXAMPLE_100_E3),
        file,
        message: {
          gpuModel: id("Example 100"),
          imagesPerSecondE3: EXAMPLE_100_E3,
          evidence: evidenceOf(file),
          signerSetVersion: 7n,
        },
      });
    });
  });

  describe("nodeAttestation", () => {
    it("refuses a log that nothing can be rated by", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const log = path.join(LOGS, "refused/cut-off.log");
      const error = await thrownBy(attestationOfLog(contracts.registry, { version: 1n }, log, 1n, 1n));
      expect(error).to.be.instanceOf(RefusedLogError);
    });

    it("refuses a log of another GPU than the node's", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const nodeId = await withExampleNode(protocol);
      const log = fileOf("a.log", editedLog([/Example 100/g, "Example 200"]));
      const error = await thrownBy(attestationOfLog(protocol.contracts.registry, { version: 1n }, log, nodeId, 1n));
      expect(error).to.be.instanceOf(WrongHardwareError);
      expect((error as Error).message).to.equal(
        `Node ${nodeId} is not registered with Example 200, which the log is of`,
      );
    });

    it("takes a driver's name of a V100 for a node of the genesis model", async () => {
      const { contracts, actors } = await loadFixture(deployProtocolFixture);
      const registry = contracts.registry.connect(actors.miners[0]);
      const args = [gpuModelOf("V100"), 1n, actors.miners[0].address, ""] as const;
      const nodeId = await registry.registerNode.staticCall(...args);
      await registry.registerNode(...args);
      for (const name of ["Tesla V100-PCIE-16GB", "Tesla V100-SXM2-16GB", "Tesla V100-SXM3-32GB"]) {
        const log = fileOf("a.log", editedLog([/NVIDIA Example 100/g, name]));
        const { gpu, message } = await attestationOfLog(contracts.registry, { version: 7n }, log, nodeId, 9n);
        expect([gpu, message.nodeId]).to.deep.equal(["V100", nodeId]);
      }
    });

    it("takes the card that the user names for a driver that tells only the chip", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const log = fileOf("a.log", editedLog([/NVIDIA Example 100/g, "Vega 20"]));
      const node = { gpuModel: gpuModelOf("Radeon VII") };
      const registry = lying(contracts.registry, { node: () => Promise.resolve(node) });
      const { gpu } = await attestationOfLog(registry, { version: 7n }, log, 1n, 9n, "Radeon VII");
      expect(gpu).to.equal("Radeon VII");
      expect(await thrownBy(attestationOfLog(registry, { version: 7n }, log, 1n, 9n))).to.be.instanceOf(
        RefusedLogError,
      );
    });

    it("refuses a node that is not registered", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const error = await thrownBy(attestationOfLog(contracts.registry, { version: 1n }, LOG, 1n, 1n));
      expect(error).to.be.instanceOf(WrongHardwareError);
    });

    it("has the log's hash for evidence", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const nodeId = await withExampleNode(protocol);
      expect(await attestationOfLog(protocol.contracts.registry, { version: 7n }, LOG, nodeId, 9n)).to.deep.equal({
        type: "NodeAttestation",
        gpu: "Example 100",
        message: { nodeId, validUntil: 9n, evidence: evidenceOf(readFileSync(LOG)), signerSetVersion: 7n },
      });
    });
  });

  describe("readSignatureFile", () => {
    it("refuses what is not JSON, and JSON of another format", async () => {
      const { contracts } = await loadFixture(deployProtocolFixture);
      const signerSet = await readSignerSet(contracts.oracle);
      const attestation = await ratingAttestation(contracts.registry, signerSet, await readMeasurements(EXAMPLE_100));
      for (const [content, reason] of [
        ["{", "is not JSON"],
        ["null", "is not a turingfog-signature-v1"],
        ['{"format":"turingfog-signature-v1"}', "is not a turingfog-signature-v1"],
      ]) {
        const file = fileOf("a.json", content);
        const error = await thrownBy(readSignatureFile(file, signerSet, attestation));
        expect(error).to.be.instanceOf(SignatureFileError);
        expect((error as Error).message).to.equal(`${file}: ${reason}`);
      }
    });

    it("refuses a signature for other measurements or another signer set, and reads one for these", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { contracts } = protocol;
      const signerSet = await readSignerSet(contracts.oracle);
      const attestation = await ratingAttestation(contracts.registry, signerSet, await readMeasurements(EXAMPLE_100));
      const [signature] = await signedBy(1, protocol, signerSet, attestation);
      const file = fileOf("a.json", encodeSignatureFile(signerSet, attestation, signature));
      expect(await readSignatureFile(file, signerSet, attestation)).to.deep.equal(signature);

      for (const change of [{ evidence: id("other") }, { signerSetVersion: signerSet.version + 1n }]) {
        const other = { ...attestation, message: { ...attestation.message, ...change } };
        const error = await thrownBy(readSignatureFile(file, signerSet, other));
        expect(error).to.be.instanceOf(SignatureFileError);
        const { evidence, signerSetVersion } = other.message;
        expect((error as Error).message).to.equal(
          `${file}: is not for the RatingAttestation of evidence ${evidence} under signer set ${signerSetVersion}`,
        );
      }
    });
  });

  describe("submitAttestation", () => {
    it("refuses fewer signatures than the quorum", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, oracle } = protocol.contracts;
      const signerSet = await readSignerSet(oracle);
      const attestation = await ratingAttestation(registry, signerSet, await readMeasurements(EXAMPLE_100));
      const two = await signedBy(2, protocol, signerSet, attestation);
      const error = await thrownBy(submitAttestation(registry, signerSet, attestation, [...two, two[0]]));
      expect(error).to.be.instanceOf(QuorumNotReachedError);
      expect(await registry.ratingOf(gpuModelOf("Example 100"))).to.equal(0n);
    });

    it("passes on what the registry refuses, by name", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, oracle } = protocol.contracts;
      const nodeId = await withExampleNode(protocol);
      const signerSet = await readSignerSet(oracle);
      const attestation = await attestationOfLog(registry, signerSet, LOG, nodeId, 1n);
      const signatures = await signedBy(3, protocol, signerSet, attestation);
      const error = await thrownBy(submitAttestation(registry, signerSet, attestation, signatures));
      expect(error).to.be.instanceOf(RevertError);
      expect((error as RevertError).error).to.equal("Registry_ValidityOutOfBounds");
    });

    it("attests a rating, which the registry computes to the last digit", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, oracle } = protocol.contracts;
      const signerSet = await readSignerSet(oracle);
      const attestation = await ratingAttestation(registry, signerSet, await readMeasurements(EXAMPLE_100));
      const signatures = await signedBy(4, protocol, signerSet, attestation);
      const { transaction, signers, countsFrom } = await submitAttestation(
        registry,
        signerSet,
        attestation,
        signatures,
      );
      expect(countsFrom).to.equal(BigInt(await time.latest()) + protocol.params.vetoWindow);
      expect(signers).to.deep.equal(protocol.actors.oracleSigners.slice(0, 3).map(({ address }) => address));
      const { gpuModel, evidence } = attestation.message;
      expect(await registry.pendingRating(gpuModel)).to.deep.equal([ratingOf(EXAMPLE_100_E3), countsFrom]);
      const filter = registry.filters.ModelRated(gpuModel, undefined, undefined, evidence);
      const [log] = await registry.queryFilter(filter);
      expect(log.transactionHash).to.equal(transaction);
    });

    it("attests a node", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, oracle } = protocol.contracts;
      const nodeId = await withExampleNode(protocol);
      const signerSet = await readSignerSet(oracle);
      const until = BigInt(await time.latest()) + DAY;
      const attestation = await attestationOfLog(registry, signerSet, LOG, nodeId, until);
      const signatures = await signedBy(3, protocol, signerSet, attestation);
      const { countsFrom } = await submitAttestation(registry, signerSet, attestation, signatures);
      expect(await registry.pendingAttestation(nodeId)).to.deep.equal([countsFrom, until]);

      await time.increaseTo(countsFrom);
      const renewal = await attestationOfLog(registry, signerSet, LOG, nodeId, until + 1n);
      const renewed = await signedBy(3, protocol, signerSet, renewal);
      expect((await submitAttestation(registry, signerSet, renewal, renewed)).countsFrom).to.equal(countsFrom);
      expect((await registry.node(nodeId)).attestedUntil).to.equal(until + 1n);
    });

    it("finds out when the registry's rating or evidence is not what was attested", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, oracle } = protocol.contracts;
      const signerSet = await readSignerSet(oracle);
      const attestation = await ratingAttestation(registry, signerSet, await readMeasurements(EXAMPLE_100));
      const signatures = await signedBy(3, protocol, signerSet, attestation);
      const { transaction } = await submitAttestation(registry, signerSet, attestation, signatures);
      const { rating, message } = attestation;

      await expectReadBack(registry, { ...attestation, rating: rating + 1n }, transaction, [
        `The registry's rating is ${rating}, not ${rating + 1n}`,
        `The registry's evidence is nothing, not ${message.evidence}`,
      ]);
    });

    it("finds out when the node's attestation or its evidence is not what was attested", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { registry, oracle } = protocol.contracts;
      const nodeId = await withExampleNode(protocol);
      const signerSet = await readSignerSet(oracle);
      const until = BigInt(await time.latest()) + DAY;
      const attestation = await attestationOfLog(registry, signerSet, LOG, nodeId, until);
      const signatures = await signedBy(3, protocol, signerSet, attestation);
      const { transaction } = await submitAttestation(registry, signerSet, attestation, signatures);
      const { message } = attestation;

      const other = { ...attestation, message: { ...message, validUntil: until + 1n } };
      await expectReadBack(registry, other, transaction, [
        `The registry's attestedUntil is ${until}, not ${until + 1n}`,
        `The registry's evidence is nothing, not ${message.evidence}`,
      ]);
    });
  });
});

/** Expects one refusal of what was not attested, and another of a transaction that attested nothing. */
async function expectReadBack(
  registry: NodeRegistry,
  attestation: Attestation,
  transaction: string,
  [other, none]: readonly [string, string],
): Promise<void> {
  const receipt = await ethers.provider.getTransactionReceipt(transaction);
  expect(receipt).not.to.equal(null);
  for (const [logs, message] of [
    [receipt?.logs ?? [], other],
    [[], none],
  ] as const) {
    const error = await thrownBy(checkAttested(registry, attestation, { logs }));
    expect(error).to.be.instanceOf(ReadBackError);
    expect((error as Error).message).to.equal(message);
  }
}
