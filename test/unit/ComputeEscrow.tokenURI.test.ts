import { loadFixture, setCode, time } from "@nomicfoundation/hardhat-network-helpers";
import { DAY } from "@turingfog/sdk";
import { expect } from "chai";
import { AbiCoder, concat, parseUnits } from "ethers";

import { deployProtocolFixture, type Protocol } from "../helpers/fixture";
import { openOrder } from "../helpers/market";

const TERMS = { maxUnitPrice: parseUnits("1", 6), duration: DAY };

/** Returns code that answers every call with a string, whatever it is asked. */
function answering(text: string): string {
  const answer = AbiCoder.defaultAbiCoder().encode(["string"], [text]);
  // PUSH1 96, PUSH1 10, PUSH0, CODECOPY, PUSH1 96, PUSH0, RETURN
  return concat(["0x6060600a5f3960605ff3", answer]);
}

/** Opens an order and closes it, and opens another. */
async function openTwo(protocol: Protocol): Promise<{ open: bigint; closed: bigint }> {
  const { escrow, usd } = protocol.contracts;
  const { renters } = protocol.actors;
  const closed = await openOrder(protocol, renters[0], usd, TERMS);
  await time.increaseTo((await escrow.refundable(closed)).from);
  await escrow.close(closed);
  return { open: await openOrder(protocol, renters[0], usd, TERMS), closed };
}

describe("ComputeEscrow, token URIs of orders", () => {
  describe("tokenURI", () => {
    it("rejects an order that was never opened, and one that is closed, whatever the renderer says", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, renderer } = protocol.contracts;
      const { open, closed } = await openTwo(protocol);

      for (const code of [undefined, answering("shown")]) {
        if (code !== undefined) await setCode(await renderer.getAddress(), code);
        for (const unknown of [closed, open + 1n, 0n]) {
          await expect(escrow.tokenURI(unknown))
            .to.be.revertedWithCustomError(escrow, "Escrow_UnknownOrder")
            .withArgs(unknown);
        }
      }
      expect(await escrow.tokenURI(open)).to.equal("shown");
    });

    it("is what the plan's renderer says of this escrow's order", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, renderer } = protocol.contracts;
      const { open } = await openTwo(protocol);

      expect(await escrow.RENDERER()).to.equal(await renderer.getAddress());
      expect(await escrow.tokenURI(open)).to.equal(await renderer.tokenURI(escrow, open));
    });

    it("is all that a renderer which reverts takes away", async () => {
      const protocol = await loadFixture(deployProtocolFixture);
      const { escrow, renderer, usd } = protocol.contracts;
      const { renters, stranger } = protocol.actors;
      const sold = await openOrder(protocol, renters[0], usd, TERMS);
      // INVALID
      await setCode(await renderer.getAddress(), "0xfe");

      await expect(escrow.tokenURI(sold)).to.be.revertedWithoutReason();
      expect(await escrow.ownerOf(sold)).to.equal(renters[0].address);
      await escrow.connect(renters[0]).transferFrom(renters[0], stranger, sold);
      await escrow.connect(stranger).stop(sold);
      await time.increaseTo((await escrow.refundable(sold)).from);
      await expect(escrow.close(sold)).to.emit(escrow, "OrderClosed");
      // the next one can be opened and closed too
      await openTwo(protocol);
    });
  });
});
