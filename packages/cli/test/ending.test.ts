import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

import { time } from "@nomicfoundation/hardhat-network-helpers";
import { Rental } from "@turingfog/network";
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

      await expect(end("stop", stranger)).to.be.rejectedWith("Escrow_NotHolder");
      const dry = await end("stop", renter, "--dry-run");
      expect(JSON.parse(dry.stdout)).to.have.nested.property("outcome.kind", "dry");
      await end("stop", renter);
      const { endsAt } = await contracts.escrow.order(orderId);
      expect(endsAt).to.be.at.most(BigInt(await time.latest()));
      await expect(end("stop", renter)).to.be.rejectedWith("Escrow_OrderEnded");

      await expect(end("close", stranger)).to.be.rejectedWith("Escrow_TooEarly");
      await time.increaseTo((await contracts.escrow.refundable(orderId)).from);
      const had = await contracts.usd.balanceOf(renter);
      const closed = await end("close", stranger);
      expect(closed.stdout).to.include('"to": "1.0 USD refunded"');
      expect((await contracts.usd.balanceOf(renter)) - had).to.equal(UNIT_PRICE);
      await expect(end("close", stranger)).to.be.rejectedWith("Escrow_UnknownOrder");
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
