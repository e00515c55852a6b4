import { expect } from "chai";
import { Interface } from "ethers";

import { LINES, tableOf, unshown } from "../../chaos/lines";
import { raceLines, readRace, wastedPercent } from "../../chaos/race";

const [POOL, KEEPER, WALLET, STRANGER] = ["0xa0", "0xb1", "0xb2", "0xb3"];
const FUNCTIONS = new Interface(["function claim(uint256)", "function burn()"]);
const CLAIM = FUNCTIONS.encodeFunctionData("claim", [7n]);
const BURN = FUNCTIONS.encodeFunctionData("burn");

type Sent = [from: string, input: string, status: string, gas: number, logs: number];

/** A chain with one transaction in each block. */
function chainOf(...sent: Sent[]) {
  return {
    async send(method: string, [of]: unknown[]): Promise<unknown> {
      if (method === "eth_blockNumber") return `0x${(sent.length - 1).toString(16)}`;
      const [from, input, status, gas, logs] = sent[Number(of)];
      if (method === "eth_getBlockByNumber") return { transactions: [{ hash: of, from, to: POOL, input }] };
      return { status, gasUsed: `0x${gas.toString(16)}`, logs: Array.from({ length: logs }) };
    },
  };
}

function read(...sent: Sent[]) {
  const racers = new Map([
    [KEEPER, "keeper0"],
    [WALLET, "wallet"],
  ]);
  return readRace(chainOf(...sent), racers, new Map([[POOL, FUNCTIONS]]));
}

describe("readRace", () => {
  it("counts who has done what, and the gas of what was refused or did nothing", async () => {
    const race = await read(
      [KEEPER, CLAIM, "0x1", 700, 1],
      [WALLET, CLAIM, "0x0", 100, 0],
      [WALLET, BURN, "0x1", 150, 2],
      [KEEPER, BURN, "0x1", 50, 0],
      [STRANGER, BURN, "0x0", 5_000, 0],
    );
    expect(Object.fromEntries(race.done.get("claim") ?? [])).to.deep.equal({ keeper0: 1 });
    expect(Object.fromEntries(race.done.get("burn") ?? [])).to.deep.equal({ wallet: 1 });
    expect([race.gas, race.wasted, wastedPercent(race)]).to.deep.equal([1_000n, 150n, 15]);
    expect(raceLines(race).at(-1)).to.equal(
      "  15 % of 1000 gas was for nothing: claim of wallet 100, burn of keeper0 50",
    );
  });

  it("counts a transaction without a call as a cancellation", async () => {
    const { vain } = await read([KEEPER, "0x", "0x1", 21_000, 0]);
    expect(vain).to.deep.equal(["cancellation of keeper0 21000"]);
  });
});

describe("The table of what a network survives", () => {
  it("names the lines of which nothing was shown", () => {
    const witnesses = [{ line: "reorganisation", did: "a block undone", held: "submitted again" }] as const;
    expect(unshown(witnesses)).to.have.length(Object.keys(LINES).length - 1);
    expect(unshown(witnesses)).to.not.include(LINES.reorganisation);
    const table = tableOf(witnesses);
    expect(table.slice(table.indexOf(LINES.reorganisation)).slice(1, 2)).to.deep.equal([
      "  a block undone  submitted again",
    ]);
    expect(table.filter((row) => row === "  was not shown")).to.have.length(Object.keys(LINES).length - 1);
  });
});
