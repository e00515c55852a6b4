import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import path from "node:path";

import { loadFixture, time } from "@nomicfoundation/hardhat-network-helpers";
import { HOUR, TU } from "@turingfog/sdk";
import { type Receipt, ReceiptTree, SIGNERS } from "@turingfog/sdk/wire";
import { expect } from "chai";
import { id } from "ethers";

import { deployProtocolFixture, type Protocol } from "../../../../test/helpers/fixture";
import { openOrder, passVetoWindow, settle, submitReceipts } from "../../../../test/helpers/market";
import { type Job, ONE_A_DAY, openJob, receiptOf, UNIT_PRICE } from "../../../../test/helpers/settling";
import { documentsOf } from "../helpers/agentWorld";
import { FileServer } from "../helpers/fileServer";
import { WatchWorld } from "../helpers/watching";

/** An order of 1 TU on a fast node, an hour old. */
async function withJob() {
  const protocol = await deployProtocolFixture();
  const job = await openJob(protocol);
  await time.increase(HOUR);
  return { protocol, job };
}

/** A slow node with two orders of 0.4 TU each, half a day old: it attains 0.55. */
async function withTwoOrders() {
  const protocol = await deployProtocolFixture();
  const job = await openJob(protocol, { hardware: ONE_A_DAY, tuAmount: (TU * 4n) / 10n });
  const { nodeId } = job;
  const { usd } = protocol.contracts;
  const terms = { nodeId, tuAmount: (TU * 4n) / 10n, maxUnitPrice: UNIT_PRICE };
  const orderId = await openOrder(protocol, protocol.actors.renters[0], usd, terms);
  const { startedAt, endsAt } = await protocol.contracts.escrow.order(orderId);
  await time.increase(12n * HOUR);
  return { protocol, job, other: { orderId, nodeId, startedAt, endsAt } };
}

/** Seconds before a time, in which a root without a file is vetoed. */
const LAST_HOUR = 3_600n;

/** Runs with a clock of its own, in milliseconds, and resolves to the waits that were begun. */
async function withClock(now: () => number, run: () => Promise<void>): Promise<number[]> {
  const waits: number[] = [];
  const timeout = AbortSignal.timeout.bind(AbortSignal);
  performance.now = now;
  AbortSignal.timeout = (wait) => {
    waits.push(wait);
    return timeout(wait);
  };
  try {
    await run();
  } finally {
    Reflect.deleteProperty(performance, "now");
    AbortSignal.timeout = timeout;
  }
  return waits;
}

/** How a signer fails to give a file, and whether that is an answer. */
const FAILURES: [string, boolean, (response: ServerResponse) => unknown][] = [
  ["breaks off", true, (response) => response.writeHead(200).write("{", () => response.destroy())],
  ["is not answered for", false, (response) => response.destroy()],
];

