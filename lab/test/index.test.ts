import { expect } from "chai";
import { bucketId, DAY, TU } from "@turingfog/sdk";
import { getAddress, id, MaxUint256, toBeHex, ZeroAddress, ZeroHash } from "ethers";

import { auditIndex } from "../../apps/indexer/audit/audit";
import type { Row } from "../../apps/indexer/audit/client";
import { IndexProcess } from "../life/indexProcess";
import { openGate, Proxy } from "./index/proxy";
import { World } from "./index/world";

/** Kinds of events, each of which an audit misses: by contract and name. */
const MISSED = [
  ["tft", "Transfer", "TFT of"],
  ["escrow", "OrderOpened", "liabilities in"],
  ["escrow", "OrderClosed", "open orders in"],
  ["vault", "Released", "released"],
] as const;

/** Kinds whose loss is told by the name of the bucket. */
const MISSED_IN_BUCKET = [
  ["escrow", "ReceiptSettled", "weight of"],
  ["pool", "RoundOpened", "opening of"],
  ["pool", "WeightAdded", "weight added of"],
  ["pool", "RewardAdded", "reward of"],
  ["pool", "Claimed", "unclaimed weight of"],
  ["controller", "LotFilled", "amount sold of"],
  ["controller", "Destroyed", "reward by the schedule of"],
] as const;

/** Accounts without a key. */
const FIRST = "0x00000000000000000000000000000000000000f1";
const SECOND = "0x00000000000000000000000000000000000000f2";

/** Blocks before the head that Ponder takes for final on a chain that it does not know. */
const FINALITY = 30;

