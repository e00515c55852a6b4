import { spawnSync } from "node:child_process";
import path from "node:path";

import { loadFixture } from "@nomicfoundation/hardhat-network-helpers";
import { DAY, epochOf, NOMINAL_SUPPLY, WAD as TFT } from "@turingfog/sdk";
import { expect } from "chai";

import { CHECKS, CheckFailedError, type Observation, type CheckedStep } from "../demo/checks";
import { Random } from "@turingfog/economy";
import { Story, type Row } from "../demo/story";

const ROOT = path.join(__dirname, "../..");
const SEED = Number(process.env.SEED ?? 1);

/** The demo's first ten days, with everything that is special in them. */
async function tenDaysFixture() {
  const rows: Row[] = [];
  const story = await Story.begin(new Random(SEED), { note: () => {}, row: (row) => rows.push(row) });
  await story.tenDays();
  const { lastStep, passed } = story.economy.auditor;
  if (lastStep === undefined) throw new Error("Nothing was audited");
  const { usd, actors } = story.economy.world;
  return { rows, books: story.economy.books, lastStep, passed, usd: await usd.getAddress(), miners: actors.miners };
}

/** All that happened, as one step from genesis. */
function fromGenesis(step: CheckedStep): CheckedStep {
  const supply = { ...step.before.supply, burned: 0n };
  return { ...step, before: { ...step.before, supply, destructions: [] } };
}

function withNow(step: CheckedStep, change: Partial<Observation>): CheckedStep {
  return { ...step, now: { ...step.now, ...change } };
}

function runCheck(name: string, step: CheckedStep): void {
  const check = CHECKS.find((candidate) => candidate.name === name);
  if (check === undefined) throw new Error(`There is no check ${name}`);
  check(step);
}

/** By check, a unit that makes it fail. */
const TAMPERINGS: Record<string, (step: CheckedStep) => CheckedStep> = {
  supplyIsNominalLessBurned: (step) => withNow(step, { totalSupply: step.now.totalSupply + 1n }),
  releaseFollowsBurning: (step) =>
    withNow(step, { supply: { ...step.now.supply, released: step.now.supply.released + 1n } }),
  circulatingNeverRises: (step) => {
    const supply = { ...step.before.supply, circulating: step.now.supply.circulating - 1n };
    return { ...step, before: { ...step.before, supply } };
  },
  balancesCoverLiabilities: (step) => withNow(step, { poolBalance: step.now.poolBalance - NOMINAL_SUPPLY }),
  depositsAreAccountedFor: (step) => {
    const [[orderId, order]] = step.now.orders;
    const orders = new Map(step.now.orders).set(orderId, { ...order, earned: order.earned + 1n });
    return withNow(step, { orders });
  },
  claimsStayWithinRewards: (step) => {
    const books = Object.create(step.books, {
      claims: { value: step.books.claims.map((claim) => ({ ...claim, paid: claim.paid + 1n })) },
    }) as CheckedStep["books"];
    return { ...step, books };
  },
  receiptsSettleAlikeInAnyOrder: (step) => {
    const [[orderId, order]] = step.now.orders;
    const orders = new Map(step.now.orders).set(orderId, { ...order, tuSettled: order.tuSettled + 1n });
    return withNow(step, { orders });
  },
  coalitionGetsNoMoreThanGranted: (step) => {
    const destructions = step.now.destructions.map((event) => ({ ...event, reward: event.reward + 2n }));
    return withNow(fromGenesis(step), { destructions });
  },
  finalBucketsNeverChange: (step) => {
    const [[id, final]] = step.finals;
    return { ...step, finals: new Map(step.finals).set(id, { ...final, reward: final.reward - 1n }) };
  },
  destructionsFollowTheSchedule: (step) => {
    const destructions = step.now.destructions.map((event) => ({ ...event, operations: event.operations - 1n }));
    return withNow(fromGenesis(step), { destructions });
  },
  maturityDistributesAll: (step) => {
    const supply = { ...step.before.supply, phase: 2 };
    return { ...step, before: { ...step.before, supply, destructions: [] } };
  },
  eventsRebuildTheSupply: (step) => withNow(step, { destructions: step.now.destructions.slice(1) }),
};

function demo(...args: string[]) {
  return spawnSync(process.execPath, [require.resolve("ts-node/dist/bin-transpile"), "lab/demo.ts", ...args], {
    cwd: ROOT,
    encoding: "utf8",
  });
}

describe("Demo", () => {
  it(`runs ten days in which TFT are burned, released and claimed (seed ${SEED})`, async () => {
    const { rows, books, passed } = await loadFixture(tenDaysFixture);

    expect(rows).to.have.length(10);
    const { supply, claimed } = rows[9];
    expect(supply.burned)
      .to.equal(books.supply.burned)
      .and.to.be.above(10_000n * TFT);
    expect(supply.released).to.equal((supply.burned * 4n) / 5n);
    expect(claimed).to.be.above(0n);
    expect(passed % CHECKS.length).to.equal(0);
    expect(passed).to.be.above(50 * CHECKS.length);
  });

  it("lets a late receipt earn in the round that is open when it is settled", async () => {
    const { rows, books, usd, miners } = await loadFixture(tenDaysFixture);

    // the V100 is the third miner's, who has no other node that has worked for dollars by then
    const opened = [...books.buckets.values()].filter(({ asset }) => asset === usd);
    const bucket = opened.find(({ openedAt }) => epochOf(openedAt, DAY) === rows[6].epoch);
    expect(bucket?.miners).to.include(miners[2].address);
  });

  it("refunds what was paid for and not delivered", async () => {
    const { books } = await loadFixture(tenDaysFixture);

    const refunded = [...books.accounts.values()].map((account) => account.refunded);
    expect(refunded.some((amount) => amount > 0n)).to.equal(true);
  });

  describe("checks", () => {
    it("has a way to fail each of them", () => {
      expect(Object.keys(TAMPERINGS)).to.have.members(CHECKS.map(({ name }) => name));
    });

    for (const [name, tamper] of Object.entries(TAMPERINGS)) {
      it(`fails ${name} when a figure is off`, async () => {
        const { lastStep } = await loadFixture(tenDaysFixture);

        expect(() => runCheck(name, tamper(lastStep))).to.throw(CheckFailedError, name);
      });
    }
  });

  describe("command line", () => {
    it("refuses an unknown option with exit code 2", () => {
      const { status, stderr } = demo("--sede", "1");

      expect(stderr).to.contain("--sede");
      expect(status).to.equal(2);
    });

    it("refuses a seed that is not a number of 32 bits with exit code 2", () => {
      const { status, stderr } = demo("--seed", "4294967296");

      expect(stderr).to.contain("--seed is 4294967296, must be a whole number from 0 to 4294967295");
      expect(status).to.equal(2);
    });

    it("tells how it is used", () => {
      const { status, stdout } = demo("--help");

      expect(stdout).to.contain("--seed <N>").and.to.contain("--out <DIR>").and.to.contain("--json");
      expect(status).to.equal(0);
    });
  });
});
