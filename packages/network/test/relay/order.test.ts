import { once } from "node:events";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { TU } from "@turingfog/sdk";
import { decodeReceiptFile, ROOTS } from "@turingfog/sdk/wire";
import { expect } from "chai";

import { OrderNetwork } from "../helpers/orderNetwork";

describe("An order of a node that has no open port", () => {
  it("goes through a relay, which is killed in the middle of its upload, to a result and a receipt", async () => {
    const network = await OrderNetwork.open();
    try {
      await throughTheRelay(network);
    } finally {
      await network.close();
    }
  }).timeout(300_000);
});

async function throughTheRelay(network: OrderNetwork): Promise<void> {
  const { protocol, nodeIds } = network;
  const { contracts, actors } = protocol;
  const renter = actors.renters[0].address;
  await network.startSigners();
  const first = await network.startRelay("relay.body.goes-on");
  await network.startAgents();

  const files = path.join(network.folder, "files");
  await mkdir(files);
  await writeFile(path.join(files, "big.bin"), Buffer.alloc(3_000_000, "turingfog"));
  const order = path.join(network.folder, "order");
  const tft = await contracts.tft.getAddress();
  const terms = ["--node", String(nodeIds[0]), "--asset", tft, "--tu", "1", "--hours", "4"];
  const job = ["--runner", "sha256", "--slot", "FILE=big.bin", "--files", files, "--encrypt-progress"];
  const opening = ["--network", "localhost", ...terms, ...job, "--yes", "--allow-private", "--json"];
  const { stdout } = await network.command("order open", [order, ...opening], renter);
  const orderId = BigInt((JSON.parse(stdout) as { orderId: string }).orderId);

  const killed = once(first.child, "exit");
  const sending = network.command("order send", [order], renter);
  expect((await killed)[1]).to.equal("SIGKILL");
  await network.startRelay();
  await sending;

  const watched = await network.command("order status", [order, "--watch", "--json"], renter);
  const { node } = JSON.parse(watched.stdout) as { node: { state: string; cumulativeTU: string } };
  expect(node.state).to.equal("released");
  expect(BigInt(node.cumulativeTU)).to.be.within(1n, TU);
  await network.plainCommand("order result", [order], renter);
  expect((await readdir(path.join(order, "result"))).sort()).to.deep.equal(["job.json", "log.txt", "run.json"]);

  // only a node whose heartbeats and challenges are answered gets a receipt
  const [signer] = network.signers;
  const receipt = await network.until(
    "A receipt of the order",
    async () => {
      const { roots } = ROOTS.decode(await network.client.get(`${signer.endpoint}/v1/roots?after=0`));
      for (const { dataHash } of roots) {
        const file = decodeReceiptFile(await network.client.get(`${signer.endpoint}/v1/receipts/${dataHash}`));
        const found = file.find((each) => each.orderId === orderId);
        if (found !== undefined) return found;
      }
      return undefined;
    },
    120,
  );
  expect(receipt.nodeId).to.equal(nodeIds[0]);
}
