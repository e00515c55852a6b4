import { time } from "@nomicfoundation/hardhat-network-helpers";
import { CHAIN_MIGRATIONS, ChainFacts, type ChainOptions, type ChainTables, Health } from "@turingfog/network";
import { Node, NodeProvider } from "@turingfog/operator";
import { HOUR, TU } from "@turingfog/sdk";
import { encodeReceiptFile, receiptDataHash } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id, parseUnits, toQuantity, ZeroAddress } from "ethers";
import { ethers, network } from "hardhat";

import { deployProtocolFixture, type Protocol } from "../../../../test/helpers/fixture";
import {
  attestNode,
  listNode,
  openOrder,
  passVetoWindow,
  registerNode,
  stopAndClose,
  submitReceipts,
} from "../../../../test/helpers/market";
import {
  type Backend,
  behindBy,
  chainBehind,
  FAULTS,
  type Habit,
  HABITS,
  MisbehavingNode,
  prunedBefore,
  silentBefore,
} from "../../../../test/helpers/misbehavingNode";
import { prepareDisturbance } from "../../../../test/helpers/nodes";
import { acknowledge } from "../../../../test/helpers/orders";
import { StoppedClock } from "../helpers/intake";
import { Stores } from "../helpers/stores";

const PRICE = parseUnits("1", 6);
const CHAIN_ID = 31_337;

/** A deployment with a node and an order on it, and what follows it through a node that may misbehave. */
async function withChain(
  test: (world: {
    protocol: Protocol;
    node: MisbehavingNode;
    nodeId: bigint;
    orderId: bigint;
    follow: (options?: Partial<ChainOptions>) => ChainFacts;
    clock: StoppedClock;
    db: ChainOptions["db"];
  }) => Promise<void>,
): Promise<void> {
  const protocol = await deployProtocolFixture();
  const { addresses, contracts, actors } = protocol;
  const nodeId = await listNode(protocol, actors.miners[0], contracts.usd, PRICE);
  const orderId = await openOrder(protocol, actors.renters[0], contracts.usd, { nodeId, maxUnitPrice: PRICE });
  const stores = new Stores();
  const node = await MisbehavingNode.start(chainBehind(network.provider));
  const { db } = await stores.openNew<ChainTables>(CHAIN_MIGRATIONS);
  const clock = new StoppedClock();
  const follow = (options: Partial<ChainOptions> = {}) =>
    new ChainFacts({
      connect: async () => new NodeProvider(new Node("localhost", new URL(node.url), 2_000), BigInt(CHAIN_ID)),
      book: { chainId: CHAIN_ID, addresses, firstBlock: 0 },
      network: "localhost",
      poll: 1,
      db,
      clock,
      health: new Health(),
      ...options,
    });
  try {
    await test({ protocol, node, nodeId, orderId, follow, clock, db });
  } finally {
    await node.stop();
    await stores.close();
  }
}

/** What is acted on, and `follow` to take over what has happened until then. */
interface Given {
  root: string;
  nodeId: bigint;
  follow: () => Promise<void>;
}

/** Answers about logs without those of the last blocks, as a node does whose index is behind its blocks. */
function silentAfter(block: number): Habit {
  return async (request: Parameters<Habit>[0], backend: Backend) => {
    if (request.method !== "eth_getLogs") return backend(request);
    const filter = request.params[0] as { fromBlock: string; toBlock: string };
    if (Number(filter.fromBlock) > block) return { result: [] };
    const toBlock = toQuantity(Math.min(block, Number(filter.toBlock)));
    return backend({ ...request, params: [{ ...filter, toBlock }] });
  };
}

