import { Ledger, RefusedError, TFT } from "@turingfog/economy";
import { DAY, NOMINAL_SUPPLY, OutOfRangeError, supplyOf, toJson, ULTIMATE_SUPPLY, WAD } from "@turingfog/sdk";
import { expect } from "chai";
import fc from "fast-check";

const SEED = Number(process.env.SEED ?? 1);
const USD = "USD";
const REFERENCE = 20n * WAD;

function ledgerOfDollars(): Ledger {
  const ledger = new Ledger({ epochLength: DAY, auctionPeriod: DAY, operationsShare: 1_000n });
  ledger.list(USD, 6n, REFERENCE);
  return ledger;
}

describe("the ledger", () => {
  it("refuses an asset that is not listed, a lot that is not there, and earnings of nothing", () => {
    const ledger = ledgerOfDollars();
    expect(() => ledger.earn("DAI", "alice", 1n, 0n)).to.throw(RefusedError, "DAI is not listed");
    expect(() => ledger.buy(USD, 1n, DAY)).to.throw(RefusedError, `USD has no closed round at ${DAY}`);
    expect(() => ledger.burn(DAY)).to.throw(RefusedError, `TFT has no closed round at ${DAY}`);
    expect(() => ledger.earn(USD, "alice", 0n, 0n)).to.throw(OutOfRangeError, "earnings is 0");
  });

  it("writes a lot off from 30 periods on, and sells the next one by the old reference", () => {
    const ledger = ledgerOfDollars();
    ledger.earn(USD, "alice", 1_000n, 0n);
    ledger.earn(USD, "bob", 500n, DAY);
    const message = `The lot of USD can be written off from ${31n * DAY} on, and it is ${31n * DAY - 1n}`;
    expect(() => ledger.writeOff(USD, 31n * DAY - 1n)).to.throw(RefusedError, message);
    expect(ledger.writeOff(USD, 31n * DAY)).to.equal(1_000n);
    expect(ledger.reference(USD)).to.equal(REFERENCE);
    expect(ledger.lot(USD, 31n * DAY)).to.deep.include({ startedAt: 31n * DAY, remaining: 500n });
  });

  it("keeps to the rules in every random history", () => {
    const act = fc.record({
      wait: fc.bigInt(0n, 2n * DAY),
      what: fc.constantFrom("earn", "earn TFT", "buy", "burn", "write off", "claim", "pay operations"),
      amount: fc.bigInt(1n, 10n ** 14n),
      miner: fc.constantFrom("alice", "bob", "carol"),
    });
    const property = fc.property(fc.array(act, { minLength: 20, maxLength: 200 }), (acts) => {
      const ledger = ledgerOfDollars();
      let now = 0n;
      let paid = 0n;
      let circulating = supplyOf(ledger.supply).circulating;
      for (const { wait, what, amount, miner } of acts) {
        now += wait;
        const lot = ledger.lot(USD, now);
        if (what === "earn") ledger.earn(USD, miner, amount, now);
        if (what === "earn TFT") ledger.earn(TFT, miner, amount * 10n ** 11n, now);
        if (what === "buy" && lot !== undefined) ledger.buy(USD, amount, now);
        if (what === "burn" && ledger.lot(TFT, now) !== undefined) ledger.burn(now);
        if (what === "write off" && lot !== undefined && now >= lot.startedAt + 30n * DAY) ledger.writeOff(USD, now);
        if (what === "claim") for (const round of ledger.rounds(USD)) paid += ledger.claim(round, miner);
        if (what === "pay operations") paid += ledger.payOperations();

        const supply = supplyOf(ledger.supply);
        const unfinished = [USD, TFT].map(
          (asset) => ledger.rounds(asset).filter(({ finalAt }) => finalAt === undefined).length,
        );
        const isSound = supply.total >= ULTIMATE_SUPPLY && supply.total === NOMINAL_SUPPLY - supply.burned;
        const isKept = supply.circulating <= circulating && ledger.rewardsHeld >= 0n && Math.max(...unfinished) <= 2;
        if (!isSound || !isKept) expect.fail(`after ${what} at ${now}: ${toJson({ supply, unfinished })}`);
        circulating = supply.circulating;
      }
      // what was bought back is burned, and what is released or left is paid, owed or held
      const bought = [USD, TFT].flatMap((asset) => ledger.rounds(asset)).reduce((sum, each) => sum + each.proceeds, 0n);
      const { burned, released } = ledger.supply;
      expect(paid + ledger.operationsOwed + ledger.rewardsHeld).to.equal(released + bought - burned);
    });
    fc.assert(property, { seed: SEED, numRuns: 100 });
  });
});