describe("A watch", () => {
  const made: { world?: WatchWorld } = {};
  const inWorld = async (protocol: Protocol) => (made.world = await WatchWorld.open(protocol));
  afterEach(async () => {
    await made.world?.close();
    made.world = undefined;
  });

  /** Looks once at what was submitted, with vetoes, and returns what the webhook was told. */
  async function alarmsOf(world: WatchWorld, root: string): Promise<{ alarms: string[]; status: string }> {
    const config = await world.init({ guardian: await world.guardian() });
    const { look, close } = await world.watch(config, true);
    await look();
    await close();
    return { alarms: world.alarms, status: await world.status(root) };
  }

  /** Publishes receipts, submits them, and looks. */
  async function alarmsFor(protocol: Protocol, receipts: readonly Receipt[]) {
    const world = await inWorld(protocol);
    await world.signer.publish(receipts);
    const { root } = await submitReceipts(protocol, receipts);
    return alarmsOf(world, root);
  }

  describe("on a right file", () => {
    it("logs one line, which says what the file has", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const receipts = [receiptOf(job, TU / 4n)];
      const dataHash = await world.signer.publish(receipts);
      const { root } = await submitReceipts(protocol, receipts);
      const { look, close, lines } = await world.watch(await world.init());
      await look();
      await look();
      await close();
      const [, finalAt] = await protocol.contracts.oracle.status(root);
      const checked = lines.filter(({ msg }) => msg === "root is right");
      expect(checked).to.have.length(1);
      const about = { receiptsRoot: root, dataHash, finalAt: String(finalAt) };
      expect(checked[0]).to.include({ ...about, receipts: 1, orders: 1, nodes: 1, tu: "0.25" });
    });

    it("raises nothing, vetoes nothing, and asks for it once", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const receipts = [receiptOf(job, TU / 4n)];
      await world.signer.publish(receipts);
      const { root } = await submitReceipts(protocol, receipts);
      const config = await world.init({ guardian: await world.guardian() });
      const first = await world.watch(config, true);
      expect((await first.look()).roots.map(({ outcome }) => outcome)).to.deep.equal(["right"]);
      await first.look();
      await first.close();
      const second = await world.watch(config, true);
      await second.look();
      expect(second.parts.roots.state).to.equal("ok");
      await second.close();
      expect([world.signer.asked.length, world.alarms, await world.status(root)]).to.deep.equal([1, [], "Pending"]);
    });

    it("lets TU that were acknowledged go beyond the rated speed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY });
      const { escrow } = protocol.contracts;
      const acknowledged = [{ orderId: job.orderId, cumulativeTU: TU / 2n, signature: "0x" }];
      await escrow.connect(protocol.actors.renters[0]).settleAcknowledged(protocol.contracts.usd, acknowledged);
      await time.increase(HOUR);
      const attained = await alarmsFor(protocol, [receiptOf(job, TU / 2n + TU / 24n)]);
      expect(attained).to.deep.equal({ alarms: [], status: "Pending" });
    });
  });

  describe("on a receipt that contradicts the chain", () => {
    const wrong: [string, (job: Job) => Receipt][] = [
      ["unknown-order", (job) => ({ ...receiptOf(job, TU / 4n), orderId: job.orderId + 1n })],
      ["unknown-node", (job) => ({ ...receiptOf(job, TU / 4n), nodeId: job.nodeId + 9n })],
      ["before-start", (job) => receiptOf(job, TU / 4n, job.startedAt - 1n)],
      ["after-submission", (job) => receiptOf(job, TU / 4n, job.startedAt + 3n * HOUR)],
      ["over-order", (job) => receiptOf(job, TU + 1n)],
    ];
    for (const [alarm, receipt] of wrong) {
      it(`raises ${alarm}, and vetoes`, async () => {
        const { protocol, job } = await loadFixture(withJob);
        const seen = await alarmsFor(protocol, [receipt(job)]);
        expect(seen).to.deep.equal({ alarms: [alarm, "vetoed"], status: "Vetoed" });
      });
    }

    it("raises other-node, and vetoes", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const { nodeId } = await openJob(protocol);
      const seen = await alarmsFor(protocol, [{ ...receiptOf(job, TU / 4n), nodeId }]);
      expect(seen).to.deep.equal({ alarms: ["other-node", "vetoed"], status: "Vetoed" });
    });

    it("raises over-rate above 1.1 times the rated speed, and vetoes", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY });
      await time.increase(HOUR);
      const most = (TU * 11n) / 240n;
      const seen = await alarmsFor(protocol, [receiptOf(job, most + 1n)]);
      expect(seen).to.deep.equal({ alarms: ["over-rate", "vetoed"], status: "Vetoed" });
    });

    it("raises nothing at 1.1 times the rated speed", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const job = await openJob(protocol, { hardware: ONE_A_DAY });
      await time.increase(HOUR);
      const seen = await alarmsFor(protocol, [receiptOf(job, (TU * 11n) / 240n)]);
      expect(seen).to.deep.equal({ alarms: [], status: "Pending" });
    });

    it("raises sold-twice for a node that has the same day on two orders, and vetoes", async () => {
      const { protocol, job, other } = await loadFixture(withTwoOrders);
      const now = BigInt(await time.latest());
      const receipts = [receiptOf(job, (TU * 4n) / 10n, now), receiptOf(other, (TU * 4n) / 10n, now)];
      const seen = await alarmsFor(protocol, receipts);
      expect(seen).to.deep.equal({ alarms: ["sold-twice", "vetoed"], status: "Vetoed" });
    });

    it("raises nothing for a node that has shared its day between two orders", async () => {
      const { protocol, job, other } = await loadFixture(withTwoOrders);
      const now = BigInt(await time.latest());
      const receipts = [receiptOf(job, (TU * 4n) / 10n, now), receiptOf(other, TU / 10n, now)];
      expect(await alarmsFor(protocol, receipts)).to.deep.equal({ alarms: [], status: "Pending" });
    });

    it("names each finding with how many receipts have it", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const strangers = [1n, 2n, 3n].map((each) => ({ ...receiptOf(job, TU / 4n), orderId: job.orderId + each }));
      await alarmsFor(protocol, strangers);
      const [{ text }] = (made.world as WatchWorld).told;
      expect(text).to.include("unknown-order: order ").and.include("(and 2 more)");
    });
  });

  describe("on what honest signers can have signed", () => {
    it("raises after-end for a receipt from after a stop, and vetoes nothing", async () => {
      const { protocol, job } = await loadFixture(withJob);
      await protocol.contracts.escrow.connect(protocol.actors.renters[0]).stop(job.orderId);
      await time.increase(HOUR);
      const seen = await alarmsFor(protocol, [receiptOf(job, TU / 4n, BigInt(await time.latest()))]);
      expect(seen).to.deep.equal({ alarms: ["after-end"], status: "Pending" });
    });

    it("raises not-attested for a receipt from after a revocation, and vetoes nothing", async () => {
      const { protocol, job } = await loadFixture(withJob);
      await protocol.contracts.registry.connect(protocol.actors.guardian).revokeNode(job.nodeId);
      await time.increase(HOUR);
      const seen = await alarmsFor(protocol, [receiptOf(job, TU / 4n, BigInt(await time.latest()))]);
      expect(seen).to.deep.equal({ alarms: ["not-attested"], status: "Pending" });
    });

    it("raises below-settled for fewer TU than are settled, and vetoes nothing", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const tree = await submitReceipts(protocol, [receiptOf(job, TU / 2n)]);
      await passVetoWindow(protocol);
      await settle(protocol, protocol.contracts.usd, tree);
      const seen = await alarmsFor(protocol, [receiptOf(job, TU / 4n)]);
      expect(seen).to.deep.equal({ alarms: ["below-settled"], status: "Pending" });
    });

    it("raises spike for a node that is far faster than in three files before, and vetoes nothing", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const config = await world.init({ guardian: await world.guardian() });
      const { look, close } = await world.watch(config, true);
      const tus = [20n, 30n, 40n, 65n, 130n].map((percent) => (TU * percent) / 200n);
      for (const [i, tu] of tus.entries()) {
        await time.increase(HOUR);
        const receipts = [receiptOf(job, tu, BigInt(await time.latest()))];
        await world.signer.publish(receipts);
        await submitReceipts(protocol, receipts);
        await look();
        expect(world.alarms, `file ${i}`).to.deep.equal(i < 4 ? [] : ["spike"]);
      }
      expect(world.told[0].text).to.include(`node ${job.nodeId}: `);
      await close();
    });
  });

  describe("on a file", () => {
    it("that no signer has raises file-missing once, and is vetoed in the window's last hour", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const { root } = await submitReceipts(protocol, [receiptOf(job, TU / 4n)]);
      const config = await world.init({ guardian: await world.guardian() });
      const { look, close, parts } = await world.watch(config, true);
      await look();
      await look();
      expect(parts.roots.reason).to.include("There is no such file");
      const [, finalAt] = await protocol.contracts.oracle.status(root);
      await time.increaseTo(finalAt - LAST_HOUR - 1n);
      await look();
      expect([world.alarms, await world.status(root)]).to.deep.equal([["file-missing"], "Pending"]);
      await time.increaseTo(finalAt - LAST_HOUR);
      await look();
      expect([world.alarms, await world.status(root)]).to.deep.equal([["file-missing", "vetoed"], "Vetoed"]);
      await close();
    });

    for (const [how, isAnswer, instead] of FAILURES) {
      it(`that ${how} takes no other root with it`, async () => {
        const { protocol, job } = await loadFixture(withJob);
        const world = await inWorld(protocol);
        const [failing, right] = [[receiptOf(job, TU / 4n)], [receiptOf(job, TU / 2n)]];
        world.signer.instead.set(await world.signer.publish(failing), instead);
        await world.signer.publish(right);
        const roots = [await submitReceipts(protocol, failing), await submitReceipts(protocol, right)];
        const [, finalAt] = await protocol.contracts.oracle.status(roots[1].root);
        await time.increaseTo(finalAt - LAST_HOUR);
        const { look, close } = await world.watch(await world.init({ guardian: await world.guardian() }), true);
        const seen = await look();
        expect(seen.roots.map(({ outcome }) => outcome)).to.deep.equal([undefined, "right"]);
        expect(seen.unchecked === undefined).to.equal(isAnswer);
        expect(world.alarms).to.deep.equal([...(isAnswer ? ["file-missing"] : []), "vetoed"]);
        const states = await Promise.all(roots.map(({ root }) => world.status(root)));
        expect(states).to.deep.equal(["Vetoed", "Pending"]);
        await close();
      });
    }

    it("that a slow signer has not given costs little time for the next roots", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      for (const part of [4n, 3n, 2n]) await submitReceipts(protocol, [receiptOf(job, TU / part)]);
      const { look, close } = await world.watch(await world.init());
      let passed = 0;
      const waits = await withClock(
        () => (passed += 5_000),
        async () => {
          await look();
          await look();
        },
      );
      // documents, webhooks and the chain have times of their own
      const ofFiles = waits.filter((wait) => [300_000, 5_000].includes(wait));
      expect(ofFiles).to.deep.equal([300_000, 5_000, 5_000, 300_000, 5_000, 5_000]);
      await close();
    });

    it("is asked for after what is wrong is vetoed, and for pending roots first", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const { look, close } = await world.watch(await world.init({ guardian: await world.guardian() }), true);
      await look();
      await submitReceipts(protocol, [receiptOf(job, TU / 4n)]);
      await passVetoWindow(protocol);
      const [wrong, later] = [[receiptOf(job, TU + 1n)], [receiptOf(job, TU / 2n)]];
      const hashes = [await world.signer.publish(wrong), await world.signer.publish(later)];
      const { root } = await submitReceipts(protocol, wrong);
      await submitReceipts(protocol, later);
      let status: string | undefined;
      world.signer.instead.set(hashes[1], async (response) => {
        status = await world.status(root);
        response.writeHead(404).end();
      });
      await look();
      expect(status).to.equal("Vetoed");
      expect(world.signer.asked.slice(0, 2)).to.deep.equal(hashes);
      expect(world.signer.asked).to.have.length(3);
      await close();
    });

    it("that is late is right when it comes", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const receipts = [receiptOf(job, TU / 4n)];
      await submitReceipts(protocol, receipts);
      const { look, close } = await world.watch(await world.init());
      await look();
      await world.signer.publish(receipts);
      expect((await look()).roots.map(({ outcome }) => outcome)).to.deep.equal(["right"]);
      await close();
    });

    it("that one signer falsifies is had from another, of whom the first tells", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const honest = await FileServer.open();
      const receipts = [receiptOf(job, TU / 4n)];
      const dataHash = await honest.publish(receipts);
      world.signer.files.set(dataHash, Buffer.from("{}"));
      const documents = await documentsOf(protocol, [honest.endpoint]);
      world.signer.documents = SIGNERS.encode({ documents });
      await submitReceipts(protocol, receipts);
      const { look, close } = await world.watch(await world.init());
      expect((await look()).roots.map(({ outcome }) => outcome)).to.deep.equal(["right"]);
      await close();
      await honest.close();
    });

    it("that is another than was signed raises file-other, and is no contradiction", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const receipts = [receiptOf(job, TU / 4n)];
      world.signer.files.set(await world.signer.publish(receipts), Buffer.from("{}"));
      const { root } = await submitReceipts(protocol, receipts);
      expect(await alarmsOf(world, root)).to.deep.equal({ alarms: ["file-other"], status: "Pending" });
    });

    it("whose receipts make another root raises root-wrong, and is vetoed", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const dataHash = await world.signer.publish([receiptOf(job, TU / 4n)]);
      const { root } = await ReceiptTree.of([receiptOf(job, TU / 2n)]);
      await world.submit(root, dataHash);
      expect(await alarmsOf(world, root)).to.deep.equal({ alarms: ["root-wrong", "vetoed"], status: "Vetoed" });
    });

    it("of a right root does not hide another root that names it", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const receipts = [receiptOf(job, TU / 4n)];
      const dataHash = await world.signer.publish(receipts);
      const { root } = await ReceiptTree.of([receiptOf(job, TU / 2n)]);
      await world.submit(root, dataHash);
      await submitReceipts(protocol, receipts);
      expect(await alarmsOf(world, root)).to.deep.equal({ alarms: ["root-wrong", "vetoed"], status: "Vetoed" });
    });

    it("that was signed and is no receipt file raises file-malformed, and is vetoed", async () => {
      const { protocol } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const junk = Buffer.alloc(300_000, "junk ");
      const dataHash = `0x${createHash("sha256").update(junk).digest("hex")}`;
      world.signer.files.set(dataHash, junk);
      await world.submit(id("root"), dataHash);
      const seen = await alarmsOf(world, id("root"));
      expect(seen).to.deep.equal({ alarms: ["file-malformed", "vetoed"], status: "Vetoed" });
    });

    it("of a root that became final meanwhile raises final-unchecked; older ones are left", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      await submitReceipts(protocol, [receiptOf(job, TU / 4n)]);
      await passVetoWindow(protocol);
      const { look, close } = await world.watch(await world.init());
      await look();
      expect([world.alarms, world.signer.asked]).to.deep.equal([[], []]);
      await submitReceipts(protocol, [receiptOf(job, TU / 2n)]);
      await passVetoWindow(protocol);
      await look();
      await look();
      expect(world.alarms).to.deep.equal(["file-missing", "final-unchecked"]);
      await close();
    });
  });

  describe("when nothing can be checked", () => {
    it("raises nothing-checked once while no signer answers, across restarts, and again the next time", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const receipts = [receiptOf(job, TU / 4n)];
      await submitReceipts(protocol, receipts);
      const nobody = await FileServer.open();
      await nobody.close();
      const store = path.join(world.folder, "watch.db");
      const config = await world.init({ signers: [nobody.endpoint], silence: 0, store });
      for (let i = 0; i < 2; ++i) {
        const { look, close, parts } = await world.watch(config);
        expect((await look()).unchecked).to.include("ECONNREFUSED");
        expect(parts.roots.state).to.equal("waiting");
        await close();
      }
      expect(world.alarms).to.deep.equal(["nothing-checked"]);
      await world.signer.publish(receipts);
      const seeing = await world.watch(await world.init({ store }, "seeing"));
      expect((await seeing.look()).roots.map(({ outcome }) => outcome)).to.deep.equal(["right"]);
      await seeing.close();
      const { look, close } = await world.watch(config);
      await submitReceipts(protocol, [receiptOf(job, TU / 2n)]);
      await look();
      expect(world.alarms).to.deep.equal(["nothing-checked", "nothing-checked"]);
      expect(new Set(world.told.map((each) => each.id)).size).to.equal(2);
      await close();
    });

    it("remembers that it began, and tells of what becomes final unchecked meanwhile", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const receipts = [receiptOf(job, TU / 4n)];
      const dataHash = await world.signer.publish(receipts);
      world.signer.instead.set(dataHash, (response) => response.destroy());
      await submitReceipts(protocol, receipts);
      const config = await world.init();
      const lookOnce = async () => {
        const { look, close } = await world.watch(config);
        const seen = await look();
        await close();
        return seen;
      };
      expect((await lookOnce()).unchecked).to.be.a("string");
      await passVetoWindow(protocol);
      expect((await lookOnce()).unchecked).to.be.a("string");
      world.signer.instead.clear();
      const { roots } = await lookOnce();
      expect(roots.map(({ root, outcome }) => [root.state, outcome])).to.deep.equal([["final", "right"]]);
      expect(world.alarms).to.deep.equal(["final-unchecked"]);
    });

    it("raises nothing-checked when the node of the chain is gone", async () => {
      const { protocol } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const { look, close, parts } = await world.watch(await world.init({ silence: 0 }));
      process.env.LOCALHOST_RPC_URL = "http://127.0.0.1:9";
      expect((await look()).unchecked).to.be.a("string");
      expect([world.alarms, parts.chain.state]).to.deep.equal([["nothing-checked"], "waiting"]);
      await close();
    });

    it("waits for the silence that it is told to bear", async () => {
      const { protocol } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const { look, close } = await world.watch(await world.init({ silence: 600 }));
      process.env.LOCALHOST_RPC_URL = "http://127.0.0.1:9";
      await look();
      expect(world.alarms).to.deep.equal([]);
      await close();
    });
  });

  describe("its webhooks", () => {
    it("are told when they take it, once", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      await submitReceipts(protocol, [receiptOf(job, TU / 4n)]);
      const config = await world.init();
      world.answer = 503;
      const first = await world.watch(config);
      await first.look();
      expect(first.parts.webhooks.state).to.equal("waiting");
      await first.close();
      world.answer = 200;
      for (let i = 0; i < 2; ++i) {
        const again = await world.watch(config);
        await again.look();
        expect(again.parts.webhooks.state).to.equal("ok");
        await again.close();
      }
      expect(world.alarms).to.deep.equal(["file-missing"]);
    });

    /** Opens a watch that raises file-missing, then over-order, and stands in time. */
    async function withTwoAlarms() {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      await submitReceipts(protocol, [receiptOf(job, TU / 4n)]);
      const receipts = [receiptOf(job, TU + 1n)];
      await world.signer.publish(receipts);
      await submitReceipts(protocol, receipts);
      const { look, close, parts } = await world.watch(await world.init());
      const now = performance.now();
      const lookNow = () =>
        withClock(
          () => now,
          async () => void (await look()),
        );
      return { world, look: lookNow, close, parts };
    }

    it("hear of what they take, though they refuse an earlier alarm, which waits by itself", async () => {
      const { world, look, close, parts } = await withTwoAlarms();
      world.refused.add("file-missing");
      await look();
      await look();
      expect([world.alarms, world.posts]).to.deep.equal([["over-order"], 2]);
      expect(parts.webhooks.reason).to.include("answers 400");
      await close();
    });

    it("that give no answer are asked once a look, to take another alarm each time", async () => {
      const { world, look, close } = await withTwoAlarms();
      world.answer = 0;
      for (const posts of [1, 2, 2]) {
        await look();
        expect(world.posts).to.equal(posts);
      }
      await close();
    });

    it("get a text that chat programs take", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      await submitReceipts(protocol, [receiptOf(job, TU / 4n)]);
      const signers = Array.from({ length: 40 }, (_, i) => `${world.signer.endpoint}/${i}`);
      const { look, close } = await world.watch(await world.init({ signers }));
      await look();
      expect(world.told.map(({ text }) => text.length)).to.deep.equal([2_000]);
      await close();
    });
  });

  describe("its guardian", () => {
    it("may be a Safe, for whose owners it writes the veto", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const receipts = [receiptOf(job, TU + 1n)];
      await world.signer.publish(receipts);
      const { root } = await submitReceipts(protocol, receipts);
      const safe = path.join(world.folder, "vetoes");
      const { look, close } = await world.watch(await world.init({ guardian: { safe } }), true);
      await look();
      await look();
      await close();
      expect([world.alarms, await world.status(root)]).to.deep.equal([["over-order", "veto-to-sign"], "Pending"]);
      const batch = JSON.parse(await readFile(path.join(safe, `veto-${root}.json`), "utf8")) as {
        transactions: { to: string; data: string }[];
      };
      const { oracle } = protocol.contracts;
      const data = oracle.interface.encodeFunctionData("veto", [root]);
      expect(batch.transactions).to.have.length(1);
      expect(batch.transactions[0]).to.include({ to: await oracle.getAddress(), data });
    });

    it("is not asked without --veto", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const receipts = [receiptOf(job, TU + 1n)];
      await world.signer.publish(receipts);
      const { root } = await submitReceipts(protocol, receipts);
      const { look, close, parts } = await world.watch(await world.init({ guardian: await world.guardian() }));
      await look();
      await close();
      expect([world.alarms, await world.status(root)]).to.deep.equal([["over-order"], "Pending"]);
      expect(parts.roots.state).to.equal("failed");
      expect(existsSync(path.join(world.folder, "watch/vetoes.json"))).to.equal(false);
    });

    it("that is not the deployment's is told before it is needed, and raises veto-failed when it is", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      const guardian = await world.guardian(protocol.actors.deployer);
      const { look, close, parts } = await world.watch(await world.init({ guardian }), true);
      await look();
      expect(parts.veto.state).to.equal("failed");
      const receipts = [receiptOf(job, TU + 1n)];
      await world.signer.publish(receipts);
      await submitReceipts(protocol, receipts);
      await look();
      expect(world.alarms).to.deep.equal(["over-order", "veto-failed"]);
      await close();
    });

    it("may veto by other means, and before the watch has seen the root: that is told too", async () => {
      const { protocol, job } = await loadFixture(withJob);
      const { oracle } = protocol.contracts;
      const world = await inWorld(protocol);
      const vetoed = async (tu: bigint) => {
        const { root } = await submitReceipts(protocol, [receiptOf(job, tu)]);
        await oracle.connect(protocol.actors.guardian).veto(root);
      };
      await vetoed(TU / 4n);
      const { look, close } = await world.watch(await world.init());
      await look();
      expect(world.alarms).to.deep.equal([]);
      await vetoed(TU / 2n);
      await look();
      await look();
      expect(world.alarms).to.deep.equal(["vetoed"]);
      await close();
    });

    it("must be there for --veto", async () => {
      const { protocol } = await loadFixture(withJob);
      const world = await inWorld(protocol);
      await expect(world.watch(await world.init(), true)).to.be.rejectedWith(/--veto needs a guardian/);
    });
  });
});