describe("index [slow]", () => {
  const worlds: World[] = [];
  const world = (): World => worlds[0];

  before(async () => void worlds.push(await World.start()));
  after(async () => Promise.all(worlds.map((each) => each.stop())));

  describe("catching up", () => {
    it("records every log of every contract of the deployment", async () => {
      const { provider, index, book } = world();
      const head = await world().caughtUp();

      const address = Object.values(book.addresses);
      const logs = (await provider.send("eth_getLogs", [{ address, fromBlock: "0x0", toBlock: toBeHex(head) }])) as {
        transactionHash: string;
        logIndex: string;
      }[];
      const rows = await index.query(`select transaction_hash, log_index from events where block <= $1`, [
        String(head),
      ]);
      const place = (hash: unknown, i: number) => `${String(hash)} ${i}`;
      expect(rows.map((row) => place(row.transaction_hash, Number(row.log_index)))).to.have.members(
        logs.map(({ transactionHash, logIndex }) => place(transactionHash, Number(logIndex))),
      );
      expect(logs).to.have.length.above(500);
    });

    it("has every order as the chain has it", async () => {
      const { index, contracts } = world();
      await world().caughtUp();

      const rows = await index.query(
        `select id::text, status, node_id::text, asset, holder, tu_amount::text, unit_price::text, deposit::text,
          tu_settled::text, earned::text, started_at::text, ends_at::text, refund_to from orders order by id`,
      );
      const open = rows.filter(({ status }) => status === "open");
      expect(open).to.have.length.within(1, rows.length - 1);
      for (const row of open) {
        const id = BigInt(row.id as string);
        const order = await contracts.escrow.order(id);
        expect(row).to.deep.equal({
          id: String(id),
          status: "open",
          node_id: String(order.nodeId),
          asset: order.asset.toLowerCase(),
          holder: (await contracts.escrow.ownerOf(id)).toLowerCase(),
          tu_amount: String(order.tuAmount),
          unit_price: String(order.unitPrice),
          deposit: String(order.deposit),
          tu_settled: String(order.tuSettled),
          earned: String(order.earned),
          started_at: String(order.startedAt),
          ends_at: String(order.endsAt),
          refund_to: order.refundTo.toLowerCase(),
        });
      }
    });

    it("has every node, listing and root as the chain has them", async () => {
      const { index, contracts } = world();
      await world().caughtUp();

      for (const row of await index.query("select * from nodes")) {
        const id = BigInt(row.id as string);
        const [node, rate] = await Promise.all([contracts.registry.node(id), contracts.registry.ratePerDay(id)]);
        expect([row.owner, row.payout, row.gpu_model, row.gpu_count, BigInt(row.rate_per_day as string)]).to.deep.equal(
          [node.owner.toLowerCase(), node.payout.toLowerCase(), node.gpuModel, Number(node.gpuCount), rate],
        );
        const { attestedFrom, attestedUntil } = await contracts.registry.standing(id);
        expect([BigInt(row.attested_from as string), BigInt(row.attested_until as string)]).to.deep.equal([
          attestedFrom,
          attestedUntil,
        ]);
      }
      for (const row of await index.query("select * from listings")) {
        const listing = await contracts.registry.listing(BigInt(row.node_id as string), row.asset as string);
        expect([row.unit_price, row.capacity_tu].map((value) => BigInt(value as string))).to.deep.equal([...listing]);
      }
      const roots = await index.query("select receipts_root, final_at from roots");
      for (const row of roots) {
        const [, finalAt] = await contracts.oracle.status(row.receipts_root as string);
        expect(BigInt(row.final_at as string)).to.equal(finalAt);
      }
      expect(roots).to.have.length.above(5);
    });
  });

  it("answers SQL about tables of which many rows were changed at once", async () => {
    const { index } = world();
    await world().caughtUp();

    const [{ settled }] = await index.query(
      "select count(*)::text as settled from events where name in ('ReceiptSettled', 'AcknowledgementSettled')",
    );
    const [{ entered }] = await index.query("select count(*)::text as entered from settlements");
    expect(entered).to.equal(settled).and.to.not.equal("0");
  });

  describe("audit", () => {
    it("finds supply, released, liabilities and every bucket equal to the chain's", async () => {
      const { index, life, book } = world();
      const head = await world().caughtUp();

      const verdict = await auditIndex(index.url, life.url, book);

      expect(verdict.differences).to.deep.equal([]);
      expect(verdict.block).to.be.at.most(BigInt(head));
      expect(verdict.buckets).to.be.above(10);
      expect(verdict.figures).to.be.above(10 * verdict.buckets);
    });

    for (const [contract, name, figure] of MISSED) {
      it(`names a figure when a ${name} of the ${contract} is taken out`, async () => {
        const { differences } = await auditWithout(world(), contract, name);

        expect(differences.map((each) => each.name).some((each) => each.startsWith(figure))).to.equal(true);
      });
    }

    for (const [contract, name, figure] of MISSED_IN_BUCKET) {
      it(`names the bucket when a ${name} of the ${contract} is taken out`, async () => {
        const { differences, buckets } = await auditWithout(world(), contract, name);

        const named = differences.flatMap((each) => / of bucket (\d+) /.exec(each.name)?.[1] ?? []);
        expect([...new Set(named)]).to.have.members(buckets);
        expect(differences.some((each) => each.name.startsWith(figure))).to.equal(true);
      });
    }
  });

  describe("following the chain", () => {
    it("has a new order with its renter, although the token is minted first", async () => {
      const { index, contracts, provider, treasury: signer } = world();
      await world().caughtUp();
      const [offer] = await index.query(
        "select unit_price::text, node_id::text from listings where asset = $1 and unit_price > 0 limit 1",
        [world().book.addresses.tft.toLowerCase()],
      );
      const terms = {
        nodeId: BigInt(offer.node_id as string),
        asset: contracts.tft,
        tuAmount: TU,
        maxUnitPrice: BigInt(offer.unit_price as string),
        duration: DAY,
        renter: signer,
        refundTo: ZeroAddress,
        jobHash: id("job"),
        paymentRef: ZeroHash,
        reuse: 0n,
      };
      const escrow = contracts.escrow.connect(signer);
      await (await contracts.tft.connect(signer).approve(escrow, MaxUint256)).wait();
      const sent = await escrow.openOrder(terms);
      await sent.wait();
      await world().caughtUp();

      const [row] = await index.query("select renter, holder, payer, status from orders where transaction_hash = $1", [
        sent.hash,
      ]);
      const account = signer.address.toLowerCase();
      expect(row).to.deep.equal({ renter: account, holder: account, payer: account, status: "open" });
      const [{ block }] = await index.query("select block::text from snapshot");
      expect(Number(block)).to.equal(await provider.getBlockNumber());
    });

    it("takes a text that PostgreSQL does not take, and goes on", async () => {
      const { index, contracts } = world();
      await world().caughtUp();
      const [node] = await index.query("select id::text, owner from nodes limit 1");
      const owner = world().signer(getAddress(node.owner as string));
      const text = "ipfs://\0\\N\t\n'\"{}𝕏";

      await (await contracts.registry.connect(owner).setMetadataURI(node.id as string, text)).wait();
      await world().caughtUp();

      const [row] = await index.query("select metadata_uri from nodes where id = $1", [node.id as string]);
      expect(row.metadata_uri).to.equal(text.replace("\0", "\uFFFD"));
      const [{ args }] = await index.query("select args from events where name = 'MetadataURISet' order by id desc");
      expect((args as Record<string, unknown>).metadataURI).to.equal(text.replace("\0", "\uFFFD"));
    });

    it("gives up what a reorganisation takes back, and has what comes instead", async () => {
      const { index, contracts, provider, treasury } = world();
      const pool = contracts.pool.connect(treasury);
      const recipient = async () => {
        const [row] = await index.query("select recipient from recipients where miner = $1", [
          treasury.address.toLowerCase(),
        ]);
        return row?.recipient;
      };
      await world().caughtUp();

      const before: unknown = await provider.send("evm_snapshot", []);
      await (await pool.setRecipient(FIRST)).wait();
      await (await contracts.tft.connect(treasury).transfer(FIRST, 1n)).wait();
      await world().mine(2);
      await world().caughtUp();
      expect(await recipient()).to.equal(FIRST);

      await provider.send("evm_revert", [before]);
      await (await pool.setRecipient(SECOND)).wait();
      await world().mine(5);
      await index.until(async () => (await recipient()) === SECOND);
      await world().caughtUp();

      expect(await index.query("select balance from tft_balances where account = $1", [FIRST])).to.deep.equal([]);
      expect((await auditIndex(index.url, world().life.url, world().book)).differences).to.deep.equal([]);
    });
  });

  describe("being killed", () => {
    it("is ready before it has caught up, and goes on where it was killed", async () => {
      const { life, book, index } = world();
      const head = await world().caughtUp();
      // nothing but the blocks that Ponder takes for final
      const gate = await openGate(life.url, head - FINALITY);
      const killed = await IndexProcess.start({ url: gate.url, book: life.book });
      let again: IndexProcess | undefined;
      try {
        await killed.until(killed.isReady);
        expect(await killed.block()).to.be.below(head);
        await killed.kill();

        again = await IndexProcess.start(life, { folder: killed.folder });
        await again.reaches(head);
        const rows = "select id from events where block <= $1 order by id";
        expect(await again.query(rows, [String(head)])).to.deep.equal(await index.query(rows, [String(head)]));
        expect((await auditIndex(again.url, life.url, book)).differences).to.deep.equal([]);
      } finally {
        await killed.stop();
        await again?.stop();
        await gate.close();
      }
    });
  });
});

