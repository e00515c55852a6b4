import { expect } from "chai";

import { eventsIn } from "@turingfog/sdk/ethers";

/** Blocks as events, from a provider that gives so many at once. */
function provider(limit: number) {
  const asked: [number, number][] = [];
  const query = async (from: number, to: number): Promise<number[]> => {
    asked.push([from, to]);
    if (to - from + 1 > limit) throw new Error(`more than ${limit} blocks`);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  };
  return { asked, query };
}

describe("eventsIn", () => {
  it("asks once for what the provider gives at once", async () => {
    const { asked, query } = provider(100);
    expect(await eventsIn(query, 1, 100)).to.have.length(100);
    expect(asked).to.deep.equal([[1, 100]]);
  });

  it("has every event once and in order, however little the provider gives at once", async () => {
    for (const limit of [1, 2, 7, 99]) {
      const { query } = provider(limit);
      expect(await eventsIn(query, 3, 102)).to.deep.equal(Array.from({ length: 100 }, (_, i) => i + 3));
    }
  });

  it("gives up on a provider that refuses a single block, after a few requests", async () => {
    const { asked, query } = provider(0);
    const refusal = await eventsIn(query, 0, 1_000_000).catch((error: Error) => error.message);
    expect(refusal).to.equal("more than 0 blocks");
    expect(asked.length).to.be.below(25);
  });
});
