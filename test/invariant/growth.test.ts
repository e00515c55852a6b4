import { expect } from "chai";

import { itByForge, measureGrowth } from "./campaign";

describe("State of escrow and pool", () => {
  itByForge("has as many slots after 10,000 orders as after 1,000, with 100 open at once", async (forge) => {
    const { escrow, pool } = await measureGrowth(forge);
    for (const [name, { early, late }] of Object.entries({ escrow, pool })) {
      console.log(`      ${name.padEnd(8)}${early} slots after 1,000 orders, ${late} after 10,000`);
    }

    // three slots a place; a weight of each of ten miners
    expect(escrow.early).to.be.greaterThan(3 * 100);
    expect(pool.early).to.be.greaterThan(10);
    for (const { early, late } of [escrow, pool]) expect(late / early).to.be.at.most(1.02);
  });
});
