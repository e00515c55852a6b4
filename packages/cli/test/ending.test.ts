import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { time } from "@nomicfoundation/hardhat-network-helpers";
import { Rental } from "@turingfog/network";
import { formatInstant } from "@turingfog/sdk";
import { expect } from "chai";
import { ZeroHash } from "ethers";

import { openJob, UNIT_PRICE } from "../../../test/helpers/settling";
import { OrderNetwork } from "../../network/test/helpers/orderNetwork";

describe("turingfog order stop and close", () => {
  it("end an order as its holder, and refund what was not delivered, once the escrow lets them", async () => {
    const network = await OrderNetwork.open();
    try {
      const { contracts, actors } = network.protocol;
      const [renter, stranger] = [actors.renters[0].address, actors.stranger.address];
      const { orderId, nodeId } = await openJob(network.protocol);
      const folder = path.join(network.folder, "order");
      await mkdir(folder);
      await new Rental(folder).write({
        ...{ network: "localhost", nodeId, orderId, asset: await contracts.usd.getAddress(), tuAmount: 10n ** 18n },
        ...{ maxUnitPrice: UNIT_PRICE, duration: 86_400n, renter, jobHash: ZeroHash, paymentRef: ZeroHash },
        ...{ endpoint: "https://node.example", recipient: "age1" },
      });
      const end = (verb: string, account: string, ...more: string[]) =>
        network.command(`order ${verb}`, [folder, "--json", "--yes", ...more], account);

      await expect(end("stop", stranger)).to.be.rejectedWith(`Order ${orderId} is held by another account than 0x`);
      const dry = await end("stop", renter, "--dry-run");
      expect(JSON.parse(dry.stdout)).to.have.nested.property("outcome.kind", "dry");
      await end("stop", renter);
      const { endsAt } = await contracts.escrow.order(orderId);
      expect(endsAt).to.be.at.most(BigInt(await time.latest()));
      const { from } = await contracts.escrow.refundable(orderId);
      for (const [verb, reason] of [
        ["stop", `ended with 1: Order ${orderId} has ended already, at ${formatInstant(endsAt)}\n`],
        ["close", `ended with 1: Order ${orderId} can be closed from ${formatInstant(from)}\n`],
      ]) {
        await expect(end(verb, renter)).to.be.rejectedWith(reason);
      }
      // the network lets time pass too, and the time of one next block can take the other's place
      while (BigInt(await time.latest()) < from) await time.increaseTo(from);
      const had = await contracts.usd.balanceOf(renter);
      const closed = await end("close", stranger);
      expect(closed.stdout).to.include('"to": "1.0 USD refunded"');
      expect((await contracts.usd.balanceOf(renter)) - had).to.equal(UNIT_PRICE);
      await expect(end("close", stranger)).to.be.rejectedWith(`Order ${orderId} is closed already`);
    } finally {
      await network.close();
    }
  });

  it("refuse a folder without an order that is open", async () => {
    const network = await OrderNetwork.open();
    try {
      const folder = path.join(network.folder, "empty");
      await mkdir(folder);
      await writeFile(path.join(folder, "note"), "");
      const stopped = network.command("order stop", [folder, "--yes"], network.protocol.actors.stranger.address);
      await expect(stopped).to.be.rejectedWith(folder);
    } finally {
      await network.close();
    }
  });
});
