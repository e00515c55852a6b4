import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { expect } from "chai";

import { deployProtocolFixture } from "../../../test/helpers/fixture";
import type { TFT } from "../../../typechain-types";
import { Meter } from "../../bench/gas/meter";
import { recording } from "./recording";

/** Has a meter record transfers, and lets a test measure them. */
async function metered(
  run: (meter: Meter, transfer: () => ReturnType<TFT["transfer"]>) => Promise<void>,
  traced: string[] = [],
): Promise<void> {
  const { contracts, actors } = await loadFixture(deployProtocolFixture);
  const transfer = () => contracts.tft.connect(actors.renters[0]).transfer(actors.stranger, 1n);
  await recording((recorded) => run(new Meter(recorded, () => undefined, traced), transfer));
}

describe("bench/gas/meter", () => {
  it("traces what it was told to, and nothing else", async () => {
    await metered(
      async (meter, transfer) => {
        await meter.measure("traced", transfer());
        await meter.measure("other", transfer());
        expect([...meter.breakdowns.keys()]).to.deep.equal(["traced"]);
      },
      ["traced"],
    );
  });

  it("has a replay call a transaction by the id that it is measured for", async () => {
    await metered(async (meter, transfer) => {
      await meter.measure("first", transfer());
      await meter.measure("second", transfer());
      const names = [...meter.measured].map(([id, transactions]) => [id, ...transactions.map(({ name }) => name)]);
      expect(names).to.deep.equal([
        ["first", "first"],
        ["second", "second"],
      ]);
    });
  });

  it("refuses to measure an id twice", async () => {
    await metered(async (meter, transfer) => {
      await meter.measure("transfer", transfer());
      await expect(meter.measure("transfer", transfer())).to.be.rejectedWith("transfer is measured twice");
    });
  });
});
