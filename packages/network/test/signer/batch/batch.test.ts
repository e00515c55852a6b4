import type { Verdict } from "@turingfog/network";
import { RootStatus, TU } from "@turingfog/sdk";
import { readMeteredReceiptFile, ROOTS } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id, ZeroHash } from "ethers";

import { DELAY, INTERVAL, SignerNetwork } from "../../helpers/signers";

const START = 1_900_000_000n;

/** A verdict by which all of some readings counts, each of 1 TU more. */
const verdict = (orderId: bigint, readings: bigint): Verdict => ({
  orderId,
  nodeId: 1n,
  points: Array.from({ length: Number(readings) }, (_, i) => ({
    sequence: BigInt(i) + 1n,
    measuredAt: START + 60n * BigInt(i),
    digest: id(`${orderId} ${i}`),
    countedTU: TU * (BigInt(i) + 1n),
  })),
});

/** Submitted roots, in their order. */
async function roots({ protocol }: SignerNetwork): Promise<{ receiptsRoot: string; dataHash: string }[]> {
  const { oracle } = protocol.contracts;
  const logs = await oracle.queryFilter(oracle.filters.RootSubmitted());
  return logs.map(({ args: { receiptsRoot, dataHash } }) => ({ receiptsRoot, dataHash }));
}

/** The TU of each order in a file that a signer publishes. */
async function published(port: number, dataHash: string): Promise<Record<string, bigint>> {
  const answer = await fetch(`http://127.0.0.1:${port}/v1/receipts/${dataHash}`);
  // whatever host a page that reads it is of
  expect(answer.headers.get("access-control-allow-origin")).to.equal("*");
  const file = await readMeteredReceiptFile([new Uint8Array(await answer.arrayBuffer())]);
  expect(file.dataHash).to.equal(dataHash);
  return Object.fromEntries(
    Array.from(file.receipts, ({ orderId, cumulativeTU }) => [String(orderId), cumulativeTU / TU]),
  );
}

async function withNetwork(test: (network: SignerNetwork) => Promise<void>): Promise<void> {
  const network = await SignerNetwork.start();
  try {
    await test(network);
  } finally {
    await network.stop();
  }
}

const dataHashOf = async (network: SignerNetwork) => (await roots(network)).map(({ dataHash }) => dataHash);

