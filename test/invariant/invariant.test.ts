import { expect } from "chai";

import {
  BEGINNINGS,
  campaign,
  compareTransfers,
  describeSummary,
  itByForge,
  measureGrowth,
  merge,
  type Summary,
  walkPrices,
} from "./campaign";
import { ACTIONS, SIGHTS } from "./expected";

// All that forge runs is in this file, because no two processes may compile into its cache at once.

/** Seeds of the first of as many campaigns as there are beginnings, and of the transfers, unless env SEED has another. */
const CAMPAIGN_SEED = Number(process.env.SEED ?? 1);
const TRANSFERS_SEED = Number(process.env.SEED ?? 17);

const RUNS = 2;
const CALLS = 50_000;

/** What random calls come by, often. */
const TRANSFER_SIGHTS = [
  "moved and passed on",
  "moved by an operator",
  "moved by its owner",
  "moved by who was approved",
  "moved in a place taken over",
  "moved to its owner",
  "old approval, new order",
  "old approval, old order",
  "old holder, new order",
  "refused without a reason",
  "refused: by the receiver",
  "refused: closing another's",
  "refused: closing none",
  "refused: no such order",
  "refused: not approved",
  "refused: not its owner",
  "refused: receiver",
  "refused: refund promised",
  "refused: the escrow itself",
];

describe("Statements on random histories of the protocol", () => {
  itByForge("hold after every call of a quick campaign, through every action and situation [slow]", async (forge) => {
    const summaries: Summary[] = [];
    for (let i = 0; i < BEGINNINGS; ++i) summaries.push(await campaign(forge, RUNS, CAMPAIGN_SEED + i));
    const summary = merge(summaries);
    console.log(
      describeSummary(summary)
        .map((line) => `      ${line}`)
        .join("\n"),
    );

    expect(summary.failures.join("\n"), "what forge found").to.equal("");
    expect(summary.reverts, "handlers that reverted").to.equal(0);
    const tallies = Object.entries(summary.actions);
    const done = tallies.filter(([name, tally]) => tally.done > 0 || name === "trespass");
    expect(done.map(([name]) => name).sort(), "actions done").to.deep.equal([...ACTIONS].sort());
    expect(Object.keys(summary.sights).sort(), "situations met").to.deep.equal([...SIGHTS].sort());
    const refused = tallies.reduce((total, [, tally]) => total + tally.refused, 0);
    expect(refused / summary.calls, "refused calls").to.be.below(0.2);
  });
});

describe("State of escrow and pool", () => {
  itByForge("has as many slots after 10,000 orders as after 1,000, with 100 open at once [slow]", async (forge) => {
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

describe("Orders as ERC-721 tokens", () => {
  itByForge(
    `move as OpenZeppelin's tokens do, whatever is called by whom (SEED=${TRANSFERS_SEED}) [T38] [slow]`,
    async (forge) => {
      const sights = await compareTransfers(forge, CALLS, TRANSFERS_SEED);
      for (const [name, count] of Object.entries(sights).sort()) {
        console.log(`      ${name.padEnd(36)}${String(count).padStart(10)}`);
      }

      expect(Object.keys(sights).sort(), "situations met").to.deep.equal(TRANSFER_SIGHTS);
      expect(Math.min(...Object.values(sights)), "times of the rarest").to.be.greaterThan(CALLS / 1_000);
    },
  );
});

describe("AuctionPrice, priceAt", () => {
  itByForge(
    "never rises from one second to the next in the first three days, and keeps above a quarter on the first [T21] [slow]",
    walkPrices,
  );
});