/** Audits as if the index lacked an event, the last of its kind, and tells in which buckets that one has a part. */
async function auditWithout({ index, life, book }: World, contract: string, name: string) {
  const [taken] = await index.query(
    `select id, transaction_hash, args from events where contract = $1 and name = $2 order by id desc limit 1`,
    [contract, name],
  );
  const proxy = await Proxy.open(index.url, async ({ answer }) => {
    const answered = JSON.parse(await answer()) as { rows: { id?: string }[] };
    return JSON.stringify({ ...answered, rows: answered.rows.filter(({ id }) => id !== taken.id) });
  });
  try {
    const { differences } = await auditIndex(proxy.url, life.url, book);
    return { differences, buckets: await bucketsOf(index, taken) };
  } finally {
    await proxy.close();
  }
}

/** Returns the buckets of an event: its own, that of what it settled, or those that it has claimed. */
async function bucketsOf(index: IndexProcess, event: Row): Promise<unknown[]> {
  const args = event.args as Record<string, string>;
  if (args.bucketId !== undefined) return [args.bucketId];
  if (args.round !== undefined) return [String(bucketId(BigInt(args.round), args.asset))];
  const rows =
    args.ids === undefined
      ? await index.query("select bucket_id::text from settlements where id = $1", [event.id as string])
      : await index.query(
          "select bucket_id::text from weights where miner = $1 and claimed > 0 and transaction_hash = $2",
          [args.miner, event.transaction_hash as string],
        );
  return rows.map((row) => row.bucket_id);
}