describe("ChainFacts", () => {
  it("has orders, nodes and signers as the contracts have them", async () => {
    await withChain(async ({ protocol: { contracts, actors }, nodeId, orderId, follow }) => {
      const facts = follow();
      await facts.advance();
      const order = await contracts.escrow.order(orderId);
      expect(facts.order(orderId)).to.include({
        nodeId,
        asset: order.asset.toLowerCase(),
        tuAmount: order.tuAmount,
        unitPrice: order.unitPrice,
        startedAt: order.startedAt,
        endsAt: order.endsAt,
        deposit: order.deposit,
        closed: false,
        jobHash: id("job"),
        refundTo: ZeroAddress,
        holder: actors.renters[0].address.toLowerCase(),
      });
      const { attestedFrom, attestedUntil, owner, gpuModel } = await contracts.registry.node(nodeId);
      expect(facts.node(nodeId)).to.deep.equal({
        nodeId,
        owner: owner.toLowerCase(),
        ownedSince: 0n,
        gpuModel,
        ratePerDay: await contracts.registry.ratePerDay(nodeId),
        metadataURI: "ipfs://node",
        attestations: [{ from: attestedFrom, until: attestedUntil }],
      });
      const signers = (await contracts.oracle.signers()).map((signer) => signer.toLowerCase());
      expect(facts.signers()).to.deep.equal({
        signers,
        quorum: Number(await contracts.oracle.quorum()),
        version: await contracts.oracle.signerSetVersion(),
      });
      expect(facts.openOrders()).to.have.length(1);
      expect(facts.openOrdersOf(nodeId)).to.have.length(1);
      expect(facts.blockTime()).to.equal(BigInt(await time.latest()));
    });
  });

  it("follows acknowledgements, transfers, stops and closings", async () => {
    await withChain(async ({ protocol, orderId, nodeId, follow }) => {
      const { contracts, actors } = protocol;
      const [renter, buyer] = actors.renters;
      const facts = follow();
      await facts.advance();
      const acknowledgement = await acknowledge(protocol, renter, orderId, TU / 4n);
      await contracts.escrow.settleAcknowledged(contracts.usd, [acknowledgement]);
      await contracts.escrow.connect(renter).transferFrom(renter, buyer, orderId);
      await facts.advance();
      expect(facts.order(orderId)).to.include({ acknowledgedTU: TU / 4n, holder: buyer.address.toLowerCase() });
      expect(facts.order(orderId)?.settledTU(nodeId)).to.equal(TU / 4n);

      await stopAndClose(protocol, buyer, orderId);
      await facts.advance();
      expect(facts.order(orderId)).to.include({ closed: true, holder: buyer.address.toLowerCase() });
      expect(facts.openOrders()).to.deep.equal([]);
    });
  });

  it("says whether a root is pending, final, vetoed or expired, and whether there is a freeze, as the oracle does", async () => {
    await withChain(async ({ protocol, orderId, nodeId, follow }) => {
      const { contracts, actors } = protocol;
      const facts = follow();
      const submit = async (cumulativeTU: bigint) => {
        const receipt = { orderId, nodeId, cumulativeTU, measuredAt: BigInt(await time.latest()) };
        await submitReceipts(protocol, [receipt]);
        return receiptDataHash(encodeReceiptFile([{ ...receipt, meterLogHash: id("meter log") }]));
      };
      const stateOf = async (dataHash: string) => {
        await facts.advance();
        const root = facts.root(dataHash);
        const [, finalAt] = await contracts.oracle.status(root?.receiptsRoot ?? id("none"));
        expect(root?.finalAt ?? 0n).to.equal(finalAt);
        return root?.state;
      };
      const first = await submit(1n);
      expect(await stateOf(first)).to.equal("pending");
      await passVetoWindow(protocol);
      expect(await stateOf(first)).to.equal("final");

      const vetoed = await submit(2n);
      await facts.advance();
      await contracts.oracle.connect(actors.guardian).veto(facts.root(vetoed)?.receiptsRoot ?? "");
      expect(await stateOf(vetoed)).to.equal("vetoed");

      const frozen = await submit(3n);
      await contracts.oracle.connect(actors.guardian).freeze();
      expect(await stateOf(frozen)).to.equal("pending");
      expect(facts.isFrozen()).to.equal(true);
      await contracts.oracle.connect(actors.guardian).thaw();
      expect(await stateOf(frozen)).to.equal("pending");
      expect(facts.isFrozen()).to.equal(false);
      await passVetoWindow(protocol);
      expect(await stateOf(frozen)).to.equal("final");

      const { disturb } = await prepareDisturbance(protocol, "rotation");
      const expired = await submit(4n);
      await disturb();
      expect(await stateOf(expired)).to.equal("expired");
      expect(facts.root(id("no file"))).to.equal(undefined);
    });
  });

  it("knows attestations that are revoked, or undone before they count", async () => {
    await withChain(async ({ protocol, nodeId, follow }) => {
      const { contracts, actors } = protocol;
      const other = await registerNode(protocol, actors.miners[1]);
      const facts = follow();
      await contracts.registry.connect(actors.guardian).revokeNode(nodeId);
      await facts.advance();
      for (const [node, at] of [nodeId, other].flatMap((each) => [0n, 1n, 2n].map((back) => [each, back] as const))) {
        const moment = BigInt(await time.latest()) - at;
        expect(facts.attestedAt(node, moment)).to.equal(await contracts.registry.isAttested(node, moment));
      }
    });
  });

  it("rebuilds what it knew from the store, and goes on from there", async () => {
    await withChain(async ({ protocol: { contracts, actors }, orderId, node, follow }) => {
      await follow().advance();
      await contracts.escrow.connect(actors.renters[0]).stop(orderId);
      const asked = node.logRanges.length;
      const again = follow();
      await again.advance();
      expect(again.order(orderId)?.endsAt).to.equal((await contracts.escrow.order(orderId)).endsAt);
      const [from] = node.logRanges
        .slice(asked)
        .map((range) => range.from)
        .sort((a, b) => b - a);
      expect(from).to.be.above(0);
    });
  });

  it("counts final blocks only: those that are old enough, where a node does not know which are", async () => {
    await withChain(async ({ protocol: { contracts, actors }, orderId, follow }) => {
      const facts = follow({ confirmationSeconds: 600 });
      await time.increase(HOUR);
      await facts.advance();
      const { endsAt } = facts.order(orderId) ?? {};
      await contracts.escrow.connect(actors.renters[0]).stop(orderId);
      await time.increase(598);
      await facts.advance();
      expect(facts.order(orderId)?.endsAt).to.equal(endsAt);
      await time.increase(10);
      await facts.advance();
      expect(facts.order(orderId)?.endsAt).to.equal((await contracts.escrow.order(orderId)).endsAt);
    });
  });

  it("undoes nothing that a reorganisation takes back before it is final", async () => {
    await withChain(async ({ protocol: { contracts, actors }, orderId, follow }) => {
      const facts = follow({ confirmationSeconds: 600 });
      await time.increase(HOUR);
      await facts.advance();
      const before = facts.order(orderId)?.endsAt;
      const snapshot: unknown = await network.provider.send("evm_snapshot");
      await contracts.escrow.connect(actors.renters[0]).stop(orderId);
      await facts.advance();
      await network.provider.send("evm_revert", [snapshot]);
      await time.increase(700);
      await facts.advance();
      expect(facts.order(orderId)?.endsAt).to.equal(before);
    });
  });

  it("waits on a fork of what was final, and says so", async () => {
    await withChain(async ({ follow }) => {
      const facts = follow();
      const snapshot: unknown = await network.provider.send("evm_snapshot");
      await time.increase(5);
      await facts.advance();
      await network.provider.send("evm_revert", [snapshot]);
      await time.increase(7);
      await time.increase(7);
      await expect(facts.advance()).to.be.rejectedWith("on a fork");
    });
  });

  it("waits for a node that is behind, and says so", async () => {
    await withChain(async ({ node, orderId, follow }) => {
      const facts = follow({ network: "localhost" });
      await facts.advance();
      node.habit = async (request, backend) =>
        behindBy(3)(
          { ...request, params: request.params.map((each) => (each === "finalized" ? "latest" : each)) },
          backend,
        );
      await expect(facts.advance()).to.be.rejectedWith("The node is behind");
      expect(facts.order(orderId)).not.to.equal(undefined);
    });
  });

  for (const [name, fault] of Object.entries(FAULTS)) {
    it(`waits for a node that gives ${name}, keeps its facts, and goes on`, async () => {
      await withChain(async ({ node, orderId, follow }) => {
        const health = new Health();
        const facts = follow({ health, poll: 0.05 });
        await facts.advance();
        node.habit = async () => fault;
        const end = new AbortController();
        const running = facts.run(end.signal);
        while (health.parts.chain?.state !== "waiting") await new Promise((resolve) => setTimeout(resolve, 20));
        expect(health.parts.chain.reason).to.match(/node|chain/i);
        expect(facts.order(orderId)?.closed).to.equal(false);
        node.habit = HABITS.honest;
        while (!health.isOk) await new Promise((resolve) => setTimeout(resolve, 20));
        end.abort();
        await running;
      });
    });
  }

  for (const [name, habit] of [
    ["answers every question about logs with none", () => HABITS.emptyLogs],
    ["refuses what it has pruned", (block: number) => prunedBefore(block)],
    ["leaves out what it has pruned, and does not say so", (block: number) => silentBefore(block)],
    ["has not indexed the last block, and does not say so", (block: number) => silentAfter(block - 1)],
  ] as const) {
    it(`learns nothing from a node that ${name}, and all once it has the logs`, async () => {
      await withChain(async ({ node, orderId, follow }) => {
        const facts = follow();
        node.habit = habit(await ethers.provider.getBlockNumber());
        await expect(facts.advance()).to.be.rejected;
        expect(facts.isKnown).to.equal(false);
        node.habit = HABITS.honest;
        await facts.advance();
        expect(facts.order(orderId)?.closed).to.equal(false);
      });
    });
  }

  it("reads all again if what is stored is wrong, and leaves nothing of it", async () => {
    await withChain(async ({ db, orderId, follow }) => {
      await follow().advance();
      const rows = await db.selectFrom("chain_events").selectAll().where("contract", "=", "escrow").execute();
      const twice = rows.map((row) => ({ ...row, log_index: row.log_index + 1_000n }));
      await db.insertInto("chain_events").values(twice).execute();
      await time.increase(1);
      const facts = follow();
      await expect(facts.advance()).to.be.rejectedWith("The node lacks logs");
      await facts.advance();
      expect(await db.selectFrom("chain_events").selectAll().where("contract", "=", "escrow").execute()).to.deep.equal(
        rows,
      );
      expect(facts.openOrders().map((order) => order.orderId)).to.deep.equal([orderId]);
    });
  });

  it("misses no order that a node's index did not have when it was asked first", async () => {
    await withChain(async ({ protocol, node, nodeId, follow }) => {
      const { contracts, actors } = protocol;
      const facts = follow();
      await facts.advance();
      const known = await ethers.provider.getBlockNumber();
      const orderId = await openOrder(protocol, actors.renters[1], contracts.usd, { nodeId, maxUnitPrice: PRICE });
      node.habit = silentAfter(known);
      await expect(facts.advance()).to.be.rejectedWith("The node lacks logs");
      expect(facts.order(orderId)).to.equal(undefined);
      expect(facts.openOrders()).to.have.length(1);
      node.habit = HABITS.honest;
      await facts.advance();
      expect(facts.order(orderId)?.nodeId).to.equal(nodeId);
    });
  });

  for (const [what, act] of [
    ["a veto", ({ contracts, actors }, { root }) => contracts.oracle.connect(actors.guardian).veto(root)],
    ["a freeze", ({ contracts, actors }) => contracts.oracle.connect(actors.guardian).freeze()],
    [
      "a thaw",
      async ({ contracts, actors }, { follow }) => {
        await contracts.oracle.connect(actors.guardian).freeze();
        await follow();
        await contracts.oracle.connect(actors.guardian).thaw();
      },
    ],
    [
      "a revocation",
      ({ contracts, actors }, { nodeId }) => contracts.registry.connect(actors.guardian).revokeNode(nodeId),
    ],
    [
      "an attestation",
      async (protocol, { nodeId, follow }) => {
        const { contracts, actors } = protocol;
        await contracts.registry.connect(actors.guardian).revokeNode(nodeId);
        await time.increase(1);
        await follow();
        await attestNode(protocol, nodeId);
      },
    ],
    [
      "a rotation of signers",
      async (protocol, { follow }) => {
        const { disturb } = await prepareDisturbance(protocol, "rotation");
        await follow();
        await disturb();
      },
    ],
  ] as [string, (protocol: Protocol, given: Given) => Promise<unknown>][]) {
    it(`does not take the absence of ${what} from a node whose index is behind`, async () => {
      await withChain(async ({ protocol, node, nodeId, orderId, follow }) => {
        const facts = follow();
        const receipt = { orderId, nodeId, cumulativeTU: 1n, measuredAt: BigInt(await time.latest()) };
        await submitReceipts(protocol, [receipt]);
        await facts.advance();
        const dataHash = await receiptDataHash(encodeReceiptFile([{ ...receipt, meterLogHash: id("meter log") }]));
        const root = facts.root(dataHash)?.receiptsRoot ?? "";
        await act(protocol, { root, nodeId, follow: () => facts.advance() });
        const known = facts.block().number;
        node.habit = silentAfter(known);
        await expect(facts.advance()).to.be.rejectedWith("The node lacks logs");
        expect(facts.block().number).to.equal(known);
        node.habit = HABITS.honest;
        await facts.advance();
        expect(facts.block().number).to.be.above(known);
      });
    });
  }

  it("does not take a node's rate from logs without its model's rating", async () => {
    await withChain(async ({ protocol: { contracts }, node, nodeId, follow }) => {
      const { topicHash } = contracts.registry.getEvent("ModelRated").fragment;
      node.habit = async (request, backend) => {
        const answer = await backend(request);
        if (request.method !== "eth_getLogs" || !("result" in answer)) return answer;
        return { result: (answer.result as { topics: string[] }[]).filter(({ topics }) => topics[0] !== topicHash) };
      };
      const facts = follow();
      await expect(facts.advance()).to.be.rejectedWith(`The node lacks logs until block`);
      node.habit = HABITS.honest;
      await facts.advance();
      expect(facts.node(nodeId)?.ratePerDay).to.equal(await contracts.registry.ratePerDay(nodeId));
    });
  });
});
