import path from "node:path";

import { time } from "@nomicfoundation/hardhat-network-helpers";
import { makeGrant, NodeClient, sealBundle } from "@turingfog/network";
import { TuringFog } from "@turingfog/sdk/ethers";
import { decodeReceiptFile, GRANT, jobDomain, NODE_DOCUMENT, ReceiptTree, ROOTS, SIGNERS } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { openOrder } from "../../../../test/helpers/market";
import { JOB_OF_TESTS } from "../helpers/jobs";
import { OrderNetwork, PRICE } from "../helpers/orderNetwork";
import { dataFiles, tinyPlan, trainingJob } from "../helpers/training";

const TU = 10n ** 18n;
const PLAN = tinyPlan({ rounds: 5 });
/** Images of one worker in all rounds, and those of a whole TU: so many that each node's rate has room for them at once. */
const IMAGES = 60n;
const IMAGES_PER_TU = 600_000n;
const PAID = (IMAGES * TU) / IMAGES_PER_TU;

describe("A joint order of several owners' nodes", () => {
  it("trains one model, is audited, and pays each owner for its own images [slow]", async () => {
    const network = await OrderNetwork.open();
    try {
      await throughTheNetwork(network);
    } finally {
      await network.close();
    }
  });
});

/** Opens a joint order of the training job, and lets all nodes and signers read it. */
async function open(network: OrderNetwork): Promise<bigint> {
  const { protocol, client, signers, agents, nodeIds } = network;
  const { contracts, actors, addresses } = protocol;
  const renter = actors.renters[0];
  const asset = (await contracts.tft.getAddress()).toLowerCase();
  const terms = { nodeId: 0n, asset, tuAmount: TU, renter: renter.address.toLowerCase() };
  const job = trainingJob(PLAN, { ...terms, escrow: addresses.escrow.toLowerCase(), imagesPerTU: IMAGES_PER_TU }, 3);
  const sealed = path.join(network.folder, "bundle.age");
  const { hash: jobHash, key } = await sealBundle(
    { ...job, resultTo: JOB_OF_TESTS.resultTo },
    await dataFiles(),
    sealed,
  );
  const ordered = { nodeId: 0n, maxUnitPrice: PRICE, tuAmount: TU, duration: 14_400n, jobHash };
  const orderId = await openOrder(protocol, renter, contracts.tft, ordered);

  const domain = jobDomain(31_337n, addresses.escrow);
  const grant = (recipient: string) => makeGrant(renter, domain, orderId, recipient, key.identity);
  const told = await network.until(
    "The documents of all signers",
    async () => {
      const { documents } = SIGNERS.decode(await client.get(`${signers[0].endpoint}/v1/signers`));
      return documents.length === signers.length ? documents : undefined;
    },
    60,
  );
  for (const { endpoint, encryptionKey } of told) {
    const body = GRANT.encode(await grant(encryptionKey));
    await network.until("A grant", () => client.put(`${endpoint}/v1/orders/${orderId}/grants`, body), 60);
  }
  for (const { endpoint } of agents) {
    const { encryptionKey } = await network.until(
      "A node's document",
      async () => NODE_DOCUMENT.decode(await client.get(`${endpoint}/v1/document`)),
      60,
    );
    const node = new NodeClient(client, endpoint, orderId);
    await node.send(await grant(encryptionKey), sealed, performance.now() + 60_000, () => undefined);
  }
  expect(nodeIds.length).to.equal(agents.length);
  return orderId;
}

async function throughTheNetwork(network: OrderNetwork): Promise<void> {
  const { protocol, nodeIds, client, signers, agents } = network;
  const { contracts, actors, addresses } = protocol;
  await network.startSigners();
  await network.startAgents([{ kind: "training", name: "train", roundSeconds: 120 }]);
  const orderId = await open(network);

  for (const { endpoint } of agents) {
    const node = new NodeClient(client, endpoint, orderId);
    await network.until(
      "The end of the run",
      async () => ((await node.state()).state === "released" ? true : undefined),
      300,
    );
    expect((await node.state()).images).to.equal(Number(IMAGES));
  }

  // every signer audits at least the first three rounds and the last one, and only then pays all of them; a node whose rounds
  // were audited earlier comes into an earlier root
  const trees = await network.until(
    "Roots on the chain with receipts of all images",
    async () => {
      const { roots } = ROOTS.decode(await client.get(`${signers[0].endpoint}/v1/roots?after=0`));
      const found: ReceiptTree[] = [];
      const paid = new Set<bigint>();
      for (const { dataHash } of roots) {
        const receipts = decodeReceiptFile(await client.get(`${signers[0].endpoint}/v1/receipts/${dataHash}`));
        const whole = receipts.filter(({ cumulativeTU, nodeId }) => cumulativeTU === PAID && !paid.has(nodeId));
        if (whole.length === 0) continue;
        const tree = await ReceiptTree.of(receipts);
        if ((await contracts.oracle.status(tree.root))[0] === 0n) continue;
        found.push(tree);
        for (const { nodeId } of whole) paid.add(nodeId);
      }
      return paid.size === nodeIds.length ? found : undefined;
    },
    280,
  );
  await network.stopAgents();
  await time.increase(await contracts.oracle.VETO_WINDOW());
  const fog = new TuringFog(addresses, actors.stranger);
  for (const tree of trees) await fog.settle(await contracts.tft.getAddress(), tree);
  for (const nodeId of nodeIds) expect(await contracts.escrow.settledTU(orderId, nodeId)).to.equal(PAID);
}
