import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { BATCH_STEPS } from "@turingfog/network";
import { readMeteredReceiptFile } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { deployProtocolFixture, type Protocol } from "../../../../../test/helpers/fixture";
import { MeteredNode } from "../../helpers/meteredNode";
import { SignerProcesses, until } from "../../helpers/signerProcesses";

const INTERVAL = 3_600n;

const SETTINGS = {
  chain: { network: "localhost", deployments: "../deployments", confirmationSeconds: 0, poll: 0.1 },
  clock: "chain",
  tick: 0.1,
  interval: Number(INTERVAL),
  delay: 300,
  allowPrivate: true,
  challenges: { perTU: 1_000_000, work: 1, grace: 30, slot: 60, oneIn: 1, patience: 3_600 },
};

interface World {
  protocol: Protocol;
  processes: SignerProcesses;
  node: MeteredNode;
}

async function withWorld(test: (world: World) => Promise<void>): Promise<void> {
  const protocol = await loadFixture(deployProtocolFixture);
  const node = await MeteredNode.start(protocol, protocol.actors.miners[0]);
  const processes = await SignerProcesses.start(protocol, SETTINGS);
  try {
    node.answer(processes.signers);
    await test({ protocol, processes, node });
  } finally {
    await node.stop();
    await processes.stop();
  }
}

/** Lets the node measure until now, has all signers challenge it afterwards, and ends the interval. */
async function work({ node, processes }: World): Promise<void> {
  const up = processes.signers.filter(({ isUp }) => isUp);
  const now = BigInt(await time.latest());
  await node.measure(now);
  await Promise.all(up.map((signer) => node.post(signer)));
  const before = up.map((signer) => signer.logged("challenge passed").length);
  await time.increase(60);
  await until("Every signer's challenge", async () =>
    up.every((signer, i) => !signer.isUp || signer.logged("challenge passed").length > before[i]) ? true : undefined,
  );
  await time.increaseTo((BigInt(await time.latest()) / INTERVAL + 1n) * INTERVAL);
}

async function rootAfter({ protocol: { contracts } }: World, count: number): Promise<{ dataHash: string }> {
  return until(`Root ${count + 1}`, async () => {
    const logs = await contracts.oracle.queryFilter(contracts.oracle.filters.RootSubmitted());
    return logs.at(count)?.args;
  });
}

/** The TU of the order in a published file; the first signer that has it. */
async function published({ processes, node }: World, dataHash: string): Promise<bigint> {
  return until("The publication of a file", async () => {
    for (const { endpoint } of processes.signers) {
      const answer = await fetch(`${endpoint}/v1/receipts/${dataHash}`).catch(() => undefined);
      if (answer?.status !== 200) continue;
      const { receipts } = await readMeteredReceiptFile([new Uint8Array(await answer.arrayBuffer())]);
      const [receipt] = receipts;
      expect(receipt.orderId).to.equal(node.orderId);
      return receipt.cumulativeTU;
    }
    return undefined;
  });
}

/** Steps at which a signer is killed here; `STEPS=all` takes every one of them. */
const STEPS =
  process.env.STEPS === "all"
    ? BATCH_STEPS.filter((each) => !each.startsWith("signer.veto") && !each.startsWith("signer.vote"))
    : ["signer.file.written", "signer.file.stored", "signer.signature.stored", "signer.submission.before-send"];

describe("turingfog signer run, four processes", () => {
  it("bring a node's readings, challenged by each, to the chain; answer for their health, and stop cleanly", () =>
    withWorld(async (world) => {
      const { processes, node } = world;
      await time.increase(600);
      await work(world);
      const { dataHash } = await rootAfter(world, 0);
      expect(await published(world, dataHash)).to.equal(node.readings[0].cumulativeTU);
      const [signer] = processes.signers;
      const health = await fetch(`${signer.monitor}/health`);
      expect(await health.json()).to.have.nested.property("parts.peers.state", "ok");
      expect(await (await fetch(`${signer.monitor}/metrics`)).text()).to.include("turingfog_signer_proposals_total");
      expect(await signer.end("SIGTERM")).to.equal(0);
    }));

  it("go on where they were, killed before and after what they store and send, with one root for each interval", () =>
    withWorld(async (world) => {
      const { processes, protocol } = world;
      await time.increase(600);
      for (const [count, killAt] of STEPS.entries()) {
        // whoever proposes in the interval that ends next
        const number = Number(((BigInt(await time.latest()) + 60n) / INTERVAL) % 4n);
        const victim = processes.signers[number];
        await victim.end("SIGTERM");
        victim.start(killAt);
        await work(world);
        expect(await victim.ended(), killAt).to.equal(null);
        victim.start();
        const { dataHash } = await rootAfter(world, count);
        expect(await published(world, dataHash), killAt).to.equal(world.node.readings[count].cumulativeTU);
      }
      const { oracle } = protocol.contracts;
      expect(await oracle.queryFilter(oracle.filters.RootSubmitted())).to.have.lengthOf(STEPS.length);
    })).timeout(1_200_000);
});
