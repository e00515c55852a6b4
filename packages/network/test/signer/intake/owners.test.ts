import { HttpClient, INTAKE_MIGRATIONS, type IntakeTables, NodeDocuments } from "@turingfog/network";
import { NODE_DOCUMENT, type NodeDocument } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id, Wallet, ZeroHash } from "ethers";

import { LOG, StoppedClock } from "../../helpers/intake";
import { NODE_DOMAIN, START } from "../../helpers/meters";
import { Stores } from "../../helpers/stores";

const [SELLER, BUYER] = ["seller", "buyer"].map((name) => new Wallet(id(name)));
const [OLD, NEW] = [`0x${"0a".repeat(20)}`, `0x${"0b".repeat(20)}`];
const NODE = 1n;

/** The documents of one node, which belongs to the seller until it is sold. */
async function withDocuments(
  test: (world: {
    open: () => Promise<NodeDocuments>;
    node: { owner: string; ownedSince: bigint };
    clock: StoppedClock;
    text: (by: Wallet, change: Partial<NodeDocument>) => Promise<string>;
  }) => Promise<void>,
): Promise<void> {
  const stores = new Stores();
  const client = new HttpClient();
  const clock = new StoppedClock(START);
  const node = { owner: SELLER.address.toLowerCase(), ownedSince: 0n };
  const { db } = await stores.openNew<IntakeTables>(INTAKE_MIGRATIONS);
  const facts = {
    node: (nodeId: bigint) =>
      nodeId === NODE
        ? { nodeId, gpuModel: ZeroHash, ratePerDay: 1n, metadataURI: "data:,", attestations: [], ...node }
        : undefined,
    isSignedByContract: async () => false,
  };
  const open = () =>
    NodeDocuments.open({ db, facts, domain: NODE_DOMAIN, clock, client, log: LOG, allowPrivate: false });
  const text = async (by: Wallet, change: Partial<NodeDocument>) =>
    NODE_DOCUMENT.encode(
      await NODE_DOCUMENT.sign(by, NODE_DOMAIN, {
        nodeId: NODE,
        sequence: 1n,
        expiresAt: START + 1_000_000n,
        endpoint: "https://node.example",
        meterKey: OLD,
        encryptionKey: `age1${"q".repeat(58)}`,
        runners: [{ kind: "process", name: "a", slots: {} }],
        ...change,
      }),
    );
  try {
    await test({ open, node, clock, text });
  } finally {
    client.close();
    await stores.close();
  }
}

describe("the documents of a node that changes hands", () => {
  it("count an earlier owner's for the time before the transfer alone, however high their sequence", () =>
    withDocuments(async ({ open, node, clock, text }) => {
      const documents = await open();
      await documents.show(await text(SELLER, { sequence: 2n ** 64n - 1n }));
      clock.time += 1_000n;
      Object.assign(node, { owner: BUYER.address.toLowerCase(), ownedSince: clock.time });
      expect(documents.keysAt(NODE, clock.time)).to.deep.equal([]);
      expect(documents.shown(NODE)).to.deep.equal([]);
      expect(await documents.show(await text(SELLER, { sequence: 2n }))).to.equal(false);
      expect(await documents.show(await text(BUYER, { sequence: 1n, meterKey: NEW }))).to.equal(true);
      for (const each of [documents, await open()]) {
        expect(each.keysAt(NODE, clock.time + 1n)).to.deep.equal([NEW]);
        expect(each.keysAt(NODE, clock.time - 1n)).to.deep.equal([OLD]);
      }
    }));

  it("have no key in force if their owner signed two of the highest sequence", () =>
    withDocuments(async ({ open, clock, text }) => {
      const documents = await open();
      await documents.show(await text(SELLER, { sequence: 1n }));
      clock.time += 1n;
      await documents.show(await text(SELLER, { sequence: 2n, meterKey: NEW }));
      clock.time += 1n;
      expect(documents.keysAt(NODE, clock.time)).to.deep.equal([NEW]);
      await documents.show(await text(SELLER, { sequence: 2n, meterKey: NEW, endpoint: "https://other.example" }));
      expect(documents.keysAt(NODE, clock.time)).to.deep.equal([]);
    }));

  it("remember nothing of nodes that the chain does not have", () =>
    withDocuments(async ({ open }) => {
      const documents = await open();
      for (let nodeId = 2n; nodeId < 1_000n; ++nodeId) documents.want(nodeId);
      expect((documents as unknown as { tried: Map<bigint, number> }).tried.size).to.equal(0);
    }));
});
