import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";

import { time } from "@nomicfoundation/hardhat-network-helpers";
import { TU } from "@turingfog/sdk";
import { TuringFog } from "@turingfog/sdk/ethers";
import { decodeReceiptFile, encodeReceiptFile, ReceiptTree, ROOTS } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { startEpoch } from "../../../test/helpers/market";
import { OrderNetwork, PRICE } from "./helpers/orderNetwork";

describe("An order, by commands", () => {
  it("goes from a folder of files to a result, a published receipt, its settlement and the miner's claim", async () => {
    const network = await OrderNetwork.open();
    try {
      await throughTheNetwork(network);
    } finally {
      await network.close();
    }
  }).timeout(300_000);
});

interface Quoted {
  quotes: { nodeId: string; deposit: string }[];
}

interface Listed {
  orders: { orderId: string; holder: string; state: string }[];
}

async function throughTheNetwork(network: OrderNetwork): Promise<void> {
  const { protocol, nodeIds } = network;
  const { contracts, actors, addresses } = protocol;
  const renter = actors.renters[0].address;
  await network.startSigners();
  await network.startAgents();

  const files = path.join(network.folder, "files");
  await mkdir(path.join(files, "data"), { recursive: true });
  const content = Buffer.alloc(3_000_000, "turingfog");
  await writeFile(path.join(files, "data/big.bin"), content);

  const quoting = ["--network", "localhost", "--tu", "1", "--hours", "4", "--json"];
  const { quotes } = JSON.parse((await network.command("order quote", quoting, renter)).stdout) as Quoted;
  expect(quotes.map(({ nodeId, deposit }) => [BigInt(nodeId), BigInt(deposit)])).to.deep.include([nodeIds[0], PRICE]);

  const order = path.join(network.folder, "order");
  const terms = [
    "--node",
    String(nodeIds[0]),
    "--asset",
    await contracts.tft.getAddress(),
    "--tu",
    "1",
    "--hours",
    "4",
  ];
  const job = ["--runner", "sha256", "--slot", "FILE=data/big.bin", "--files", files, "--encrypt-progress"];
  const opening = ["--network", "localhost", ...terms, ...job, "--yes", "--allow-private", "--json"];
  const { stdout } = await network.command("order open", [order, ...opening], renter);
  const orderId = BigInt((JSON.parse(stdout) as { orderId: string }).orderId);
  expect((await contracts.escrow.order(orderId)).deposit).to.equal(PRICE);
  // a second try finds the order that is open
  expect((await network.command("order open", [order, ...opening], renter)).stdout).to.include(
    `"orderId": "${orderId}"`,
  );

  const others = network.command("order open", [order, ...opening, "--tu", "2"], renter);
  await expect(others).to.be.rejectedWith("has an order whose tu is 1000000000000000000, got 2000000000000000000");
  const stranger = network.command("order open", [order, ...opening], actors.stranger.address);
  await expect(stranger).to.be.rejectedWith("has an order whose renter is");

  await network.command("order send", [order], renter);
  const { stdout: logged } = await network.plainCommand("order log", [order], renter);
  expect(logged)
    .to.match(/^(running|released), \d+ s, [\d.]+ TU/m)
    .and.contain(`ended with order ${orderId}: released`);
  const watched = await network.command("order status", [order, "--watch", "--json"], renter);
  const { node } = JSON.parse(watched.stdout) as { node: { state: string; cumulativeTU: string; result: string } };
  expect(node.state).to.equal("released");
  expect(BigInt(node.cumulativeTU)).to.be.within(1n, TU);

  // as a try that was killed has left it
  await mkdir(path.join(order, "result.part"));
  await writeFile(path.join(order, "result.age"), "half");
  const signers = network.signers.flatMap(({ endpoint }) => ["--signer", endpoint]);
  await network.plainCommand("order result", [order, ...signers], renter);
  await expect(network.plainCommand("order result", [order], renter)).to.be.rejectedWith("result is there already");
  const hash = createHash("sha256").update(content).digest("hex");
  expect(await readFile(path.join(order, "result/log.txt"), "utf8")).to.equal(`${hash}  data/big.bin\n`);
  expect((await readdir(path.join(order, "result"))).sort()).to.deep.equal(["job.json", "log.txt", "run.json"]);

  // who gets the order also gets the folder, and gives the node a grant of their own
  const [, buyer] = actors.renters;
  await network.command("order transfer", [order, "--to", buyer.address], renter);
  expect(await contracts.escrow.ownerOf(orderId)).to.equal(buyer.address);
  const bought = path.join(network.folder, "bought");
  await cp(order, bought, { recursive: true });
  await network.command("order send", [bought], buyer.address);
  const held = ["--network", "localhost", "--json"];
  const { orders } = JSON.parse((await network.command("order list", held, buyer.address)).stdout) as Listed;
  expect(orders.map((each) => [BigInt(each.orderId), each.holder, each.state])).to.deep.equal([
    [orderId, buyer.address, "running"],
  ]);

  // the signers publish a file with what was counted, and bring its root to the chain
  const [signer] = network.signers;
  const receipts = await network.until(
    "A receipt of the order",
    async () => {
      const { roots } = ROOTS.decode(await network.client.get(`${signer.endpoint}/v1/roots?after=0`));
      for (const { dataHash } of roots) {
        const file = decodeReceiptFile(await network.client.get(`${signer.endpoint}/v1/receipts/${dataHash}`));
        if (file.some((each) => each.orderId === orderId)) return file;
      }
      return undefined;
    },
    120,
  );
  const tree = await ReceiptTree.of(receipts);
  const isSubmitted = async () => ((await contracts.oracle.status(tree.root))[0] === 0n ? undefined : true);
  await network.until("The root on the chain", isSubmitted, 60);
  expect(receipts.map((each) => [each.orderId, each.nodeId])).to.deep.equal([[orderId, nodeIds[0]]]);
  expect(receipts[0].cumulativeTU).to.be.within(1n, BigInt(node.cumulativeTU));
  const file = path.join(network.folder, "receipts.json");
  await writeFile(file, encodeReceiptFile(receipts));
  const verified = await network.command("receipts verify", [file, "--network", "localhost", "--json"], renter);
  expect(JSON.parse(verified.stdout)).to.deep.include({ receiptsRoot: tree.root, orders: 1, nodes: 1 });

  // who rents gets it from the signers too, when the node is gone
  await network.stopAgents();
  const again = path.join(network.folder, "again");
  const copied = await network.until(
    "A result at the signers",
    () => network.plainCommand("order result", [order, "--to", again, ...signers], renter),
    60,
  );
  expect(copied.stderr).to.include("asking the signers");
  expect((await readdir(again)).sort()).to.deep.equal(["job.json", "log.txt", "run.json"]);

  await time.increase(await contracts.oracle.VETO_WINDOW());
  const fog = new TuringFog(addresses, actors.stranger);
  await fog.settle(await contracts.tft.getAddress(), tree);
  const { tuSettled } = await contracts.escrow.order(orderId);
  expect(tuSettled).to.equal(receipts[0].cumulativeTU);

  // what was earned is destroyed after its epoch, and the miner claims what is made in its place
  const { tft, pool, controller } = contracts;
  const [miner] = actors.miners;
  const round = await pool.openRound(tft);
  await startEpoch(protocol);
  await controller.connect(actors.stranger).burn(round);
  const [{ id, amount }] = await fog.claimableBuckets(miner.address);
  expect([id, amount > 0n]).to.deep.equal([await pool.bucketId(round, tft), true]);
  const before = await tft.balanceOf(miner);
  await network.command("node claim", ["--network", "localhost", "--yes"], miner.address);
  expect((await tft.balanceOf(miner)) - before).to.equal(amount);
  expect(await fog.claimableBuckets(miner.address)).to.deep.equal([]);
}