describe("the batches of signers", () => {
  it("bring a root to the chain at an interval's end, whose file stands at every signer", () =>
    withNetwork(async (network) => {
      network.verdicts = [verdict(1n, 3n), verdict(2n, 1n)];
      await network.pass(INTERVAL);
      const [root, ...others] = await roots(network);
      expect(others).to.deep.equal([]);
      const [status] = await network.protocol.contracts.oracle.status(root.receiptsRoot);
      expect(Number(status)).to.equal(RootStatus.Pending);
      for (const { port } of network.signers) {
        expect(await published(port, root.dataHash)).to.deep.equal({ 1: 3n, 2: 1n });
      }
    }));

  it("say nothing if there is nothing new, and only what is new", () =>
    withNetwork(async (network) => {
      await network.pass(INTERVAL);
      expect(await roots(network)).to.deep.equal([]);
      network.verdicts = [verdict(1n, 3n), verdict(2n, 1n)];
      await network.pass(INTERVAL);
      network.verdicts = [verdict(1n, 3n), verdict(2n, 2n)];
      await network.pass(INTERVAL);
      await network.pass(INTERVAL);
      const [, second, ...others] = await dataHashOf(network);
      expect(others).to.deep.equal([]);
      expect(await published(network.signers[0].port, second)).to.deep.equal({ 2: 2n });
    }));

  it("leave out, in a repeat, what a signer of the best set refuses, and take the lower receipt that all sign", () =>
    withNetwork(async (network) => {
      const [, second, third, fourth] = network.signers;
      network.verdicts = [verdict(1n, 3n), verdict(2n, 5n), verdict(3n, 1n)];
      // the second lacks least: two readings of one order. The others lack an order each
      second.differences.verdicts = [verdict(1n, 3n), verdict(2n, 3n), verdict(3n, 1n)];
      third.differences.verdicts = [verdict(1n, 3n), verdict(2n, 5n)];
      fourth.differences.verdicts = [verdict(2n, 5n)];
      await network.pass(INTERVAL, 6);
      const [dataHash] = await dataHashOf(network);
      expect(await published(second.port, dataHash)).to.deep.equal({ 1: 3n, 2: 3n });
      expect((await fetch(`http://127.0.0.1:${fourth.port}/v1/receipts/${dataHash}`)).status).to.equal(404);
      const [{ shown }] = fourth.logged("proposal refused");
      expect(shown).to.deep.equal([
        { orderId: "1", nodeId: "1", reason: "no-readings" },
        { orderId: "3", nodeId: "1", reason: "no-readings" },
      ]);
    }));

  it("leave out, in a repeat, the chain of a node that told two signers another tip than the two others", () =>
    withNetwork(async (network) => {
      const forked = verdict(1n, 3n);
      const points = [...forked.points.slice(0, -1), { ...forked.points[2], digest: id("another tip") }];
      network.verdicts = [forked, verdict(2n, 1n)];
      for (const signer of network.signers.slice(2)) {
        signer.differences.verdicts = [{ ...forked, points }, verdict(2n, 1n)];
      }
      await network.pass(INTERVAL, 6);
      const [dataHash] = await dataHashOf(network);
      expect(await published(network.signers[3].port, dataHash)).to.deep.equal({ 2: 1n });
    }));

  it("go on with one signer gone, after a delay if it was to propose", () =>
    withNetwork(async (network) => {
      network.verdicts = [verdict(1n, 1n)];
      await network.signers[2].stop();
      await network.pass(INTERVAL);
      expect(await roots(network)).to.have.lengthOf(1);

      // the third is to propose in the interval after the next
      await network.pass(INTERVAL);
      network.verdicts = [verdict(1n, 2n)];
      await network.pass(INTERVAL);
      expect(await roots(network)).to.have.lengthOf(1);
      await network.pass(DELAY);
      expect(await roots(network)).to.have.lengthOf(2);
    }));

  it("submit nothing with two signers gone, and make up for it later", () =>
    withNetwork(async (network) => {
      const [first, second] = network.signers;
      network.verdicts = [verdict(1n, 1n)];
      await first.stop();
      await second.stop();
      await network.pass(INTERVAL);
      for (let i = 0; i < 4; ++i) await network.pass(DELAY);
      expect(await roots(network)).to.deep.equal([]);
      network.verdicts = [verdict(1n, 4n)];
      await first.start();
      await second.start();
      await network.pass(INTERVAL);
      const hashes = await dataHashOf(network);
      const sums = await Promise.all(hashes.map((hash) => published(network.signers[2].port, hash)));
      expect(sums).to.deep.include({ 1: 4n });
    }));

  it("sign a file again that had no quorum in its interval, and is proposed in another", () =>
    withNetwork(async (network) => {
      const [first, second] = network.signers;
      network.verdicts = [verdict(1n, 1n)];
      await first.stop();
      await second.stop();
      await network.pass(INTERVAL);
      for (let i = 0; i < 3; ++i) await network.pass(DELAY);
      await first.start();
      await second.start();
      // to the end of the next interval in which the first is to propose
      await network.pass(4n * INTERVAL - 3n * DELAY, 6);
      expect(await roots(network)).to.have.lengthOf(1);
      expect(network.signers[2].logged("proposal signed again")).to.have.lengthOf(1);
    }));

  it("wait while the network is frozen, and submit what waits when it thaws", () =>
    withNetwork(async (network) => {
      const { contracts, actors } = network.protocol;
      await contracts.oracle.connect(actors.guardian).freeze();
      network.verdicts = [verdict(1n, 1n)];
      await network.pass(INTERVAL);
      expect(await roots(network)).to.deep.equal([]);
      expect(network.signers[0].health.parts.freeze.state).to.equal("waiting");
      await contracts.oracle.connect(actors.guardian).thaw();
      await network.pass(0n);
      expect(await roots(network)).to.have.lengthOf(1);
    }));

  it("sign again what a signer set had signed that was replaced, and submit it once more", () =>
    withNetwork(async (network) => {
      const { oracle, timelock } = network.protocol.contracts;
      const { admin } = network.protocol.actors;
      const signers = network.signers.map(({ key }) => key.address);
      const rotation = await oracle.setSigners.populateTransaction(signers, 3);
      const delay = await timelock.getMinDelay();
      const schedule = [rotation.to, 0, rotation.data, ZeroHash, ZeroHash] as const;
      await timelock.connect(admin).schedule(...schedule, delay);
      await network.pass(delay + INTERVAL);
      network.verdicts = [verdict(1n, 1n)];
      await network.pass(INTERVAL);
      const [root] = await roots(network);
      await timelock.connect(admin).execute(...schedule);
      expect(Number((await oracle.status(root.receiptsRoot))[0])).to.equal(RootStatus.Expired);

      await network.pass(1n);
      expect(Number((await oracle.status(root.receiptsRoot))[0])).to.equal(RootStatus.Pending);
      expect(await roots(network)).to.deep.equal([root, root]);
      expect(network.signers[1].logged("signer set replaced")[0]).to.deep.include({ version: 2 });
    }));

  it("keep the receipts of a vetoed root out, until a person clears it", () =>
    withNetwork(async (network) => {
      const { contracts, actors } = network.protocol;
      network.verdicts = [verdict(1n, 1n)];
      await network.pass(INTERVAL);
      const [{ receiptsRoot, dataHash }] = await roots(network);
      await contracts.oracle.connect(actors.guardian).veto(receiptsRoot);
      await network.pass(INTERVAL);
      for (const signer of network.signers) {
        expect(signer.health.parts.vetoes).to.deep.equal({
          state: "failed",
          reason: `vetoed and not cleared: ${dataHash}`,
        });
        const { vetoes } = signer.parts.batch;
        expect(await vetoes.clear(dataHash)).to.equal(true);
        expect(await vetoes.clear(dataHash)).to.equal(false);
        await signer.advance();
        expect(signer.health.parts.vetoes.state).to.equal("ok");
      }
    }));

  it("bring what was vetoed and cleared to the chain by another root, which has a receipt more", () =>
    withNetwork(async (network) => {
      const { contracts, actors } = network.protocol;
      network.verdicts = [verdict(1n, 1n)];
      await network.pass(INTERVAL);
      network.verdicts = [verdict(1n, 1n), verdict(2n, 1n)];
      await network.pass(INTERVAL);
      const [, { receiptsRoot, dataHash }] = await roots(network);
      await contracts.oracle.connect(actors.guardian).veto(receiptsRoot);
      network.verdicts = [verdict(1n, 1n)];
      await network.pass(INTERVAL);
      for (const { parts } of network.signers) expect(await parts.batch.vetoes.clear(dataHash)).to.equal(true);

      network.verdicts = [verdict(1n, 1n), verdict(2n, 1n)];
      await network.pass(INTERVAL);
      const [, , another, ...more] = await roots(network);
      expect(more).to.deep.equal([]);
      expect(await published(network.signers[0].port, another.dataHash)).to.deep.equal({ 1: 1n, 2: 1n });
    }));

  it("say that what is new makes a vetoed root alone", () =>
    withNetwork(async (network) => {
      const { contracts, actors } = network.protocol;
      network.verdicts = [verdict(1n, 1n)];
      await network.pass(INTERVAL);
      const [{ receiptsRoot }] = await roots(network);
      await contracts.oracle.connect(actors.guardian).veto(receiptsRoot);
      await network.pass(INTERVAL);
      expect(await roots(network)).to.have.lengthOf(1);
      const said = network.signers.flatMap((signer) => signer.logged("what is new makes no root but a vetoed one"));
      expect(said).not.to.deep.equal([]);
    }));

  it("sign nothing while the disk is full, and go on when there is room", () =>
    withNetwork(async (network) => {
      network.verdicts = [verdict(1n, 1n)];
      for (const signer of network.signers.slice(0, 2)) {
        signer.differences.checkDisk = async () => {
          throw new Error("full");
        };
      }
      await network.pass(INTERVAL);
      await network.pass(DELAY);
      await network.pass(DELAY);
      expect(await roots(network)).to.deep.equal([]);
      for (const signer of network.signers) signer.differences = {};
      await network.pass(1n);
      expect(await roots(network)).to.have.lengthOf(1);
    }));

  it("publish a file for thirty days, and then say that it is gone", () =>
    withNetwork(async (network) => {
      network.verdicts = [verdict(1n, 1n)];
      await network.pass(INTERVAL);
      const [{ dataHash, receiptsRoot }] = await roots(network);
      await network.pass(30n * 86_400n - INTERVAL);
      const [{ port }] = network.signers;
      const url = `http://127.0.0.1:${port}/v1/receipts/${dataHash}`;
      expect((await fetch(url)).status).to.equal(200);
      await network.pass(INTERVAL);
      const answer = await fetch(url);
      expect(answer.status).to.equal(410);
      expect(await answer.json()).to.have.property("error", "gone");
      const listed = ROOTS.decode(await (await fetch(`http://127.0.0.1:${port}/v1/roots?after=0`)).text());
      expect(listed.roots[0]).to.deep.include({ dataHash, receiptsRoot });
    }));
});
