import { expect } from "chai";

import type * as Clock from "../../../apps/web/src/index/clock";
import type * as Late from "../../../apps/web/src/index/reached";
import { load } from "./built";

const INDEX = "https://index.example";
const reached = { number: 100n, time: 1_000n };

describe("the page while its index or its node stands still", () => {
  it("says how far behind an index is that does not follow the chain", async () => {
    const { lateness } = await load<typeof Late>("index/reached.ts");
    const late = lateness(INDEX, reached, { number: 150n, time: 1_720n });
    expect(late?.message).to.match(/index\.example has read the chain up to block 100, which is 12 minutes older/);
  });

  it("says nothing of a chain that is quiet, or of a block that was just made", async () => {
    const { lateness } = await load<typeof Late>("index/reached.ts");
    expect(lateness(INDEX, reached, reached)).to.equal(undefined);
    expect(lateness(INDEX, reached, { number: 101n, time: 1_300n })).to.equal(undefined);
    // until the next block the index names the one that a reorganisation has taken back
    expect(lateness(INDEX, reached, { number: 99n, time: 5_000n })).to.equal(undefined);
  });

  it("stops the chain's clock soon after the node was last heard of", async () => {
    const { clockAt } = await load<typeof Clock>("index/clock.ts");
    const head = { time: 1_000n, seen: 0, told: 8_000 };
    expect(clockAt(head, 9_000)).to.equal(1_009n);
    expect(clockAt(head, 20_000)).to.equal(1_020n);
    expect(clockAt(head, 3_600_000)).to.equal(1_020n);
  });
});
