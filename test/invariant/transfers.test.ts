import { expect } from "chai";

import { compareTransfers, itByForge } from "./campaign";

/** Any other can be given by env SEED. */
const SEED = Number(process.env.SEED ?? 17);
const CALLS = 50_000;

/** What random calls come by, often. */
const SIGHTS = [
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

describe("Orders as ERC-721 tokens", () => {
  itByForge(`move as OpenZeppelin's tokens do, whatever is called by whom (SEED=${SEED})`, async (forge) => {
    const sights = await compareTransfers(forge, CALLS, SEED);
    for (const [name, count] of Object.entries(sights).sort()) {
      console.log(`      ${name.padEnd(36)}${String(count).padStart(10)}`);
    }

    expect(Object.keys(sights).sort(), "situations met").to.deep.equal(SIGHTS);
    expect(Math.min(...Object.values(sights)), "times of the rarest").to.be.greaterThan(CALLS / 1_000);
  });
});
