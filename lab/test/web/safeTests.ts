import { depositOf, TU } from "@turingfog/sdk";
import { expect } from "chai";
import type { FrameLocator } from "playwright-core";

import { SAFE } from "../../web/world";
import { contractsOf, fillForm, lastOrderOf, NODE, openButton, RENTER, type Tests } from "./acting";

const connect = (frame: FrameLocator) => frame.getByRole("button", { name: "Connect Safe" }).click();

export const SAFE_TESTS: Tests = {
  "proposes an order to the Safe around the page as one batch, and says when it is executed [slow]": async (stage) => {
    const { world, safe, frame } = await stage.frame(`node/${NODE}`, RENTER, SAFE);
    const { escrow, registry, tft } = contractsOf(world);
    await (await tft.connect(await world.provider.getSigner(RENTER)).approve(escrow, 0n)).wait();
    const ordersBefore = await escrow.balanceOf(RENTER);
    await connect(frame);
    await fillForm(frame);
    await frame
      .getByText("It is proposed to the Safe, and done when its owners have signed and executed it.")
      .waitFor();
    await openButton(frame).click();
    await frame.getByText(/Proposed to the Safe, as 0x.* Nothing is on the chain until/).waitFor();
    expect(safe.proposals.map((calls) => calls.map(({ to }) => to))).to.deep.equal([
      [await tft.getAddress(), await escrow.getAddress()],
    ]);
    expect(await escrow.balanceOf(RENTER)).to.equal(ordersBefore);

    await safe.execute();
    await frame.getByText("The order is open.").waitFor();
    const { unitPrice } = await registry.listing(NODE, world.book.addresses.tft);
    expect((await lastOrderOf(world, RENTER)).deposit).to.equal(depositOf(TU / 2n, unitPrice));
  },

  "says that the Safe has not taken an act, and that its owners have cancelled one [slow]": async (stage) => {
    const { safe, frame } = await stage.frame(`node/${NODE}`, RENTER, SAFE);
    await connect(frame);
    await fillForm(frame);
    safe.isRefusing = true;
    await openButton(frame).click();
    await frame.getByText("The Safe has not taken it: Transaction was rejected. Nothing was proposed").waitFor();

    safe.isRefusing = false;
    await openButton(frame).click();
    await frame.getByText("Nothing is on the chain until").waitFor();
    safe.cancel();
    await frame.getByText("The Safe's owners have cancelled it.").waitFor();
  },

  "asks nothing of a window around it that is of another origin than the Safe's [slow]": async (stage) => {
    const { page, safe, frame } = await stage.frame(`node/${NODE}`, RENTER, "https://other.example");
    const loaded = page.waitForResponse(/\/safe-[^/]*\.js$/);
    await page.reload();
    // what the page asks when it has loaded is heard before what is asked then
    const script = `import("${(await loaded).url()}").then(() => new Promise((resolve) => {
      addEventListener("message", resolve);
      parent.postMessage({ id: "1", method: "last", env: { sdkVersion: "9.1.0" } }, "*");
    })).then(() => undefined)`;
    await page.frames()[1].evaluate(script);
    await frame.getByText("No wallet has announced itself to this page.").waitFor();
    expect(safe.asked).to.deep.equal(["last"]);
  },
};
