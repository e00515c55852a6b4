import { expect } from "chai";

import { build, findForge, measureGrowth } from "./campaign";

const TIMEOUT = 600_000;

const TITLE = "has as many slots after 10,000 orders as after 1,000, with 100 open at once";

describe("State of escrow and pool", () => {
  // what forge runs, the coverage plugin cannot see
  if (process.env.SOLIDITY_COVERAGE === "true") {
    it(`${TITLE}: not run under coverage`);
    return;
  }

  it(TITLE, async () => {
    const forge = await findForge();
    if (forge === undefined) {
      console.log("      not run: no forge for this platform came with npm, and none is on the PATH");
      return;
    }
    await build(forge);
    const { escrow, pool } = await measureGrowth(forge);
    for (const [name, { early, late }] of Object.entries({ escrow, pool })) {
      console.log(`      ${name.padEnd(8)}${early} slots after 1,000 orders, ${late} after 10,000`);
    }

    // three slots a place; a weight of each of ten miners
    expect(escrow.early).to.be.greaterThan(3 * 100);
    expect(pool.early).to.be.greaterThan(10);
    for (const { early, late } of [escrow, pool]) expect(late / early).to.be.at.most(1.02);
  }).timeout(TIMEOUT);
});
